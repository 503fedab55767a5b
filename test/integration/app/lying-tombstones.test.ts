/** A member that says in tombstones that its own message stands where others have theirs: nothing of others is erased by it. */
import { deepEqual, equal } from "node:assert/strict";
import type { ControlId, LogId, MessageId } from "../../../src/core/base/ids.ts";
import { messageRowKey } from "../../../src/core/inbox/row-keys.ts";
import { compareNamed } from "../../../src/core/inbox/tombstone-body.ts";
import { Bin } from "../../../src/app/node/bin.ts";
import { Eraser } from "../../../src/app/node/eraser.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { InboxWriting } from "../../../src/app/node/inbox-writing.ts";
import { LatePlaces } from "../../../src/app/node/late-places.ts";
import { MissingTombstones } from "../../../src/app/node/missing-tombstones.ts";
import { PurgeMemory } from "../../../src/app/node/purge-memory.ts";
import { Purging } from "../../../src/app/node/purging.ts";
import { readSpots } from "../../../src/app/replica/message-spots.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { entriesOf, namedOf, writePurge } from "../../support/purges.ts";
import { batchesOf, draftOf, messageBody, ownLog, TestDevice } from "../../support/replicas.ts";

const DAY_MS = 86_400_000;

interface Parts {
  readonly purging: Purging;
  readonly bin: Bin;
  readonly eraser: Eraser;
  readonly late: LatePlaces;
}

function partsOf({ replica }: TestDevice): Parts {
  const purging = new Purging(
    replica,
    new InboxReader(replica, () => ({ here: true, devices: [], cloud: null })),
  );
  const memory = new PurgeMemory(replica);
  const bin = new Bin(replica, purging, memory);
  const eraser = new Eraser({
    replica,
    memory,
    forget: () => Promise.resolve(),
    isLongInBin: (purge) => bin.isLongIn(purge),
    tombstones: new MissingTombstones(replica, purging.addressOf),
    tell: () => undefined,
  });
  return { purging, bin, eraser, late: new LatePlaces({ replica, purging, eraser }) };
}

