/**
 * Tries one decoder until its time is over: changes inputs of the corpus, and keeps what runs code that no input ran before.
 * Coverage is read once for many inputs, since reading it takes as long as some hundred of them; where there is news the
 * inputs are halved until it is known which brings it. Tests: test/unit/fuzz/fuzzer.test.ts.
 */
import { brokenPromise, brokenPromiseOrBound, type Decoder, SIZE_MAX } from "./decoder.ts";
import { Mutator } from "./mutator.ts";
import { Random } from "../../simulations/doubles/random.ts";

/** An input may take so long. Far above any; a machine that stands still is told from it by trying again. */
export const INPUT_MS_MAX = 500;
const TRIES = 3;
const BATCH_MS = 100;
const BATCH_MAX = 16_384;
const BATCH_MIN = 16;
/** Of each batch so many inputs are good ones, made anew. */
const FRESH_PERCENT = 5;
const FINDINGS_MAX = 3;

export interface Finding {
  readonly input: Uint8Array;
  readonly what: string;
}

/** What the fuzzer needs to know of the code that ran. */
export interface CoverageReader {
  readonly size: number;
  readonly forget: () => void;
  readonly reset: () => void;
  readonly hasNews: (options: { readonly keep: boolean }) => boolean;
}

export interface FuzzResult {
  readonly executions: number;
  readonly ms: number;
  readonly corpus: readonly Uint8Array[];
  /** Characters of code that run with the stored corpus and good inputs, and those that this run came to beside them. */
  readonly code: number;
  readonly newCode: number;
  readonly findings: readonly Finding[];
}

export interface FuzzInput {
  readonly decoder: Decoder;
  readonly corpus: readonly Uint8Array[];
  readonly seconds: number;
  /** Also ends the run; absent: only the time does. */
  readonly executionsMax?: number;
  readonly seed: number;
  readonly coverage: CoverageReader;
  /** Told of each input before it is tried, so that somebody else can end one that never ends. */
  readonly onTry: (input: Uint8Array) => void;
}

export class Fuzzer {
  readonly #given: FuzzInput;
  readonly #random: Random;
  readonly #mutator: Mutator;
  readonly #corpus: Uint8Array[] = [];
  readonly #findings: Finding[] = [];
  #executions = 0;
  #sampleSeed: number;
  #samples: readonly Uint8Array[] = [];

  constructor(given: FuzzInput) {
    this.#given = given;
    this.#random = new Random(given.seed);
    this.#sampleSeed = given.seed;
    this.#mutator = new Mutator(this.#random, given.decoder.words ?? [], given.decoder.sizeMax ?? SIZE_MAX);
  }

  async run(): Promise<FuzzResult> {
    const { coverage, corpus, seconds, executionsMax = Number.POSITIVE_INFINITY } = this.#given;
    const begunAt = performance.now();
    this.#refresh();
    coverage.forget();
    for (const input of [...corpus, ...this.#samples]) await this.#keepIfNew(input);
    const code = coverage.size;
    let size = BATCH_MIN;
    const isOver = (): boolean =>
      performance.now() - begunAt >= seconds * 1_000 ||
      this.#executions >= executionsMax ||
      this.#findings.length >= FINDINGS_MAX;
    while (!isOver()) {
      const batch = Array.from({ length: size }, () => this.#next());
      const batchAt = performance.now();
      coverage.forget();
      for (const input of batch) await this.#try(input);
      const isQuick = performance.now() - batchAt < BATCH_MS;
      const hasNews = coverage.hasNews({ keep: false });
      if (hasNews) await this.#keepNews(batch);
      size = hasNews || !isQuick ? Math.max(BATCH_MIN, size >> 1) : Math.min(BATCH_MAX, size << 1);
    }
    return {
      executions: this.#executions,
      ms: performance.now() - begunAt,
      corpus: this.#corpus,
      code,
      newCode: coverage.size - code,
      findings: this.#findings,
    };
  }

  #next(): Uint8Array {
    if (this.#random.chance(FRESH_PERCENT)) {
      if (this.#random.chance(2)) this.#refresh();
      if (this.#samples.length > 0) return this.#random.pick(this.#samples);
    }
    const base = this.#corpus.length === 0 ? new Uint8Array(0) : this.#random.pick(this.#corpus);
    const other = this.#corpus.length === 0 ? base : this.#random.pick(this.#corpus);
    return this.#mutator.mutate(base, other);
  }

  #refresh(): void {
    this.#samples = this.#given.decoder.samples(this.#sampleSeed++);
  }

  /** Halves until the inputs that bring the news are alone. */
  async #keepNews(inputs: readonly Uint8Array[]): Promise<void> {
    const [first] = inputs;
    if (first === undefined) return;
    if (inputs.length === 1) return this.#keepIfNew(first);
    const { coverage } = this.#given;
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      coverage.forget();
      for (const input of half) await this.#try(input);
      if (coverage.hasNews({ keep: false })) await this.#keepNews(half);
    }
  }

  async #keepIfNew(input: Uint8Array): Promise<void> {
    const { coverage, decoder } = this.#given;
    coverage.forget();
    if (!(await this.#try(input))) return;
    if (!coverage.hasNews({ keep: true })) return;
    this.#corpus.push(input);
    // Once more and alone, since the first time V8 also compiles.
    const broken = await brokenPromiseOrBound(decoder, input);
    if (broken !== undefined) this.#find(input, broken);
  }

  /** False where the input broke a promise. */
  async #try(input: Uint8Array): Promise<boolean> {
    const { decoder, onTry } = this.#given;
    onTry(input);
    this.#executions++;
    const begunAt = performance.now();
    const broken = await brokenPromise(decoder, input);
    const tookMs = performance.now() - begunAt;
    if (broken !== undefined) this.#find(input, broken);
    else if (tookMs > INPUT_MS_MAX && (await this.#isSlow(input)))
      this.#find(input, `took ${Math.round(tookMs)} ms`);
    else return true;
    return false;
  }

  async #isSlow(input: Uint8Array): Promise<boolean> {
    for (let left = TRIES; left > 0; left--) {
      const begunAt = performance.now();
      await brokenPromise(this.#given.decoder, input);
      if (performance.now() - begunAt <= INPUT_MS_MAX) return false;
    }
    return true;
  }

  #find(input: Uint8Array, what: string): void {
    // One fault shows in many inputs; the first of each kind is enough.
    if (!this.#findings.some((finding) => finding.what === what)) this.#findings.push({ input, what });
  }
}
