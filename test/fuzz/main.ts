/**
 * `npm run fuzz`: tries every decoder with made inputs and prints a line for each. An input that breaks a promise goes into the
 * corpus and is printed with the command that replays it. Docs: docs/reliability.md, "Fuzzing".
 */
import "../../src/promise-with-resolvers.ts";
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { hex } from "../../src/core/base/bytes.ts";
import { formatCounts } from "../../simulations/wifi/table.ts";
import { readShelf, writeShelf } from "./corpus.ts";
import { runCrew } from "./crew.ts";
import { brokenPromiseOrBound, type Decoder, groups } from "./decoder.ts";
import { allDecoders } from "./decoders/all.ts";
import type { FuzzResult } from "./fuzzer.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { readOptions } from "../../simulations/read-options.ts";
import type { Order } from "./worker.ts";

const EXIT_FAILED = 1;
/** Longer inputs are printed by their beginning; the whole stands in the corpus. */
const HEX_MAX = 2_000;

async function replay(decoder: Decoder, input: Uint8Array): Promise<number> {
  const broken = await brokenPromiseOrBound(decoder, input);
  console.log(broken === undefined ? `${decoder.name} keeps its promises` : `${decoder.name}: ${broken}`);
  console.log(
    formatCounts({ passed: broken === undefined ? 1 : 0, failed: broken === undefined ? 0 : 1, skipped: 0 }),
  );
  return broken === undefined ? 0 : EXIT_FAILED;
}

function printResult({ name, save, seed }: Order, result: FuzzResult): void {
  const rate = Math.round(result.executions / Math.max(0.001, result.ms / 1_000));
  const figures = [
    `${result.executions} runs`.padStart(15),
    `${rate}/s`.padStart(10),
    `corpus ${result.corpus.length}`.padStart(12),
    `code ${result.code}`.padStart(12),
    `new ${result.newCode}`.padStart(10),
    `findings ${result.findings.length}`.padStart(12),
  ];
  console.log(name.padEnd(16) + figures.join(""));
  for (const { input, what } of result.findings) {
    writeShelf(name, "found", [...readShelf(name, "found"), input]);
    const printed = hex(input);
    console.log(`  ${what}`);
    console.log(
      printed.length <= HEX_MAX
        ? `  replay: npm run fuzz -- ${name} --input ${printed}`
        : `  ${input.length} bytes, in test/vectors/corpus/found/${name}.hex; seed ${seed}`,
    );
  }
  if (save) writeShelf(name, "kept", result.corpus);
}

function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown";
  let commit = "unknown";
  try {
    commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: "pipe",
    }).trim();
  } catch {
    // Not in a repository, or without git: the figures stand without it.
  }
  return `${cpus().length} × ${model}, Node ${process.version}, commit ${commit}`;
}

async function fuzz(decoders: readonly Decoder[], options: Options): Promise<number> {
  const { seconds, seed, save } = options;
  let failed = 0;
  let executions = 0;
  const orders = decoders.map(({ name }) => ({ name, seconds, seed, save }));
  await runCrew(orders, options.jobs ?? availableParallelism(), (order, result) => {
    printResult(order, result);
    executions += result.executions;
    if (result.findings.length > 0) failed++;
  });
  console.log(`${executions} runs, ${seconds} s each, seed ${seed}, ${describeMachine()}`);
  console.log(formatCounts({ passed: decoders.length - failed, failed, skipped: 0 }));
  return failed === 0 ? 0 : EXIT_FAILED;
}

const options = readOptions(
  (args) => parseOptions(args, new Set([...groups, ...allDecoders.map(({ name }) => name)])),
  usage,
);
const wanted = allDecoders.filter(
  ({ name, group }) =>
    options.names.length === 0 || options.names.includes(name) || options.names.includes(group),
);
if (options.list) for (const { name, group } of wanted) console.log(`${group.padEnd(12)}${name}`);
else if (options.input !== undefined) process.exit(await replay(wanted[0]!, options.input));
else process.exit(await fuzz(wanted, options));
