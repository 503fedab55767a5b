/** Runs many seeds in processes of their own, a slice each, so that memory does not grow with them and both cores are used. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SeedResult } from "./run-seed.ts";

const SLICE = fileURLToPath(new URL("slice.js", import.meta.url));
const SLICE_SEEDS = 25;
const PROCESSES = 2;
/** A seed takes about a second; one that hangs must not hold up the rest. */
const SEED_MS_MAX = 120_000;

/** Tells each result as it comes. Ends early, between two slices, where `isOver` says so. */
export async function runSlices(
  seeds: readonly number[],
  tell: (result: Omit<SeedResult, "lines">) => void,
  isOver: () => boolean = () => false,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < seeds.length && !isOver()) {
      const slice = seeds.slice(next, next + SLICE_SEEDS);
      next += slice.length;
      await runSlice(slice, tell);
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, work));
}

async function runSlice(
  seeds: readonly number[],
  tell: (result: Omit<SeedResult, "lines">) => void,
): Promise<void> {
  const left = [...seeds];
  const child = spawn(process.execPath, [SLICE, ...seeds.map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let timer = setTimeout(() => child.kill("SIGKILL"), SEED_MS_MAX);
  for await (const line of createInterface(child.stdout)) {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill("SIGKILL"), SEED_MS_MAX);
    left.shift();
    tell(JSON.parse(line) as Omit<SeedResult, "lines">);
  }
  clearTimeout(timer);
  await ended;
  const [seed, ...rest] = left;
  if (seed === undefined) return;
  tell({ seed, failure: "the process hung or died", trace: "", events: 0, counts: {} });
  if (rest.length > 0) await runSlice(rest, tell);
}
