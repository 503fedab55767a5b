/**
 * Benchmarks: each prints its figures with the machine, the commit and the sizes. `npm run bench -- NAME [--n COUNT] [--runs COUNT] [--json]
 * [--prof DIR]`, where DIR gets a CPU profile of each process.
 * Never a test: nothing here passes or fails. Results are collected in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { cpus, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import type { BenchOptions, Figure } from "./figure.ts";
import { benchInbox } from "./inbox.ts";
import { benchOpen } from "./open.ts";
import { benchSearch } from "./search.ts";
import { benchSync } from "./sync.ts";
import { benchUpgrade } from "./upgrade.ts";

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<readonly Figure[]>>> = {
  sync: benchSync,
  open: benchOpen,
  inbox: benchInbox,
  search: benchSearch,
  upgrade: benchUpgrade,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    n: { type: "string" },
    runs: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    prof: { type: "string" },
  },
});
const names = positionals.length === 0 ? Object.keys(benches) : positionals;
const options: BenchOptions = {
  n: values.n === undefined ? undefined : Number(values.n),
  runs: Number(values.runs),
  nodeOptions: values.prof === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", values.prof],
};
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  commit: commit(),
  sha256PerSecond: sha256PerSecond(),
};
if (!values.json)
  console.log(
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}, commit ${machine.commit}, ${options.runs} runs; SHA-256 of 200 bytes: ${Math.round(machine.sha256PerSecond).toLocaleString("en-GB")}/s`,
  );

for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) {
    console.error(`no benchmark is called ${name}; there are: ${Object.keys(benches).join(", ")}`);
    process.exit(2);
  }
  const figures = await bench(options);
  if (values.json)
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
