/**
 * Benchmarks: each prints its figures with the machine, the commit and the sizes. `npm run bench -- NAME [--n COUNT] [--runs COUNT] [--json]
 * [--prof DIR]`, where DIR gets a CPU profile of each process.
 * Never a test: nothing here passes or fails. Results are collected in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { cpus, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { readOptions } from "../simulations/read-options.ts";
import type { BenchOptions, Figure } from "./figure.ts";
import { benchInbox } from "./inbox.ts";
import { benchOpen } from "./open.ts";
import { benchPurge } from "./purge.ts";
import { benchSearch } from "./search.ts";
import { benchSync } from "./sync.ts";
import { benchUpgrade } from "./upgrade.ts";

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<readonly Figure[]>>> = {
  sync: benchSync,
  open: benchOpen,
  inbox: benchInbox,
  search: benchSearch,
  purge: benchPurge,
  upgrade: benchUpgrade,
};

const usage = `npm run bench -- [NAME…] [--n COUNT] [--runs COUNT] [--json] [--prof DIR]

Prints figures with their medians and extremes; without a name those of all: ${Object.keys(benches).join(", ")}.
  --n COUNT     messages; what docs/performance.md has where nothing is said
  --runs COUNT  times that each figure is taken; 5
  --json        one line of JSON for each benchmark
  --prof DIR    writes a CPU profile of each process into DIR`;

interface Wanted extends BenchOptions {
  readonly names: readonly string[];
  readonly isJson: boolean;
}

/** Throws an Error with a sentence for the person where the arguments are wrong. */
function parseOptions(args: readonly string[]): Wanted {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      n: { type: "string" },
      runs: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      prof: { type: "string" },
    },
  });
  const unknown = positionals.find((name) => benches[name] === undefined);
  if (unknown !== undefined) throw new Error(`no benchmark is called ${unknown}`);
  return {
    names: positionals.length === 0 ? Object.keys(benches) : positionals,
    n: values.n === undefined ? undefined : numberOf("--n", values.n),
    runs: numberOf("--runs", values.runs),
    nodeOptions: values.prof === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", values.prof],
    isJson: values.json,
  };
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`${option} takes a number from 1, not ${text}`);
  return number;
}

const { names, isJson, ...options } = readOptions(parseOptions, usage);
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  commit: commit(),
  sha256PerSecond: sha256PerSecond(),
};
if (!isJson)
  console.log(
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}, commit ${machine.commit}, ${options.runs} runs; SHA-256 of 200 bytes: ${Math.round(machine.sha256PerSecond).toLocaleString("en-GB")}/s`,
  );

for (const name of names) {
  const figures = await benches[name]!(options);
  if (isJson)
    console.log(
      JSON.stringify({
        bench: name,
        machine,
        figures: figures.map((each) => ({ ...each, median: median(each.values) })),
      }),
    );
  else
    for (const { what, unit, values: all } of figures)
      console.log(
        `${name.padEnd(6)} ${what.padEnd(58)} ${format(median(all)).padStart(10)} ${unit.padEnd(6)} (${format(Math.min(...all))} to ${format(Math.max(...all))})`,
      );
}

function median(all: readonly number[]): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** What this machine can do at this hour: shared ones differ by more than two from one to the next, and figures with them. */
function sha256PerSecond(): number {
  const bytes = new Uint8Array(200).fill(7);
  const count = 300_000;
  for (let n = 0; n < 20_000; n++) hash("sha256", bytes, "binary");
  const began = performance.now();
  for (let n = 0; n < count; n++) hash("sha256", bytes, "binary");
  return (count / (performance.now() - began)) * 1_000;
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-GB") : value.toFixed(1);
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
