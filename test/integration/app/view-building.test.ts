/**
 * A device whose program is newer than its stored view: the old one serves while the new one is built, whatever happens meanwhile, and
 * both come to the same. Spec: docs/spec/storage.md, "A new version of the view".
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { LogId, MessageId } from "../../../src/core/base/ids.ts";
import { decodeBinRow, rowsOfRecord } from "../../../src/core/inbox/bin-rows.ts";
import { messageOfKey } from "../../../src/core/inbox/row-keys.ts";
import { VIEW_VERSION } from "../../../src/core/inbox/rows.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import type { Row, RowKey } from "../../../src/core/log/rows.ts";
import { takeAway } from "../../../src/app/node/verifying.ts";
import { prepareEvict } from "../../../src/app/replica/keep-turns.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import type { Built } from "../../../src/app/replica/view-building.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { takeLaterMessage } from "../../support/later-message.ts";
import { digestOf, pass, rowsOf } from "../../support/views.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { idOf } from "../../support/operations.ts";
import { announceEpoch } from "../../support/new-epoch.ts";
import { batchesOf, draftOf, live, ownLog, seenBy, send, TestDevice } from "../../support/replicas.ts";

const NEWER = { version: VIEW_VERSION + 1, readableSince: VIEW_VERSION, stepEntries: 5 };
const AT_ONCE = { ...NEWER, readableSince: NEWER.version };
const DAY_MS = 86_400_000;

/** Ends and starts again as a newer program; `survivors` of what was in flight have reached the disk. */
async function startNewer(device: TestDevice, survivors = 0): Promise<Replica> {
  // It may wait for a disk that is held.
  void device.replica.stored.building.close();
  if (device.view === null) {
    // A view has a version from the second start on.
    await device.replica.writer.remember(new Map([[META.viewVersion, Uint8Array.of(VIEW_VERSION)]]));
    device.view = NEWER;
  }
  return device.restart(survivors);
}

/** The same disk under a program that builds the view at once. */
async function builtAtOnce(device: TestDevice): Promise<TestDevice> {
  const other = new TestDevice(device.secrets, device.clock, device.entropy);
  other.disk = device.disk.copy();
  other.disk.state.meta.set(META.viewVersion, Uint8Array.of(VIEW_VERSION));
  other.view = AT_ONCE;
  await other.open();
  return other;
}

