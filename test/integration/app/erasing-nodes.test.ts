/** Purges between devices as people run them: real streams, a real store each, and files that are looked through afterwards. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ControlId, LogId } from "../../../src/core/base/ids.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { addressOf, LOOPBACK, nextEvent, TestDevices } from "../../support/devices.ts";
import { repositoryRoot } from "../../support/paths.ts";
import { canariesOf, countCanaries, entriesOf, purgeOldest, withReplica } from "../../support/purges.ts";
import { ownLog } from "../../support/replicas.ts";

const PROGRAM = join(repositoryRoot, "dist", "test", "support", "erasing-node.js");
const PATIENCE_MS = 30_000;

interface Planted {
  readonly purge: ControlId;
  readonly log: LogId;
  readonly canaries: readonly Buffer[];
}

/** `look` is asked until it says yes: what happens in files no event tells. */
async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`it has not come to this: ${what}`);
    await pause(50);
  }
}

describe("Purges between running devices", function () {
  this.timeout(120_000);
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  async function send(node: KinlogNode, count: number): Promise<void> {
    for (let at = 0; at < count; at++)
      await node.messages.send({
        conversation: "Zoë",
        text: `${at} ${"what nobody is to read any more ".repeat(6)}`,
      });
  }

  /** A device that does not run purges the first `count` of its messages. */
  const plant = (name: string, count: number): Promise<Planted> =>
    withReplica(devices.dir(name), async (replica) => {
      const log = ownLog(replica, "messages");
      const canaries = canariesOf((await entriesOf(replica, log)).slice(0, count));
      return { log, canaries, purge: await purgeOldest(replica, "Zoë", count) };
    });

  const countIn = (name: string, { canaries }: Planted): Promise<number> =>
    countCanaries(devices.dir(name), canaries);

  const statesIn = (name: string): Promise<readonly string[]> =>
    withReplica(devices.dir(name), (replica) =>
      Promise.resolve(replica.members.purges.map(({ state }) => state)),
    );

  async function inSync(...nodes: readonly KinlogNode[]): Promise<void> {
    for (const node of nodes) equal((await node.sync({ timeoutMs: 20_000 })).inSync, true);
    const fingerprints = await Promise.all(nodes.map(async (node) => (await node.status()).fingerprint));
    equal(new Set(fingerprints).size, 1);
  }

  const alarmsOf = async (node: KinlogNode): Promise<readonly string[]> =>
    (await node.status()).alarms.map(({ code }) => code);

  it("K5: a small one leaves nothing of the payloads in any file of either device, and is approved", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, 20);
    await inSync(laptop, phone);
    await devices.stop(laptop);
    const planted = await plant("laptop", 5);
    equal(await countIn("laptop", planted), 5);
    equal(await countIn("phone", planted), 5);
    const again = await devices.start("laptop");
    await again.connect(addressOf(phone));
    for (const name of ["laptop", "phone"])
      await until(`${name} has erased`, async () => (await countIn(name, planted)) === 0);
    await inSync(again, phone);
    for (const node of [again, phone]) deepEqual([(await node.verify()).bad, await alarmsOf(node)], [0, []]);
    await devices.stop(again, phone);
    for (const name of ["laptop", "phone"]) {
      deepEqual(await statesIn(name), ["approved"]);
      equal(await countIn(name, planted), 0);
    }
  });

  it("K5: a large one stays with an alarm on both, until it is approved on one", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, 120);
    await inSync(laptop, phone);
    await devices.stop(laptop);
    const planted = await plant("laptop", 110);
    const alarm = nextEvent(phone, "alarm");
    const again = await devices.start("laptop");
    await again.connect(addressOf(phone));
    const { code, text } = await alarm;
    equal(code, "large-purge");
    ok(text.includes('"laptop"') && text.includes("110"), text);
    // Here it may have been told before anybody could listen.
    await until("the laptop says so, too", async () => (await alarmsOf(again)).length > 0);
    await inSync(again, phone);
    deepEqual([await alarmsOf(again), await alarmsOf(phone)], [["large-purge"], ["large-purge"]]);
    equal(await countIn("laptop", planted), 110);
    await devices.stop(phone);
    equal(await countIn("phone", planted), 110);
    await withReplica(devices.dir("phone"), (replica) => replica.approvePurge(planted.purge));
    const agreed = await devices.start("phone");
    await agreed.connect(addressOf(again));
    for (const name of ["laptop", "phone"])
      await until(`${name} has erased`, async () => (await countIn(name, planted)) === 0);
    await inSync(again, agreed);
    for (const node of [again, agreed])
      await until("the alarm is withdrawn", async () => (await alarmsOf(node)).length === 0);
  });

  it("one that was stopped erases nothing", async () => {
    const laptop = await devices.found("laptop");
    const phone = await devices.add(laptop, "phone");
    await send(laptop, 120);
    await inSync(laptop, phone);
    await devices.stop(laptop, phone);
    const planted = await plant("laptop", 110);
    const again = await devices.start("laptop");
    const other = await devices.start("phone");
    await other.connect(addressOf(again));
    await until("it is known", async () => (await alarmsOf(other)).length > 0);
    await devices.stop(other);
    await withReplica(devices.dir("phone"), (replica) => replica.stopPurge(planted.purge));
    const stopped = await devices.start("phone");
    await stopped.connect(addressOf(again));
    await until("the alarm is withdrawn", async () => (await alarmsOf(again)).length === 0);
    await inSync(again, stopped);
    for (const name of ["laptop", "phone"]) equal(await countIn(name, planted), 110);
  });

  it("a device that is linked when all that is left is what was erased gets the rest, and is in sync", async () => {
    const laptop = await devices.found("laptop");
    await send(laptop, 300);
    await devices.stop(laptop);
    const planted = await plant("laptop", 250);
    const again = await devices.start("laptop");
    await until("the only device has erased", async () => (await countIn("laptop", planted)) === 0);
    const phone = await devices.add(again, "phone");
    await inSync(again, phone);
    await devices.stop(again, phone);
    equal(await countIn("phone", planted), 0);
    deepEqual(await statesIn("laptop"), ["approved"]);
    const states = await withReplica(devices.dir("phone"), async (replica) =>
      (await entriesOf(replica, planted.log)).map(({ state }) => state),
    );
    deepEqual(states, [...Array<string>(250).fill("purged"), ...Array<string>(50).fill("present")]);
  });

  it("S1: killed again and again while it erases, it ends with all of it erased and nothing else", async () => {
    const laptop = await devices.found("laptop");
    await send(laptop, 60);
    await devices.stop(laptop);
    const planted = await plant("laptop", 55);
    for (const afterMs of [900, 1_000, 1_020, 1_050]) {
      const child = spawn(process.execPath, [PROGRAM, devices.dir("laptop")], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const gone = once(child, "close");
      await once(child.stdout, "data");
      await pause(afterMs);
      child.kill("SIGKILL");
      await gone;
    }
    const again = await devices.start("laptop", LOOPBACK);
    await until("all is erased", async () => (await countIn("laptop", planted)) === 0);
    equal((await again.verify()).bad, 0);
    await devices.stop(again);
    const states = await withReplica(devices.dir("laptop"), async (replica) =>
      (await entriesOf(replica, planted.log)).map(({ state }) => state),
    );
    deepEqual(states, [...Array<string>(55).fill("purged"), ...Array<string>(5).fill("present")]);
  });
});
