/**
 * S1: a device is killed again and again while it sends, imports and syncs. Nothing that it said to be durable is lost, here or at
 * its sibling, and nothing is there twice. `KINLOG_KILL_ROUNDS` sets how often (5).
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openNode } from "../../../src/app/node/open-node.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { addressOf, TestDevices } from "../../support/devices.ts";
import { repositoryRoot } from "../../support/paths.ts";

const ROUNDS = Number(process.env["KINLOG_KILL_ROUNDS"] ?? 5);
const PROGRAM = join(repositoryRoot, "dist", "test", "support", "busy-node.js");
const IMPORTED = 4_000;

describe("A device that is killed", function () {
  this.timeout(30_000 + ROUNDS * 20_000);
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  it("S1: loses nothing that it had said to be durable, and both end with the same", async () => {
    const laptop = await devices.found("laptop");
    await devices.join(laptop, "phone");
    const file = join(devices.root, "sms.xml");
    await writeFile(file, smsBackup(IMPORTED));
    const said = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      // Early in one round, late in another: in the middle of an import, of a push, of history from the sibling.
      const until = 1 + ((round * 37) % 120);
      const sending = sendAlong(laptop, round);
      for (const id of await runAndKill(devices.dir("phone"), addressOf(laptop), file, until)) said.add(id);
      await sending;
      const phone = await openNode({ dir: devices.dir("phone"), network: false });
      const here = await allOf(phone);
      for (const id of said)
        ok(here.has(id), `round ${round}: a message that was said to be durable is gone`);
      const { bad } = await phone.verify();
      equal(bad, 0);
      await phone.close();
    }

    const phone = await devices.start("phone");
    await phone.connect(addressOf(laptop));
    const { imported, duplicates } = await phone.import(file);
    equal(imported + duplicates, IMPORTED);
    for (const node of [phone, laptop]) equal((await node.sync({ timeoutMs: 20_000 })).inSync, true);
    const [there, here] = [await allOf(laptop), await allOf(phone)];
    deepEqual([...there].toSorted(), [...here].toSorted());
    for (const id of said) ok(there.has(id));
    const [a, b] = await Promise.all([laptop.status(), phone.status()]);
    deepEqual([a.fingerprint, a.messages, a.alarms], [b.fingerprint, b.messages, []]);
    equal((await laptop.messages.show("+4915112345678", { limit: 2 * IMPORTED })).length, IMPORTED);
  });
});

/** Kills the device once it has said `until` messages to be durable; gives what it said. */
async function runAndKill(
  dir: string,
  address: string,
  file: string,
  until: number,
): Promise<readonly string[]> {
  const child = spawn(process.execPath, [PROGRAM, dir, address, file], { stdio: ["ignore", "pipe", "pipe"] });
  const gone = once(child, "close");
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const said: string[] = [];
  let isReady = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, id] = line.split(" ");
    if (what === "ready") isReady = true;
    if (what === "sent" && id !== undefined) said.push(id);
    if (said.length === until) child.kill("SIGKILL");
  }
  await gone;
  equal(isReady, true, errors);
  ok(said.length >= until, errors);
  return said;
}

async function sendAlong(node: KinlogNode, round: number): Promise<void> {
  for (let at = 0; at < 200; at++)
    await node.messages.send({ conversation: `room ${at % 5}`, text: `laptop ${round} ${at}` });
}

async function allOf(node: KinlogNode): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const { conversation } of await node.conversations.list()) {
    const messages = await node.messages.show(conversation, { limit: 100_000, deleted: true });
    for (const { id } of messages) {
      ok(!ids.has(id), "a message is there twice");
      ids.add(id);
    }
  }
  return ids;
}

function smsBackup(count: number): string {
  const lines = Array.from(
    { length: count },
    (_, at) =>
      `<sms protocol="0" address="+4915112345678" date="${1_600_000_000_000 + at * 1_000}" type="${1 + (at % 2)}" ` +
      `subject="null" body="number ${at}" toa="null" sc_toa="null" service_center="null" read="1" status="-1" locked="0" />`,
  );
  return `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count="${count}">\n${lines.join("\n")}\n</smses>\n`;
}
