/** The fuzzer itself: it finds what is planted, and says nothing of what is well. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { EngineError } from "../../../src/core/base/errors.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { brokenPromise, brokenPromiseOrBound, type Decoder, promise } from "../../fuzz/decoder.ts";
import { type CoverageReader, Fuzzer, type FuzzResult } from "../../fuzz/fuzzer.ts";
import { minimise } from "../../fuzz/minimise.ts";
import { Mutator } from "../../fuzz/mutator.ts";

/** What ran is what the decoder says that it did. */
class Steps implements CoverageReader {
  readonly #seen = new Set<string>();
  #ran = new Set<string>();

  get size(): number {
    return this.#seen.size;
  }

  note(step: string): void {
    this.#ran.add(step);
  }

  reset(): void {
    this.#seen.clear();
    this.#ran.clear();
  }

  forget(): void {
    this.#ran.clear();
  }

  hasNews({ keep }: { readonly keep: boolean }): boolean {
    const fresh = [...this.#ran].filter((step) => !this.#seen.has(step));
    if (keep) for (const step of fresh) this.#seen.add(step);
    this.#ran = new Set();
    return fresh.length > 0;
  }
}

function decoderOf(read: Decoder["read"]): Decoder {
  return {
    name: "planted",
    group: "wire",
    codes: ["WIRE_*"],
    samples: () => [Uint8Array.of(1, 2, 3, 4)],
    read,
  };
}

function fuzz(read: (input: Uint8Array, steps: Steps) => void, executionsMax: number): Promise<FuzzResult> {
  const coverage = new Steps();
  const decoder = decoderOf((input) => read(input, coverage));
  return new Fuzzer({
    decoder,
    corpus: [],
    seconds: 60,
    executionsMax,
    seed: 5,
    coverage,
    onTry: () => undefined,
  }).run();
}

describe("The fuzzer", function () {
  this.timeout(90_000);

  it("finds its way to a planted fault step by step, which chance alone would not", async () => {
    const word = [0x7a, 0x11, 0xc3, 0x59];
    const { findings, corpus } = await fuzz((input, steps) => {
      let right = 0;
      while (right < word.length && input[right] === word[right]) steps.note(`right ${++right}`);
      promise(right < word.length, "the word is never said");
      if (right < 2) throw new EngineError("WIRE_TRUNCATED", "nothing to see");
    }, 1_000_000);
    equal(findings.length, 1);
    deepEqual([...findings[0]!.input.subarray(0, 4)], word);
    match(findings[0]!.what, /the word is never said/);
    ok(corpus.length >= 3);
  });

  it("finds refusals that no document knows", async () => {
    const { findings } = await fuzz((input) => {
      if (input.length === 7) throw new EngineError("UNEXPECTED", "an inner fault");
    }, 5_000);
    match(findings[0]!.what, /^UNEXPECTED: /);
  });

  it("says nothing of a decoder that is well, and ends in its time", async () => {
    const { findings, executions, ms } = await fuzz((input) => {
      if (input[0] === 0) throw new EngineError("WIRE_TRUNCATED", "refused");
    }, 5_000);
    deepEqual(findings, []);
    ok(executions >= 5_000 && ms < 15_000);
  });

  it("U3: sees a prototype that was changed", async () => {
    const input = Uint8Array.of(1);
    const decoder = decoderOf(() => {
      Object.defineProperty(Object.prototype, "planted", { value: 1, configurable: true });
    });
    try {
      match(String(await brokenPromise(decoder, input)), /prototype/);
    } finally {
      Reflect.deleteProperty(Object.prototype, "planted");
    }
    equal(
      await brokenPromise(
        decoderOf(() => undefined),
        input,
      ),
      undefined,
    );
  });

  it("U5: sees an input that makes far more than its size", async () => {
    let kept: Uint8Array | undefined;
    const bomb = decoderOf(() => {
      kept = new Uint8Array(64 * 1024 * 1024);
    });
    match(String(await brokenPromiseOrBound(bomb, Uint8Array.of(1))), /1 bytes made \d{8}/);
    equal(kept?.length, 64 * 1024 * 1024);
  });

  it("keeps of a corpus the shortest inputs that run the same code", async () => {
    const coverage = new Steps();
    const decoder = decoderOf((input) => {
      for (const byte of input) coverage.note(`byte ${byte}`);
    });
    const inputs = [[1, 2, 3], [1], [2, 1], [1, 2], [3]].map((bytes) => Uint8Array.from(bytes));
    deepEqual(
      (await minimise(decoder, inputs, coverage)).map((input) => [...input]),
      [[1], [3], [2, 1]],
    );
  });
});

describe("The mutator", () => {
  it("makes the same inputs of the same seed, others of another, and none that is too long", () => {
    const made = (seed: number): readonly string[] => {
      const mutator = new Mutator(new Random(seed), ["word"], 64);
      let input: Uint8Array = Uint8Array.of(1, 2, 3);
      return Array.from({ length: 2_000 }, () => {
        input = mutator.mutate(input, Uint8Array.of(9, 9, 9));
        ok(input.length <= 64);
        return Buffer.from(input).toString("latin1");
      });
    };
    deepEqual(made(1), made(1));
    const inputs = made(2);
    ok(new Set(inputs).size > 1_000);
    ok(inputs.some((input) => input.includes("word")));
    ok(inputs.some((input) => input.includes("__proto__")));
  });
});
