/**
 * S6, S7, S8: power cuts. A run is recorded with all that it wrote; from it come disks as a cut at any moment may leave them, and each is
 * opened by the real store.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "../wifi/table.ts";
import { sideBySide, type Stage, Tally, type Torture, type Tried } from "./stage.ts";
import { recordOptions, runScripted, straceMissing } from "./strace.ts";
import { runTrials } from "./trials.ts";

const PROGRAM = fileURLToPath(new URL("programs/power-states.js", import.meta.url));
const AT_ONCE = 2;
const RECORD_MS = 120_000;
/** Messages of 60,000 characters: enough that LevelDB changes its log of 8 MiB once. */
const LARGE = 150;
/** One trial in so many comes from the run with large messages, whose disks take longer. */
const LARGE_SHARE = 20;

export const power: Torture = { name: "power", rounds: 200, play };

async function play(stage: Stage, report: Report, rounds: number): Promise<Tried> {
  const missing = straceMissing();
  if (missing !== undefined) {
    report.skip("disks as a power cut leaves them", missing);
    return { rounds: 0, failed: 0 };
  }
  const ofLarge = Math.max(1, Math.floor(rounds / LARGE_SHARE));
  const small = await tryStates(stage, { name: "power", large: 0, rounds: rounds - ofLarge });
  small.report(report, "S6, S7: power cuts: what was acknowledged is there, nothing else is shown");
  const large = await tryStates(stage, { name: "power-large", large: LARGE, rounds: ofLarge });
  large.report(report, "S8: power cuts around a change of LevelDB's log");
  return { rounds: small.rounds + large.rounds, failed: small.failed + large.failed };
}

async function tryStates(
  stage: Stage,
  { name, large, rounds }: { readonly name: string; readonly large: number; readonly rounds: number },
): Promise<Tally> {
  const { backup } = stage;
  const dir = stage.directory(`${name}-recorded`);
  const record = join(stage.directory(`${name}-record`), "calls");
  const ran = await runScripted({
    dir,
    backup: backup.path,
    large,
    options: recordOptions(record),
    timeoutMs: RECORD_MS,
  });
  if (ran.code !== 0) throw new Error(`the recorded run ended with ${ran.code}: ${ran.errors}`);
  const tally = new Tally(stage, name, rounds);
  const first = stage.options.seed;
  await sideBySide(stage, AT_ONCE, AT_ONCE, async (lane) => {
    const scratch = stage.directory(`${name}-${lane}`);
    await runTrials(stage, {
      program: PROGRAM,
      args: [record, dir, backup.path, String(backup.messages), scratch],
      from: first + Math.floor((rounds * lane) / AT_ONCE),
      to: first + Math.floor((rounds * (lane + 1)) / AT_ONCE),
      told: ({ trial, cut, mode, acknowledged, problems }) => {
        const found = problems as readonly string[];
        tally.add(
          `state ${String(trial)} (before moment ${String(cut)}, ${String(mode)}, ${String(acknowledged)} acknowledged)`,
          found,
        );
        if (found.length > 0) stage.leave(join(scratch, `state-${String(trial)}`), true);
      },
      died: ({ trial, died }) => tally.add(`state ${trial}`, [`the process died: ${died}`]),
    });
  });
  return tally;
}
