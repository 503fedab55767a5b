/**
 * `npm run torture`: real devices in real processes, killed, starved of disk, cut off from power and damaged, and what was lost.
 * What each name does and how to repeat its figures: docs/reliability.md.
 */
import "../../src/promise-with-resolvers.ts";
import { execFileSync } from "node:child_process";
import { cpus, release } from "node:os";
import { countRows, formatCounts, formatTable, Report, type Row } from "../wifi/table.ts";
import { errors } from "./errors.ts";
import { flips } from "./flips.ts";
import { kill } from "./kill.ts";
import { parseOptions, usage } from "./options.ts";
import { readOptions } from "../read-options.ts";
import { power } from "./power.ts";
import { Stage, type Torture } from "./stage.ts";
import { addToTally, seedBehind } from "./tally-file.ts";
import { writes } from "./writes.ts";

const EXIT_FAILED = 1;
const tortures: readonly Torture[] = [kill, writes, errors, power, flips];
/** What has no limit takes what there is. */
const EVERY_ONE = 1_000_000;

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

/** What breaks a name is a failed row of it; the others go on. */
async function play(stage: Stage, torture: Torture, at: number): Promise<readonly Row[]> {
  const { rounds: wanted } = stage.options;
  const report = new Report(at + 1, ({ what, seen, result }) => {
    stage.progress(`${torture.name} ${result.padEnd(7)} ${what}: ${seen}`);
  });
  const startedAt = performance.now();
  try {
    const rounds = wanted === undefined ? torture.rounds : wanted === "all" ? EVERY_ONE : wanted;
    const tried = await torture.play(stage, report, rounds);
    const { tally } = stage.options;
    if (tally !== undefined && tried.rounds > 0) {
      const sum = addToTally(tally, { name: torture.name, commit: commit(), ...tried });
      stage.progress(`${torture.name}: ${sum.rounds} in all, ${sum.failed} failed`);
    }
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    report.check(`${torture.name}: played to its end`, "yes", message.trim().replaceAll(/\s+/g, " "), false);
    stage.progress(stack ?? message);
  }
  stage.progress(`${torture.name}: took ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  return report.rows;
}

const read = readOptions(parseOptions, usage);
const seed = read.tally === undefined ? read.seed : seedBehind(read.tally, read.names, commit(), read.seed);
const stage = new Stage({ ...read, seed });
process.on("exit", () => stage.close());
// The trials under way end by themselves; a second time ends at once.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever no longer waits for the table gets a failure instead, and no result.
    if (stage.isInterrupted) process.exit(EXIT_FAILED);
    stage.isInterrupted = true;
  });
}
const rows: Row[] = [];
for (const [at, torture] of tortures.entries()) {
  if (read.names.includes(torture.name)) rows.push(...(await play(stage, torture, at)));
}
const counts = countRows(rows);
console.log(`\n${formatTable(rows)}\n`);
console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, Linux ${release()}, Node ${process.version}, commit ${commit()}, from ${seed}`,
);
console.log(formatCounts(counts));
// Where nothing at all was tried, that is a failure as well.
process.exit(counts.failed === 0 && counts.passed + counts.skipped > 0 ? 0 : EXIT_FAILED);
