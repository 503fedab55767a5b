/** The shortest inputs of a corpus that together run the same code. Greedy: what an input adds depends on those before it. */
import { brokenPromise, type Decoder } from "./decoder.ts";
import type { CoverageReader } from "./fuzzer.ts";
import { hex } from "../../src/core/base/bytes.ts";

export async function minimise(
  decoder: Decoder,
  inputs: readonly Uint8Array[],
  coverage: CoverageReader,
): Promise<readonly Uint8Array[]> {
  const kept: Uint8Array[] = [];
  const once = [...new Map(inputs.map((input) => [hex(input), input])).values()];
  coverage.reset();
  for (const input of once.toSorted((a, b) => a.length - b.length)) {
    coverage.forget();
    await brokenPromise(decoder, input);
    if (coverage.hasNews({ keep: true })) kept.push(input);
  }
  return kept;
}
