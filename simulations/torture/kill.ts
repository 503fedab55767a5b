/**
 * S1: kill -9 of a device that sends, imports and takes in what its sibling writes, at times that the seed chooses. After each kill all
 * that it had said to be durable is there; at the end both devices hold the same, and nobody has repaired anything.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openNode } from "../../src/app/node/open-node.ts";
import type { KinlogNode } from "../../src/app/node/types.ts";
import { addressOf, TestDevices } from "../../test/support/devices.ts";
import type { Report } from "../wifi/table.ts";
import { Random } from "../doubles/random.ts";
import { describe, messagesOf } from "./audit.ts";
import { sideBySide, type Stage, Tally, type Torture, type Tried } from "./stage.ts";

const BUSY = fileURLToPath(new URL("../../test/support/busy-node.js", import.meta.url));
const AT_ONCE = 2;
/** Then a new pair is made, so that looking at all of it stays short. */
const ROUNDS_PER_PAIR = 10;
/** Of acknowledgements, from none: killed while it opens, connects, or imports. */
const ACKNOWLEDGED_MAX = 120;
const SILENT_MS_MAX = 900;
const SIBLING_SENDS = 60;
const ROUND_MS = 60_000;
const SYNC_MS = 30_000;

export const kill: Torture = { name: "kill", rounds: 20, play };

async function play(stage: Stage, report: Report, rounds: number): Promise<Tried> {
  const tally = new Tally(stage, "kill", rounds);
  const same = new Tally(stage, "kill: pairs", Math.ceil(rounds / ROUNDS_PER_PAIR));
  const { seed } = stage.options;
  let acknowledged = 0;
  await sideBySide(stage, Math.ceil(rounds / ROUNDS_PER_PAIR), AT_ONCE, async (at) => {
    const from = seed + at * ROUNDS_PER_PAIR;
    const to = Math.min(seed + rounds, from + ROUNDS_PER_PAIR);
    const pair = await Pair.make(stage.backup.path);
    try {
      for (let round = from; round < to && !stage.isInterrupted; round++) {
        tally.add(`round ${round}`, await problemsOf(() => pair.killOnce(new Random(round), round)));
      }
      same.add(`pair from ${from}`, await problemsOf(() => pair.compare(stage.backup.messages)));
    } finally {
      acknowledged += pair.said.size;
      await pair.devices.cleanup();
    }
  });
  tally.report(report, "S1: kill -9: what was acknowledged is there, once", `${acknowledged} acknowledged`);
  same.report(report, "S1: after kills both devices hold the same");
  return tally;
}

async function problemsOf(work: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await work();
  } catch (error) {
    return [describe(error)];
  }
}

class Pair {
  readonly devices: TestDevices;
  readonly said = new Set<string>();
  readonly #laptop: KinlogNode;
  readonly #backup: string;

  private constructor(devices: TestDevices, laptop: KinlogNode, backup: string) {
    this.devices = devices;
    this.#laptop = laptop;
    this.#backup = backup;
  }

  static async make(backup: string): Promise<Pair> {
    const devices = await TestDevices.create();
    const laptop = await devices.found("laptop");
    await devices.join(laptop, "phone");
    return new Pair(devices, laptop, backup);
  }

  async killOnce(random: Random, round: number): Promise<readonly string[]> {
    const sending = this.#sendAlong(round);
    const errors = await this.#runAndKill(random);
    await sending;
    const problems: string[] = errors === "" ? [] : [errors];
    const phone = await openNode({ dir: this.devices.dir("phone"), network: false });
    try {
      const here = await messagesOf(phone, problems);
      for (const id of this.said)
        if (!here.has(id)) problems.push(`${id} was said to be durable and is gone`);
      const { bad } = await phone.verify();
      if (bad > 0) problems.push(`verify finds ${bad} bad`);
      for (const { text } of (await phone.status()).alarms) problems.push(`alarm: ${text}`);
    } finally {
      await phone.close();
    }
    return problems;
  }

  /** Both meet, and hold the same. */
  async compare(backupMessages: number): Promise<readonly string[]> {
    const phone = await this.devices.start("phone");
    await phone.connect(addressOf(this.#laptop));
    const { imported, duplicates } = await phone.import(this.#backup);
    const problems: string[] = [];
    if (imported + duplicates !== backupMessages) problems.push(`${imported + duplicates} imported`);
    for (const node of [phone, this.#laptop])
      if (!(await node.sync({ timeoutMs: SYNC_MS })).inSync) problems.push("they do not come into sync");
    const [there, here] = [await messagesOf(this.#laptop, problems), await messagesOf(phone, problems)];
    const [a, b] = [await this.#laptop.status(), await phone.status()];
    if (a.fingerprint !== b.fingerprint || a.messages !== b.messages)
      problems.push(`${a.fingerprint} with ${a.messages} is not ${b.fingerprint} with ${b.messages}`);
    if ([...there.keys()].toSorted().join() !== [...here.keys()].toSorted().join())
      problems.push("they show other messages");
    for (const id of this.said) if (!there.has(id)) problems.push(`${id} did not reach the sibling`);
    for (const { text } of [...a.alarms, ...b.alarms]) problems.push(`alarm: ${text}`);
    await this.devices.stop(phone);
    return problems;
  }

  /** Kills it after so many acknowledgements, or after a time in which it may not even have begun. Gives what it complained of. */
  async #runAndKill(random: Random): Promise<string> {
    const address = addressOf(this.#laptop);
    const child = spawn(process.execPath, [BUSY, this.devices.dir("phone"), address, this.#backup], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const gone = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once("close", (_code, signal) => resolve(signal)),
    );
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const until = random.chance(70) ? random.between(1, ACKNOWLEDGED_MAX) : Infinity;
    const afterMs = until === Infinity ? random.between(50, SILENT_MS_MAX) : ROUND_MS;
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [what, id] = line.split(" ");
      if (what !== "sent" || id === undefined) continue;
      this.said.add(id);
      if (++count === until) child.kill("SIGKILL");
    }
    const signal = await gone;
    clearTimeout(timer);
    return signal === "SIGKILL" && errors === "" ? "" : `ended by itself: ${errors.slice(0, 500)}`;
  }

  async #sendAlong(round: number): Promise<void> {
    for (let at = 0; at < SIBLING_SENDS; at++)
      await this.#laptop.messages.send({ conversation: `room ${at % 5}`, text: `laptop ${round} ${at}` });
  }
}
