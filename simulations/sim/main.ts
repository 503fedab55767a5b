/**
 * `npm run sim`: whole devices in a simulated world, one seed after the other. The last line is `N passed, N failed`, which .ci/run
 * reads. What is simulated, how a seed is repeated and what was found: docs/reliability.md.
 */
import "../../src/promise-with-resolvers.ts";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { planOf } from "../world/plan.ts";
import { regressions } from "../world/registers/regressions.ts";
import { formatCounts } from "../wifi/table.ts";
import { missedPaths } from "./missed-paths.ts";
import { type Command, parseOptions, usage } from "./options.ts";
import { readOptions } from "../read-options.ts";
import { readProgress, writeProgress } from "./progress.ts";
import { describeFailure, planWithout, runPlan } from "./run-seed.ts";
import { shrink } from "./shrink.ts";
import { runSlices } from "./slices.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const PROGRESS = fileURLToPath(new URL("../../sim-progress.json", import.meta.url));
/** Written down this often, in seeds: what lies between is run again after a break, and each part begins with new processes. */
const CHUNK = 150;

function fail(message: string): never {
  console.error(message);
  // Why was just printed, such as a trace of another commit; nothing was tried, and the exit code says so.
  process.exit(EXIT_USAGE);
}

function commitHere(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short=12", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

/** Another one with each commit. */
function seedOfCommit(commit: string): number {
  const given = process.env["COMMIT_SEED"];
  const seed = given === undefined ? Number.parseInt(commit.slice(0, 7), 16) : Number(given);
  return Number.isSafeInteger(seed) ? seed : 0;
}

async function runSet(command: Extract<Command, { kind: "set" }>, commit: string): Promise<number> {
  const known = command.isResumed ? readProgress(PROGRESS) : undefined;
  if (command.isResumed && known === undefined)
    fail("There is nothing to go on with: begin without --resume.");
  if (known !== undefined && known.commit !== commit)
    fail(
      `The last run was of commit ${known.commit}, and ${commit} is checked out. Begin anew without --resume.`,
    );
  const counts = new Map(Object.entries(known?.counts ?? {}));
  const failed = [...(known?.failed ?? [])];
  let passed = known?.passed ?? 0;
  const untilMs =
    command.minutes === null ? Number.POSITIVE_INFINITY : performance.now() + command.minutes * 60_000;
  const isOver = (): boolean => performance.now() > untilMs;
  const run = (seeds: readonly number[]): Promise<void> =>
    runSlices(
      seeds,
      (result) => {
        for (const [path, count] of Object.entries(result.counts))
          counts.set(path, (counts.get(path) ?? 0) + count);
        if (result.failure === null) return void passed++;
        failed.push(result.seed);
        console.log(`${describeFailure({ ...result, lines: [] }, { commit, without: [] })}\n`);
      },
      isOver,
    );
  if (known === undefined)
    await run(
      [...new Set([...regressions.map(({ seed }) => seed), seedOfCommit(commit)])].filter(
        (seed) => seed >= command.seeds,
      ),
    );
  let next = known?.next ?? 0;
  while (next < command.seeds && !isOver()) {
    const to = Math.min(next + CHUNK, command.seeds);
    await run(Array.from({ length: to - next }, (_, at) => next + at));
    if (isOver()) break;
    next = to;
    writeProgress(PROGRESS, { commit, next, passed, failed, counts: Object.fromEntries(counts) });
  }
  if (next < command.seeds)
    console.log(`stopped before seed ${next}: npm run sim -- --seeds ${command.seeds} --resume`);
  const missing = missedPaths({ seeds: passed + failed.length, counts });
  for (const { path, what } of missing)
    console.log(`never met, so these seeds say nothing of it: ${what} (${path})`);
  console.log(formatCounts({ passed, failed: failed.length + missing.length, skipped: 0 }));
  return failed.length + missing.length;
}

async function runOne(command: Extract<Command, { kind: "one" }>, commit: string): Promise<number> {
  const { seed, isTraced, without } = command;
  const result = await runPlan(planWithout(seed, without), isTraced);
  for (const line of result.lines) console.log(line);
  console.log(describeFailure(result, { commit, without }));
  console.log(`${result.events} events, trace ${result.trace}`);
  const failed = result.failure === null ? 0 : 1;
  console.log(formatCounts({ passed: 1 - failed, failed, skipped: 0 }));
  return failed;
}

async function runShrink(seed: number, commit: string): Promise<number> {
  const whole = await runPlan(planOf(seed));
  if (whole.failure === null) fail(`Seed ${seed} does not fail at commit ${commit}.`);
  const wanted = firstLine(whole.failure);
  const dropped = await shrink(
    planOf(seed).steps.length,
    async (without) => firstLine((await runPlan(planWithout(seed, without))).failure ?? "") === wanted,
    (left) => console.log(`still fails with ${left} steps`),
  );
  console.log(describeFailure(await runPlan(planWithout(seed, dropped)), { commit, without: dropped }));
  console.log(formatCounts({ passed: 0, failed: 1, skipped: 0 }));
  return 1;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

const { command, commit: wantedCommit } = readOptions(parseOptions, usage);
const commit = commitHere();
if (
  wantedCommit !== null &&
  !commit.startsWith(wantedCommit.slice(0, 12)) &&
  !wantedCommit.startsWith(commit)
)
  fail(`This seed is of commit ${wantedCommit}, and ${commit} is checked out: there it is another run.`);
const failures =
  command.kind === "set"
    ? await runSet(command, commit)
    : command.kind === "one"
      ? await runOne(command, commit)
      : await runShrink(command.seed, commit);
// Every seed is counted above; worlds that are over may still hold timers.
process.exit(failures === 0 ? 0 : EXIT_FAILED);
