/** S2: a scripted run is killed at every write, sync, rename, unlink and open of its disk, one after the other. */
import { auditDevice } from "./audit.ts";
import { choosePoints, findPoints, injection, namePoint } from "./points.ts";
import { Said } from "./said.ts";
import { sideBySide, type Stage, Tally, type Torture, type Tried } from "./stage.ts";
import { runScripted, straceMissing } from "./strace.ts";
import type { Report } from "../wifi/table.ts";

const AT_ONCE = 2;
const RUN_MS = 60_000;

export const writes: Torture = { name: "writes", rounds: 50, play };

async function play(stage: Stage, report: Report, rounds: number): Promise<Tried> {
  const missing = straceMissing();
  if (missing !== undefined) {
    report.skip("killed at every call that touches the disk", missing);
    return { rounds: 0, failed: 0 };
  }
  const all = await findPoints(stage);
  const chosen = choosePoints(all, rounds, stage.options.seed);
  const tally = new Tally(stage, "writes", chosen.length);
  let killed = 0;
  await sideBySide(stage, chosen.length, AT_ONCE, async (at, lane) => {
    const { point, number } = chosen[at]!;
    const dir = stage.directory(`writes-${lane}`);
    const { output, errors } = await runScripted({
      dir,
      backup: stage.backup.path,
      options: injection(dir, point, "signal=SIGKILL"),
      timeoutMs: RUN_MS,
    });
    const said = Said.of(output);
    if (!said.hasEnded) killed++;
    const refused = said.refused.map((code) => `refused ${code}`);
    const crashed = errors === "" ? [] : [errors.slice(0, 500)];
    const problems = await auditDevice({ dir, said, backup: stage.backup, goOn: true });
    tally.add(`point ${number} (${namePoint(point)})`, [...refused, ...crashed, ...problems]);
    stage.leave(dir, problems.length > 0);
  });
  const more = `${killed} of ${tally.rounds} runs were killed, of ${all.length} points`;
  tally.report(report, "S2: killed at calls that touch the disk: what was acknowledged is there", more);
  // A point may lie at another place in the next run; where most are missed, nothing was tried.
  const share = `${killed} of ${tally.rounds}`;
  report.check("kills that met their point", "9 of 10", share, killed >= 0.9 * tally.rounds);
  return tally;
}
