/**
 * S9, S10, S11: damage in the files of a device that has a sibling: single flipped bits, and files that are old, empty, cut or gone. Nothing
 * wrong is shown, what is missing is reported, and all of it comes back from the sibling; or the store does not open, and the error says
 * what to do. LevelDB may abort the process on a table that it cannot make sense of: nothing is shown then either, and it is counted.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addressOf, TestDevices } from "../../test/support/devices.ts";
import type { Report } from "../wifi/table.ts";
import { sideBySide, type Stage, Tally, type Torture, type Tried } from "./stage.ts";
import { runTrials } from "./trials.ts";

const PROGRAM = fileURLToPath(new URL("programs/flip-trials.js", import.meta.url));
const AT_ONCE = 2;
const STARTS = 3;
const SENT_EACH_START = 40;
const SYNC_MS = 30_000;
/** How a process ends that LevelDB aborts; an error of our own code ends with 1. */
const ABORTED = /^(?:SIGABRT|SIGSEGV|SIGBUS|exit 134|exit 139)/;

export const flips: Torture = { name: "flips", rounds: 100, play };

async function play(stage: Stage, report: Report, rounds: number): Promise<Tried> {
  const base = stage.directory("flips-base");
  await makeBase(stage, base);
  const tally = new Tally(stage, "flips", rounds);
  const ended = new Map<string, number>();
  const count = (how: string): void => void ended.set(how, (ended.get(how) ?? 0) + 1);
  const first = stage.options.seed;
  await sideBySide(stage, AT_ONCE, AT_ONCE, async (lane) => {
    const scratch = stage.directory(`flips-${lane}`);
    await runTrials(stage, {
      program: PROGRAM,
      args: [base, scratch],
      from: first + Math.floor((rounds * lane) / AT_ONCE),
      to: first + Math.floor((rounds * (lane + 1)) / AT_ONCE),
      told: ({ trial, damage, outcome, problems }) => {
        count(String(outcome));
        const found = problems as readonly string[];
        tally.add(`${String(trial)} (${String(damage)})`, found);
        if (found.length > 0) stage.leave(join(scratch, `trial-${String(trial)}`), true);
      },
      died: ({ trial, died }) => {
        const isAborted = ABORTED.test(died);
        if (isAborted) count("aborted");
        tally.add(`${trial}`, isAborted ? [] : [`the process died: ${died}`]);
      },
    });
  });
  const how = [...ended].map(([outcome, times]) => `${times} ${outcome}`).join(", ");
  tally.report(report, "S9, S10, S11: damage is never shown, and comes back from a sibling", how);
  const noticed = (ended.get("repaired") ?? 0) + (ended.get("refused") ?? 0);
  report.check("damage was noticed", "some", `${noticed}`, noticed > 0);
  return tally;
}

/** Two devices that hold the same; the phone was closed and opened, so that it has tables, and a log with its last messages. */
async function makeBase(stage: Stage, base: string): Promise<void> {
  const devices = await TestDevices.create();
  try {
    const laptop = await devices.found("laptop");
    await devices.join(laptop, "phone");
    await laptop.import(stage.backup.path);
    for (let start = 0; start < STARTS; start++) {
      const phone = await devices.start("phone");
      await phone.connect(addressOf(laptop));
      for (let at = 0; at < SENT_EACH_START; at++) {
        await phone.messages.send({ conversation: `room ${at % 4}`, text: `phone ${start} ${at}` });
        await laptop.messages.send({ conversation: `room ${at % 4}`, text: `laptop ${start} ${at}` });
      }
      for (const node of [laptop, phone]) await node.sync({ timeoutMs: SYNC_MS });
      const [a, b] = [await laptop.status(), await phone.status()];
      if (a.fingerprint !== b.fingerprint) throw new Error("the devices to be damaged do not hold the same");
      await devices.stop(phone);
    }
    await devices.stop(laptop);
    for (const name of ["laptop", "phone"]) cpSync(devices.dir(name), join(base, name), { recursive: true });
  } finally {
    await devices.cleanup();
  }
}
