/** The turn of a purge: delete, tombstones and purge, all of them or none, whatever becomes of the disk and of the process. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { ControlId, LogId, MessageId, TreeHash } from "../../../src/core/base/ids.ts";
import type { OperationBody, PlacedOperation } from "../../../src/core/inbox/types.ts";
import { PAYLOAD_BYTES_MAX } from "../../../src/core/log/types.ts";
import { encodeControl } from "../../../src/core/membership/operation.ts";
import type { PurgeView } from "../../../src/core/membership/types.ts";
import { placeName } from "../../../src/app/replica/message-spots.ts";
import { ENTRIES_PER_PURGE_MAX } from "../../../src/app/replica/purge-places.ts";
import type { Purged } from "../../../src/app/replica/purge-turn.ts";
import type { Published } from "../../../src/app/replica/turn.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { batchesOf, draftOf, lengthOf, messageBody, ownLog, TestDevice } from "../../support/replicas.ts";

type Tombstone = Extract<OperationBody, { kind: "tombstone" }>;

/** Writes messages and says their ids. */
async function write(device: TestDevice, count: number, conversation = "Zoë"): Promise<readonly MessageId[]> {
  const drafts = Array.from({ length: count }, (_, at) =>
    draftOf(device, messageBody(`${conversation} ${at}`, { conversation })),
  );
  await device.replica.writer.append(drafts);
  return drafts.map(({ id }) => id);
}

function purge(
  device: TestDevice,
  messages: readonly MessageId[],
  named = new Set<string>(),
): Promise<Purged> {
  const addressOf = (): Promise<string> => Promise.resolve("Zoë");
  return device.replica.writer.purge({ messages, named, addressOf });
}

function tombstonesIn(operations: readonly PlacedOperation[]): readonly Tombstone[] {
  return operations.flatMap(({ operation: { body } }) => (body.kind === "tombstone" ? [body] : []));
}

