/** A thread that tries decoders, one after another, as main.ts says. Coverage starts before the code under test is loaded. */
import "../../src/promise-with-resolvers.ts";
import { parentPort, workerData } from "node:worker_threads";
import { Coverage } from "./coverage.ts";
import type { FuzzResult } from "./fuzzer.ts";
import { SharedInput } from "./shared-input.ts";

export interface Order {
  readonly name: string;
  readonly seconds: number;
  readonly seed: number;
  /** Gives the corpus made small. */
  readonly save: boolean;
}

export type Report = { readonly kind: "ready" } | { readonly kind: "result"; readonly result: FuzzResult };

const coverage = new Coverage();
const shared = new SharedInput(workerData as SharedArrayBuffer);
const { allDecoders } = await import("./decoders/all.ts");
const { Fuzzer } = await import("./fuzzer.ts");
const { minimise } = await import("./minimise.ts");
const { readCorpus } = await import("./corpus.ts");

async function follow({ name, seconds, seed, save }: Order): Promise<FuzzResult> {
  const decoder = allDecoders.find((each) => each.name === name)!;
  const onTry = (input: Uint8Array): void => shared.put(input);
  const corpus = readCorpus(name);
  coverage.reset();
  const result = await new Fuzzer({ decoder, corpus, seconds, seed, coverage, onTry }).run();
  if (!save) return result;
  return { ...result, corpus: await minimise(decoder, [...corpus, ...result.corpus], coverage) };
}

parentPort!.on("message", (order: Order) => {
  void follow(order).then((result) => parentPort!.postMessage({ kind: "result", result } satisfies Report));
});
parentPort!.postMessage({ kind: "ready" } satisfies Report);