describe("Tombstones that lie", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let victim: TestDevice;
  let liar: TestDevice;
  let log: LogId;
  let parts: Parts;
  beforeEach(async () => {
    clock = new ManualClock();
    victim = await TestDevice.found(clock);
    liar = await victim.admit("liar", 2);
    await share(liar, victim);
    log = ownLog(victim.replica, "messages");
    parts = partsOf(victim);
    await parts.eraser.load();
    await parts.eraser.look();
  });

  async function share(from: TestDevice, to: TestDevice): Promise<void> {
    for (const logClass of ["control", "messages", "state"] as const)
      await to.ingest(await batchesOf(from.replica, { logClass, of: from.replica.self }), from.replica);
  }

  async function write(device: TestDevice, count: number): Promise<readonly MessageId[]> {
    const drafts = Array.from({ length: count }, (_, at) => draftOf(device, messageBody(`n ${at}`)));
    await device.replica.writer.append(drafts);
    return drafts.map(({ id }) => id);
  }

  /** `message` stands at the first `count` places of the victim. */
  async function lie(message: MessageId, count: number, purge: ControlId): Promise<void> {
    const named = Array.from({ length: count }, (_, position) => ({
      message,
      contentHash: new Uint8Array(16).fill(255),
      stamp: { ms: 1, counter: 0 },
      flags: 0,
      log,
      position,
    })).toSorted(compareNamed);
    await liar.replica.writer.append([
      draftOf(liar, { kind: "tombstone", purge, conversation: "Zoë", named }),
    ]);
  }

  const erased = async (): Promise<number> =>
    (await entriesOf(victim.replica, log)).filter(({ state }) => state === "purged").length;

  it("L8: make no large purge one of what has been in the bin for long", async () => {
    await write(victim, 150);
    await share(victim, liar);
    const [own] = await write(liar, 1);
    const conversation = liar.replica.fold!.conversationOf("Zoë");
    await liar.replica.writer.append([draftOf(liar, { kind: "delete", conversation, messages: [own!] })]);
    await share(liar, victim);
    for (let day = 0; day < 31; day++) {
      clock.pass(DAY_MS);
      await parts.bin.sweep();
    }
    await lie(own!, 150, await writePurge(liar.replica, await namedOf(liar.replica, log, 0, 150)));
    await share(liar, victim);
    await parts.eraser.look();
    equal(await erased(), 0);
    deepEqual(
      parts.eraser.list().map(({ entries, waits }) => [entries, waits]),
      [[150, true]],
    );
  });

  it("L8: keep no purge of what has been in the bin for long from being carried out", async () => {
    const ids = await write(victim, 120);
    const [other] = await write(liar, 1);
    await share(victim, liar);
    await share(liar, victim);
    const conversation = victim.replica.fold!.conversationOf("Zoë");
    await victim.replica.writer.append([draftOf(victim, { kind: "delete", conversation, messages: ids })]);
    await parts.bin.sweep();
    clock.pass(30 * DAY_MS);
    await parts.purging.write(ids);
    await share(victim, liar);
    const { id } = victim.replica.members.purges[0]!;
    // Another message, one of the purge's at places where others stand, and many that nobody has.
    await lie(other!, 3, id);
    await lie(ids[7]!, 3, id);
    for (let n = 0; n < 130; n++) await lie(n.toString(16).padStart(32, "0") as MessageId, 1, id);
    await share(liar, victim);
    await parts.eraser.look();
    equal(await erased(), 120);
  });

  it("L8: make nobody name others' places as what came late", async () => {
    await write(victim, 80);
    await share(victim, liar);
    const [own] = await write(liar, 1);
    await partsOf(liar).purging.write([own!]);
    await lie(own!, 80, liar.replica.members.purges[0]!.id);
    await share(liar, victim);
    await parts.eraser.look();
    await parts.late.look();
    await parts.eraser.look();
    deepEqual(
      victim.replica.members.purges.map(({ entries }) => entries.length),
      [1],
    );
    equal(await erased(), 0);
  });

  it("L8: hide no message by another content, also in a view that is built again", async () => {
    const [shown] = await write(victim, 3);
    await share(victim, liar);
    const body = { kind: "tombstone", purge: "0".repeat(64) as ControlId, conversation: "Zoë" } as const;
    const nothing = {
      message: shown!,
      contentHash: new Uint8Array(16),
      stamp: { ms: 1, counter: 0 },
      flags: 0,
    };
    await liar.replica.writer.append([
      draftOf(liar, { ...body, named: [{ ...nothing, log, position: 70 }] }),
    ]);
    await share(liar, victim);
    const inbox = new InboxReader(victim.replica, () => ({ here: true, devices: [], cloud: null }));
    for (let built = 0; built < 2; built++) {
      const { messages } = new InboxWriting(victim.replica, inbox);
      deepEqual(
        (await messages.show("Zoë")).map(({ text }) => text),
        ["n 0", "n 1", "n 2"],
      );
      equal(await victim.replica.countWrongRows(), 0);
      // Where it is said to stand is a place of it too, should something of it come there.
      const { store } = victim.replica.ports;
      const [row] = await store.rows([messageRowKey(shown!)]);
      deepEqual(
        (await readSpots(store, shown!, row!)).map(({ place }) => place.position),
        [0, 70],
      );
      await victim.replica.repair(() => Promise.resolve({ rebuildView: true }));
    }
    // And it can be purged, with the place that was claimed for it not named.
    await parts.purging.write([shown!]);
    await parts.eraser.look();
    equal(await erased(), 1);
  });

  it("L8: make a person's purge of one message no purge of others", async () => {
    const [gone] = await write(victim, 80);
    await share(victim, liar);
    await lie(gone!, 80, "0".repeat(64) as ControlId);
    await share(liar, victim);
    await parts.purging.write([gone!]);
    await parts.eraser.look();
    equal(await erased(), 1);
  });
});
