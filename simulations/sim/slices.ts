/**
 * Runs many seeds in two processes, so that both cores are used. Each is given one seed after the other: what the compiler has learnt
 * of the program serves the next. After some of them it ends and another begins, so that memory does not grow.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { SeedResult } from "./run-seed.ts";

const SLICE = fileURLToPath(new URL("slice.js", import.meta.url));
/** Of one process. */
const SLICE_SEEDS = 75;
const PROCESSES = 2;
/** A seed takes about a second, the largest known a minute, and more where others use the machine. One that hangs must not hold up the rest. */
const SEED_MS_MAX = 240_000;
/** Worlds make much that lives for a moment: with more room for it fewer collections are needed. */
const NODE_OPTIONS = ["--max-semi-space-size=32"];

/** Tells each result as it comes. Ends early, between two seeds, where `isOver` says so. */
export async function runSlices(
  seeds: readonly number[],
  tell: (result: Omit<SeedResult, "lines">) => void,
  isOver: () => boolean = () => false,
): Promise<void> {
  const waiting = [...seeds];
  const next = (): number | undefined => (isOver() ? undefined : waiting.shift());
  const work = async (): Promise<void> => {
    for (let seed = next(); seed !== undefined; seed = next()) await runSlice(seed, next, tell);
  };
  await Promise.all(Array.from({ length: PROCESSES }, work));
}

/** One process: `first`, and those that follow, until there are no more or it has had enough. */
async function runSlice(
  first: number,
  next: () => number | undefined,
  tell: (result: Omit<SeedResult, "lines">) => void,
): Promise<void> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [...NODE_OPTIONS, SLICE],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  // Where it died it takes nothing more; that is seen below.
  child.stdin.on("error", () => undefined);
  let timer: NodeJS.Timeout | undefined;
  let running: number | undefined;
  let given = 0;
  const give = (seed: number | undefined): void => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill("SIGKILL"), SEED_MS_MAX);
    running = seed;
    if (seed === undefined) return void child.stdin.end();
    given++;
    child.stdin.write(`${seed}\n`);
  };
  give(first);
  for await (const line of createInterface(child.stdout)) {
    tell(JSON.parse(line) as Omit<SeedResult, "lines">);
    give(given < SLICE_SEEDS ? next() : undefined);
  }
  clearTimeout(timer);
  await ended;
  if (running !== undefined)
    tell({ seed: running, failure: "the process hung or died", trace: "", events: 0, counts: {} });
}
