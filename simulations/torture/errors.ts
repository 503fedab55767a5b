/**
 * S3, S4, S5: disks that fail or are full under a scripted run. It is told so by a code, nothing acknowledged is lost, and it goes on by
 * itself once the disk does.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Report } from "../wifi/table.ts";
import { auditDevice } from "./audit.ts";
import { choosePoints, findPoints, injection, namePoint, type Point } from "./points.ts";
import { Said } from "./said.ts";
import { sideBySide, type Stage, Tally, type Torture, type Tried } from "./stage.ts";
import { runScripted, straceMissing } from "./strace.ts";
import { runTrials } from "./trials.ts";

const FULL_DISK = fileURLToPath(new URL("programs/full-disk.js", import.meta.url));
const AT_ONCE = 2;
const RUN_MS = 60_000;
const FULL_DISK_ROUNDS = 4;
const FAILING_CALLS = ["write", "pwrite64", "fsync", "fdatasync", "rename", "mkdir"];

/** What a person may be told, by fault. */
const CODES = {
  EIO: ["STORE_POISONED", "STORE_DAMAGED", "DIRECTORY_UNREADABLE"],
  ENOSPC: ["DISK_FULL"],
} as const;

export const errors: Torture = { name: "errors", rounds: 16, play };

async function play(stage: Stage, report: Report, rounds: number): Promise<Tried> {
  const failing = await failCalls(stage, report, rounds);
  const full = await fillDisks(stage, report);
  return { rounds: failing.rounds + full.rounds, failed: failing.failed + full.failed };
}

async function failCalls(stage: Stage, report: Report, rounds: number): Promise<Tried> {
  const missing = straceMissing();
  if (missing !== undefined) {
    report.skip("S3: failing writes and syncs", missing);
    return { rounds: 0, failed: 0 };
  }
  const points = (await findPoints(stage)).filter(({ call }) => FAILING_CALLS.includes(call));
  // Each point twice: once it fails, once the disk is full there.
  const chosen = choosePoints(points, Math.ceil(rounds / 2), stage.options.seed).flatMap((each) =>
    (["EIO", "ENOSPC"] as const).map((fault) => ({ ...each, fault })),
  );
  const tally = new Tally(stage, "errors", chosen.length);
  let told = 0;
  await sideBySide(stage, chosen.length, AT_ONCE, async (at, lane) => {
    const { point, number, fault } = chosen[at]!;
    const dir = stage.directory(`errors-${lane}`);
    const { problems, refusals } = await failOnce(stage, dir, point, fault);
    told += refusals > 0 ? 1 : 0;
    tally.add(`${fault} at point ${number} (${namePoint(point)})`, problems);
    stage.leave(dir, problems.length > 0);
  });
  tally.report(
    report,
    "S3, S4: EIO and ENOSPC at calls that write: nothing acknowledged is lost",
    `${told} were told to somebody`,
  );
  report.check("refusals were seen", "some", `${told}`, told > 0);
  return tally;
}

async function failOnce(
  stage: Stage,
  dir: string,
  point: Point,
  fault: keyof typeof CODES,
): Promise<{ readonly problems: readonly string[]; readonly refusals: number }> {
  const ran = await runScripted({
    dir,
    backup: stage.backup.path,
    options: injection(dir, point, `error=${fault}`),
    timeoutMs: RUN_MS,
  });
  const said = Said.of(ran.output);
  const allowed: readonly string[] = CODES[fault];
  const problems = said.refused
    .filter((code) => !allowed.includes(code))
    .map((code) => `refused with ${code}`);
  if (!said.hasEnded) problems.push(`did not go on: exit ${ran.code} ${ran.errors.slice(0, 500)}`);
  const found = await auditDevice({ dir, said, backup: stage.backup, goOn: true });
  return { problems: [...problems, ...found], refusals: said.refused.length };
}

/** A small disk of its own, in a mount namespace that ends with the process. */
async function fillDisks(stage: Stage, report: Report): Promise<Tried> {
  const what = "S4, S5: a disk that is full, while it writes and at the start";
  const missing = mountMissing();
  if (missing !== undefined) {
    report.skip(what, missing);
    return { rounds: 0, failed: 0 };
  }
  const tally = new Tally(stage, "full disks", FULL_DISK_ROUNDS);
  const first = stage.options.seed;
  await runTrials(stage, {
    program: FULL_DISK,
    through: ["unshare", "-m"],
    args: [stage.directory("small-disk"), stage.backup.path, String(stage.backup.messages)],
    from: first,
    to: first + FULL_DISK_ROUNDS,
    told: ({ trial, problems }) => tally.add(`disk ${String(trial)}`, problems as readonly string[]),
    died: ({ trial, died }) => tally.add(`disk ${trial}`, [`the process died: ${died}`]),
  });
  tally.report(report, what);
  return tally;
}

function mountMissing(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "a disk of its own needs Linux and root";
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "mount namespaces do not work here";
  }
}