describe("The turn of a purge", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  let told: Published[];
  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
    told = [];
    laptop.replica.subscribe((published) => told.push(published));
  });

  const purges = (device = laptop): readonly PurgeView[] => device.replica.members.purges;
  const lengths = (device = laptop): readonly number[] =>
    (["control", "state", "messages"] as const).map((logClass) =>
      lengthOf(device.replica, ownLog(laptop.replica, logClass)),
    );

  it("names the message, its edits and its reactions, and says in a tombstone which message it was", async () => {
    await laptop.admit("phone", 2);
    const [kept, gone] = await write(laptop, 2);
    const conversation = laptop.replica.fold!.conversationOf("Zoë");
    const about = { conversation, message: gone! };
    await laptop.replica.writer.append([
      draftOf(laptop, { kind: "edit", ...about, text: "second" }),
      draftOf(laptop, { kind: "edit", ...about, text: "third" }),
      draftOf(laptop, { kind: "reaction", ...about, sender: null, emoji: "👍", removed: false }),
      draftOf(laptop, { kind: "edit", conversation, message: kept!, text: "not this one" }),
    ]);
    told.length = 0;
    const before = lengths();
    const { id, entries, targets, done } = await purge(laptop, [gone!]);
    deepEqual([targets, done], [[gone], [gone]]);
    const [messages, state] = [ownLog(laptop.replica, "messages"), ownLog(laptop.replica, "state")];
    deepEqual(
      new Set(entries.map(({ log, position }) => placeName(log, position))),
      new Set([
        placeName(messages, 1),
        placeName(state, before[1]! - 4),
        placeName(state, before[1]! - 3),
        placeName(state, before[1]! - 2),
      ]),
    );
    equal(told.length, 1, "one turn");
    const [{ members, operations, states, delta }] = told as [Published];
    equal(members, true);
    deepEqual(
      operations.map(({ operation }) => operation.body.kind),
      ["delete", "tombstone"],
    );
    equal(states.length, 2);
    deepEqual([delta.heads.length, delta.ranges.size], [2, 2]);
    deepEqual(lengths(), [before[0]! + 1, before[1]! + 2, before[2]!]);
    const [view] = purges();
    deepEqual([view?.id, view?.state, view?.entries], [id, "open", entries]);
    const [tombstone] = tombstonesIn(operations);
    deepEqual([tombstone?.purge, tombstone?.conversation], [id, "Zoë"]);
    deepEqual(
      tombstone?.named.map(({ message, log, position }) => ({ message, log, position })),
      [{ message: gone, log: messages, position: 1 }],
    );
  });

  it("names leaves that the trees of the logs have", async () => {
    const ids = await write(laptop, 300);
    const { entries } = await purge(laptop, ids);
    equal(entries.length, 300);
    const { store } = laptop.replica.ports;
    for (const { log, position, leaf } of entries)
      deepEqual((await store.nodes(log, [{ level: 0, index: position }]))?.[0], leaf);
  });

  it("has room in an entry for as many as one purge names, wherever they stand and whatever it was made after", () => {
    const entries = Array.from({ length: ENTRIES_PER_PURGE_MAX }, (_, at) => ({
      log: "ff".repeat(32) as LogId,
      position: 2 ** 48 - 1 - ENTRIES_PER_PURGE_MAX + at,
      leaf: new Uint8Array(32) as TreeHash,
    }));
    const parents = Array.from({ length: 64 }, (_, at) => at.toString(16).padStart(64, "0") as ControlId);
    const operation = { parents, rootSignature: null, body: { kind: "purge", entries } } as const;
    ok(encodeControl(operation).length <= PAYLOAD_BYTES_MAX);
  });

  it("deletes what is not in the bin, and only that", async () => {
    const [binned, shown] = await write(laptop, 2);
    const conversation = laptop.replica.fold!.conversationOf("Zoë");
    await laptop.replica.writer.append([
      draftOf(laptop, { kind: "delete", conversation, messages: [binned!] }),
    ]);
    told.length = 0;
    await purge(laptop, [binned!, shown!]);
    const bodies = told[0]!.operations.map(({ operation }) => operation.body);
    deepEqual(
      bodies.flatMap((body) => (body.kind === "delete" ? [body.messages] : [])),
      [[shown]],
    );
    await purge(laptop, [shown!]);
    equal(
      told[1]!.operations.some(({ operation }) => operation.body.kind === "delete"),
      false,
    );
  });

  it("names several contents under one id, and each of its places", async () => {
    const phone = await laptop.admit("phone", 2);
    const taken = messageBody("taken in", { takenIn: true });
    const id = "ab".repeat(16) as MessageId;
    const more = { id, stamp: { ms: 1_700_000_000_000, counter: 0 } };
    await laptop.replica.writer.append([draftOf(laptop, taken, more)]);
    await phone.replica.writer.append([
      draftOf(phone, { ...taken, readAtSource: true }, { ...more, author: laptop.replica.self }),
    ]);
    await laptop.ingest(await batchesOf(phone.replica, { of: phone.replica.self }), phone.replica);
    told.length = 0;
    const { entries } = await purge(laptop, [id]);
    equal(entries.length, 2);
    const named = tombstonesIn(told.flatMap(({ operations }) => operations)).flatMap((each) => each.named);
    deepEqual(
      named.map(({ message }) => message),
      [id, id],
    );
    equal(new Set(named.map(({ log }) => log)).size, 2);
    equal(new Set(named.map(({ flags }) => flags)).size, 2);
  });

  it("writes nothing where nothing is here, or all of it is named already", async () => {
    const before = lengths();
    const unknown = "cd".repeat(16) as MessageId;
    deepEqual((await purge(laptop, [unknown])).entries, []);
    const [id] = await write(laptop, 1);
    const { entries } = await purge(laptop, [id!]);
    const named = new Set(entries.map(({ log, position }) => placeName(log, position)));
    const after = lengths();
    const again = await purge(laptop, [id!], named);
    deepEqual([again.id, again.entries, again.done], [null, [], [id]]);
    deepEqual(lengths(), after);
    equal(after[2]! - before[2]!, 1);
  });

  it("takes as many messages as one purge has room for, and says how far it came", async () => {
    const ids = [...(await write(laptop, 2_000)), ...(await write(laptop, 1_501))];
    const first = await purge(laptop, ids);
    deepEqual([first.entries.length, first.done.length], [3_500, 3_500]);
    const tombstones = tombstonesIn(told.at(-1)!.operations);
    deepEqual(
      tombstones.map(({ named }) => named.length),
      [1_000, 1_000, 1_000, 500],
    );
    const rest = await purge(laptop, ids.slice(first.done.length));
    deepEqual([rest.entries.length, rest.done], [1, ids.slice(3_500)]);
    equal(purges().length, 2);
  });

  it("of a message with more places than that takes the first, and the rest with the next", async () => {
    const [id, other] = await write(laptop, 2);
    const conversation = laptop.replica.fold!.conversationOf("Zoë");
    const edits = Array.from({ length: 3_504 }, (_, at) =>
      draftOf(laptop, { kind: "edit", conversation, message: id!, text: `${at}` }),
    );
    for (let at = 0; at < edits.length; at += 1_000)
      await laptop.replica.writer.append(edits.slice(at, at + 1_000));
    const first = await purge(laptop, [id!, other!]);
    deepEqual([first.entries.length, first.done, first.targets], [3_500, [], [id]]);
    const named = new Set(first.entries.map(({ log, position }) => placeName(log, position)));
    const second = await purge(laptop, [id!, other!], named);
    deepEqual([second.entries.length, second.done], [3_505 - 3_500 + 1, [id, other]]);
    // What is named already is said once more: this tombstone lies behind the edits that are left.
    deepEqual(
      new Set(
        tombstonesIn(told.at(-1)!.operations).flatMap((each) => each.named.map(({ message }) => message)),
      ),
      new Set([id, other]),
    );
  });

  it("S1: after a crash all of it is there, or nothing", async () => {
    for (const survivors of [0, 1]) {
      const device = await TestDevice.found(new ManualClock(), 7 + survivors);
      const [id] = await write(device, 1);
      const before = device.replica.fingerprint();
      device.isHeld = true;
      // Given to the disk, and never answered.
      void purge(device, [id!]);
      while (device.inFlight === 0) await settle();
      equal(device.inFlight, 1);
      await device.restart(survivors);
      const { members } = device.replica;
      equal(members.purges.length, survivors);
      equal(device.replica.fingerprint() === before, survivors === 0);
      const [state, control] = [ownLog(device.replica, "state"), ownLog(device.replica, "control")];
      deepEqual(
        [lengthOf(device.replica, state), lengthOf(device.replica, control)],
        [1 + 2 * survivors, 3 + survivors],
      );
    }
  });

  it("S4: on a full disk says so, keeps the bytes and writes them once, and signs nothing twice", async () => {
    const [id] = await write(laptop, 1);
    laptop.disk.setFull(true);
    await assertRejectsWithCode(purge(laptop, [id!]), "DISK_FULL");
    await assertRejectsWithCode(purge(laptop, [id!]), "DISK_FULL");
    laptop.disk.setFull(false);
    clock.advance(5_000);
    await settle();
    await settle();
    equal(purges().length, 1);
    const [view] = purges();
    await laptop.restart();
    deepEqual(purges(), [view]);
    ok(laptop.heads.count > 3);
  });

  it("refuses while control entries are lost here, and writes nothing", async () => {
    const [id] = await write(laptop, 1);
    const before = lengths();
    laptop.replica.ledger.lost = new Map([[ownLog(laptop.replica, "control"), [{ from: 1, to: 2 }]]]);
    await assertRejectsWithCode(purge(laptop, [id!]), "STORE_DAMAGED");
    deepEqual(lengths(), before);
  });

  it("is the same purge on a device that takes it in", async () => {
    const phone = await laptop.admit("phone", 2);
    const ids = await write(laptop, 3);
    await purge(laptop, ids.slice(0, 2));
    for (const logClass of ["control", "messages", "state"] as const)
      await phone.ingest(await batchesOf(laptop.replica, { logClass }), laptop.replica);
    deepEqual(purges(phone), purges());
    deepEqual(lengths(phone), lengths());
  });
});