describe("A new version of the view", function () {
  this.timeout(60_000);
  let clock: ManualClock;
  let laptop: TestDevice;
  let phone: TestDevice;
  const told: Built[] = [];

  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
    phone = await laptop.admit("phone", 2);
    await pass(phone, laptop);
    await pass(laptop, phone);
    told.length = 0;
  });

  const begin = (): void => laptop.replica.stored.building.start((built) => told.push(built));

  /** Some steps at most. */
  async function goOn(ms = 30): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      clock.advance(5);
      for (let n = 0; n < 3; n++) await settle();
    }
  }

  async function finish(): Promise<void> {
    for (let n = 0; n < 2_000 && laptop.replica.stored.building.isNeeded; n++) await goOn();
    equal(laptop.replica.stored.building.isNeeded, false);
    // What served is cleared behind it.
    await goOn(100);
  }

  it("is built while the older one serves, and takes its place with nothing lost", async () => {
    for (const name of ["one", "two", "three"]) await live(laptop, name);
    await live(phone, "four");
    await pass(phone, laptop);
    const seen = await seenBy(laptop.replica);
    const digest = digestOf(laptop);
    const replica = await startNewer(laptop);
    const { building } = replica.stored;
    equal(building.isNeeded, true);
    deepEqual(await seenBy(replica), seen, "the older view serves at once");
    const { total } = building.covered();
    deepEqual(building.covered(), { done: 0, total });
    begin();
    await goOn(1_010);
    const { done } = building.covered();
    ok(done > 0 && done < total, `${done} of ${total}`);
    deepEqual(await seenBy(replica), seen);
    const before = replica.viewsBuilt;
    await send(laptop, "meanwhile");
    await finish();
    ok(replica.viewsBuilt > before, "what was read before is read anew");
    deepEqual(building.covered(), { done: total + 1, total: total + 1 });
    equal(replica.ports.store.servingArea(), 1);
    equal(laptop.disk.state.areas[0].size, 0, "the old area is cleared");
    deepEqual(laptop.disk.state.meta.get(META.viewVersion), Uint8Array.of(NEWER.version));
    equal(laptop.disk.state.meta.has(META.viewBuilding), false);
    await pass(laptop, phone);
    equal(digestOf(laptop), digestOf(phone));
    ok(digestOf(laptop) !== digest);
    const after = await seenBy(replica);
    deepEqual(await seenBy(await laptop.restart()), after);
    equal(laptop.replica.stored.building.isNeeded, false);
    await send(laptop, "later");
    await pass(laptop, phone);
    equal(digestOf(laptop), digestOf(phone));
  });

  it("comes to the same whatever happens meanwhile: writing, receiving with holes, purges, evictions, failing disks and kills", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      laptop = await TestDevice.found(clock, 10 * seed + 3);
      phone = await laptop.admit("phone", 10 * seed + 4);
      const tablet = await laptop.admit("tablet", 10 * seed + 5);
      await pass(laptop, phone);
      for (const device of [laptop, phone]) await pass(tablet, device);
      for (const device of [laptop, phone]) await takeLaterMessage(tablet.replica, device.replica);
      for (let n = 0; n < 3; n++) await live(laptop, `laptop ${n}`);
      await live(phone, "phone");
      await pass(phone, laptop);
      await laptop.replica.writer.remember(new Map([[META.counts, Uint8Array.of(9, 9)]]));
      await startNewer(laptop);
      equal(laptop.replica.ledger.counts.unknown, 9);
      begin();
      await goOn(1_000);
      const happened = new Set<string>();
      for (let n = 0; n < 40; n++) {
        const what = random.pick(WHAT);
        happened.add(what);
        await happen(what, random);
        if (random.chance(20)) await goOn(5);
        if (!laptop.replica.stored.building.isNeeded) break;
      }
      for (let n = 0; n < 3; n++) await goOn(5_000);
      await finish();
      equal(laptop.replica.ports.store.servingArea(), 1);
      for (let n = 0; n < 2; n++) {
        await pass(laptop, phone);
        await pass(phone, laptop);
      }
      const context = `seed ${seed}: ${[...happened].join()}`;
      equal(digestOf(laptop), digestOf(phone), context);
      const other = await builtAtOnce(laptop);
      await pass(phone, other);
      equal(digestOf(laptop), digestOf(other), context);
      deepEqual(laptop.replica.ledger.counts, other.replica.ledger.counts, context);
      equal(laptop.replica.ledger.counts.unknown, 1, context);
      await laptop.replica.stored.building.close();
    }
  });

  const WHAT = [
    "send",
    "live",
    "bin",
    "purge",
    "receive",
    "receive",
    "evict",
    "fail",
    "kill",
    "wait",
  ] as const;

  async function happen(what: (typeof WHAT)[number], random: Random): Promise<void> {
    try {
      await HAPPENINGS[what](random);
    } catch (error) {
      if (!isEngineError(error, "STORE_POISONED")) throw error;
      // Tried again by itself.
      await goOn(5_000);
    }
  }

  /** One of the messages that are here; not the one that this version cannot read, which is counted. */
  function someMessage(random: Random): MessageId {
    const ids = rowsOf(laptop.disk).flatMap(([key]) => (key.startsWith("m") ? [messageOfKey(key)] : []));
    return random.pick(ids.filter((id) => id !== idOf(64)));
  }

  const HAPPENINGS: Record<(typeof WHAT)[number], (random: Random) => Promise<void>> = {
    send: () => send(laptop, "meanwhile"),
    live: () => live(laptop, "meanwhile"),
    bin: async (random) => {
      const message = someMessage(random);
      const conversation = laptop.replica.fold!.conversationOf("Zoë");
      const edit = { kind: "edit", conversation, message, text: "edited" } as const;
      const kind = random.chance(50) ? "delete" : "restore";
      const drafts = [draftOf(laptop, { kind, conversation, messages: [message] }), draftOf(laptop, edit)];
      await laptop.replica.writer.append(drafts);
    },
    purge: async (random) => {
      const message = someMessage(random);
      const { entries } = await laptop.replica.writer.purge({
        messages: [message],
        named: new Set(),
        addressOf: (conversation) =>
          Promise.resolve(laptop.replica.fold!.conversationOf("Ada") === conversation ? "Ada" : "Zoë"),
      });
      await laptop.replica.writer.erase(entries);
    },
    receive: async (random) => {
      await live(phone, "meanwhile");
      const batches = (await batchesOf(phone.replica, { of: phone.replica.self })).filter(() =>
        random.chance(60),
      );
      await laptop.ingest(batches, phone.replica);
    },
    evict: async (random) => {
      const log = ownLog(phone.replica, "messages");
      const from = random.below(30);
      const ranges = rangeOf(from, from + 1 + random.below(6));
      const promises = new Map([[phone.replica.self, new Map<LogId, typeof ranges>([[log, ranges]])]]);
      await laptop.replica.writer.keep((context) => prepareEvict(context, { log, ranges, promises }));
    },
    fail: async (random) => laptop.disk.failNextWrite("other", random.below(3)),
    kill: async (random) => {
      laptop.isHeld = random.chance(50);
      await goOn(10);
      await startNewer(laptop, random.below(laptop.inFlight + 1));
      begin();
      await goOn(1_000);
    },
    wait: () => goOn(5),
  };

  it("folds what waits for a key when that comes, while it is built and after", async () => {
    for (const isLate of [false, true]) {
      const [sender, receiver] = [await TestDevice.found(clock, 40 + Number(isLate)), laptop];
      ok(receiver !== sender);
      laptop = await sender.admit("tablet", 50 + Number(isLate));
      await pass(laptop, sender);
      await pass(sender, laptop);
      await announceEpoch(sender);
      for (let n = 0; n < 20; n++) await send(sender, `under the new key ${n}`);
      const own = { of: sender.replica.self };
      await laptop.ingest(await batchesOf(sender.replica, { ...own, logClass: "messages" }), sender.replica);
      for (let n = 0; n < 20; n++) await send(laptop, `own ${n}`);
      await startNewer(laptop);
      begin();
      await goOn(1_010);
      equal(laptop.replica.stored.building.isNeeded, true);
      if (isLate) await finish();
      equal(laptop.replica.ledger.locked.size, 1);
      await laptop.ingest(await batchesOf(sender.replica, { ...own, logClass: "control" }), sender.replica);
      await laptop.replica.unlockAll();
      equal(laptop.replica.ledger.locked.size, 0);
      if (!isLate) await finish();
      await pass(sender, laptop);
      await pass(laptop, sender);
      equal(digestOf(laptop), digestOf(sender));
    }
  });

  it("takes over since when messages are in the bin", async () => {
    await live(laptop, "one");
    const records = (): readonly (readonly [RowKey, Row])[] =>
      rowsOf(laptop.disk).filter(([key]) => "ab".includes(key[0]!));
    // As the first look leaves it, ten days ago.
    const [[key, row]] = records().filter(([each]) => each.startsWith("b")) as [readonly [RowKey, Row]];
    const found = { ...decodeBinRow(row), sinceMs: clock.wallMs(), dueMs: clock.wallMs() + 30 * DAY_MS };
    const dels = new Set(records().map(([each]) => each));
    const puts = rowsOfRecord(found, messageOfKey(key));
    for (const each of puts.keys()) dels.delete(each);
    await laptop.replica.writer.derive({ puts, dels }, []);
    const before = records();
    clock.advance(10 * DAY_MS);
    await startNewer(laptop);
    begin();
    await goOn(1_000);
    await finish();
    equal(before.length, 2);
    deepEqual(records(), before);
  });

  it("says what is not in the new lists where payloads were evicted before they were folded, and only there", async () => {
    await live(phone, "phone");
    await pass(phone, laptop);
    const log = ownLog(phone.replica, "messages");
    const evict = (from: number, to: number): Promise<unknown> => {
      const promises = new Map([[phone.replica.self, new Map([[log, rangeOf(from, to)]])]]);
      const ranges = rangeOf(from, to);
      return laptop.replica.writer.keep((context) => prepareEvict(context, { log, ranges, promises }));
    };
    await evict(2, 4);
    await startNewer(laptop);
    deepEqual(laptop.replica.ledger.unfolded, new Map());
    begin();
    await goOn(1_000);
    await finish();
    deepEqual(laptop.replica.ledger.unfolded, new Map([[log, rangeOf(2, 4)]]));
    await evict(6, 8);
    deepEqual(laptop.replica.ledger.evicted, new Map([[log, [...rangeOf(2, 4), ...rangeOf(6, 8)]]]));
    await laptop.restart();
    deepEqual(laptop.replica.ledger.unfolded, new Map([[log, rangeOf(2, 4)]]));
    await pass(phone, laptop);
    await pass(laptop, phone);
    equal(laptop.replica.ledger.unfolded.size, 0);
    equal(digestOf(laptop), digestOf(phone));
  });

  it("S9: is built at once where damage is met meanwhile, and what was under construction is given up", async () => {
    for (let n = 0; n < 3; n++) await live(laptop, `laptop ${n}`);
    await pass(laptop, phone);
    await startNewer(laptop);
    begin();
    await goOn(1_010);
    equal(laptop.replica.stored.building.isNeeded, true);
    const log = ownLog(laptop.replica, "messages");
    laptop.disk.damageEntry(log, 30);
    await goOn(10_000);
    const { isNeeded } = laptop.replica.stored.building;
    deepEqual([laptop.replica.isDoubtful, isNeeded], [true, true], "it waits");
    await takeAway(laptop.replica);
    equal(laptop.replica.stored.building.isNeeded, false);
    equal(laptop.replica.ports.store.servingArea(), 0);
    equal(laptop.disk.state.areas[1].size, 0);
    deepEqual(laptop.disk.state.meta.get(META.viewVersion), Uint8Array.of(NEWER.version));
    equal(laptop.disk.state.meta.has(META.viewBuilding), false);
    await pass(phone, laptop);
    equal(digestOf(laptop), digestOf(phone));
  });

  it("is built at once where the older one cannot be read, and is not whole before", async () => {
    await live(laptop, "one");
    const digest = digestOf(laptop);
    laptop.view = AT_ONCE;
    await laptop.restart();
    equal(laptop.replica.stored.building.isNeeded, false);
    equal(digestOf(laptop), digest);
    deepEqual(laptop.disk.state.meta.get(META.viewVersion), Uint8Array.of(NEWER.version));
  });

  it("begins anew where what is noted is of another version, and clears what nobody reads", async () => {
    for (let n = 0; n < 2; n++) await live(laptop, `laptop ${n}`);
    await startNewer(laptop);
    begin();
    await goOn(1_010);
    ok(laptop.disk.state.areas[1].size > 0);
    // The program before this one: its view serves, and there is no other.
    await laptop.replica.stored.building.close();
    laptop.view = null;
    await laptop.restart();
    begin();
    await goOn(1_100);
    equal(laptop.disk.state.areas[1].size, 0);
    equal(laptop.disk.state.meta.has(META.viewBuilding), false);
    const digest = digestOf(laptop);
    await startNewer(laptop);
    begin();
    await goOn(1_010);
    await laptop.replica.stored.building.close();
    laptop.view = { ...NEWER, version: NEWER.version + 1 };
    await laptop.restart();
    equal(laptop.replica.stored.building.covered().done, 0);
    begin();
    await goOn(1_000);
    await finish();
    equal(digestOf(laptop), digest);
  });

  it("tells how far it has come where it takes long, and that it is done", async () => {
    await send(laptop, ...Array.from({ length: 1_500 }, (_, at) => `message ${at}`));
    await startNewer(laptop);
    begin();
    await goOn(1_000);
    await finish();
    ok(told.length > 1 && told[0]!.done < told[0]!.total);
    equal(told.at(-1)!.done, told.at(-1)!.total);
  });

  it("can be waited for by whoever cannot go on without it", async () => {
    await live(laptop, "one");
    await startNewer(laptop);
    await laptop.replica.stored.building.complete(() => undefined);
    equal(laptop.replica.stored.building.isNeeded, false);
    equal(laptop.replica.ports.store.servingArea(), 1);
    equal(clock.pending, 0);
  });
});
