/** Payloads that were evicted are asked back of whoever has them: three devices in virtual time, of which some are away or lack them. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { countIn } from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";
import { fetchMessages } from "../../../src/app/node/fetching.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import { piecesOf, prepareEvict } from "../../../src/app/replica/keep-turns.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { batchesOf, ownLog, send } from "../../support/replicas.ts";
import { type Running, SECOND_MS, VirtualDevices } from "../../support/virtual-devices.ts";

describe("Asking for payloads that were evicted", function () {
  this.timeout(30_000);
  let devices: VirtualDevices;
  let laptop: Running;
  let phone: Running;
  let tablet: Running;
  let places: RangesByLog;
  let ids: readonly string[];

  beforeEach(async () => {
    devices = new VirtualDevices();
    const { clock } = devices;
    ({ laptop, phone } = await devices.pair());
    const third = await laptop.device.admit("tablet", 3);
    await laptop.device.ingest(await batchesOf(third.replica), third.replica);
    tablet = await devices.start(third);
    await clock.run(send(laptop.device, ...Array.from({ length: 12 }, (_, at) => `message ${at}`)));
    await devices.connect(tablet, laptop);
    await meet(laptop);
    const log: LogId = ownLog(laptop.device.replica, "messages");
    places = new Map([[log, rangeOf(2, 7)]]);
    await clock.run(
      phone.network.keeping.collect(places, SECOND_MS, async (promises) => {
        for (const ranges of piecesOf(places.get(log)!))
          await phone.device.replica.writer.keep((context) =>
            prepareEvict(context, { log, ranges, promises: promises() }),
          );
      }),
    );
    await clock.runFor(SECOND_MS);
    equal(countIn(phone.device.replica.ledger.relied.get(laptop.device.replica.self)!), 5);
    await meet(tablet);
    const inbox = inboxOf(phone);
    const [state] = await inbox.conversations();
    const shown = await inbox.ordered(state!.conversation, { limit: 20, before: null, deleted: false });
    ids = shown.slice(2, 7).map(({ id }) => id);
  });
  afterEach(() => devices.cleanup());

  async function meet(other: Running): Promise<void> {
    await devices.connect(phone, other);
    await devices.clock.runFor(5 * SECOND_MS);
  }

  const inboxOf = ({ device }: Running): InboxReader =>
    new InboxReader(device.replica, () => ({ here: true, devices: [], cloud: null }));

  /** How many came, and how long it took. */
  async function fetch(): Promise<readonly [done: number, ms: number]> {
    const { clock } = devices;
    const { device, network } = phone;
    const begun = clock.monotonicMs();
    const onBack = (): Promise<void> => Promise.resolve();
    const parts = { replica: device.replica, inbox: inboxOf(phone), network, onBack };
    const done = await clock.run(fetchMessages(parts, ids));
    return [done, clock.monotonicMs() - begun];
  }

  /** As if it had freed them itself. */
  const lack = ({ device }: Running): void => {
    device.replica.ledger.evicted = places;
  };

  it("asks who has promised them", async () => {
    lack(tablet);
    const [done, ms] = await fetch();
    equal(done, 5);
    ok(ms < SECOND_MS, `${ms} ms`);
    deepEqual(phone.device.replica.evicted, new Map());
    deepEqual(phone.device.replica.ledger.wantedBack, new Map());
  });

  it("asks another device where that one is away", async () => {
    await devices.clock.run(laptop.network.close());
    await devices.clock.runFor(SECOND_MS);
    deepEqual(
      phone.network.peers.sessions.map(({ peer }) => peer),
      [tablet.device.replica.self],
    );
    equal((await fetch())[0], 5);
  });

  it("asks another device where that one cannot bring them", async () => {
    lack(laptop);
    const [done, ms] = await fetch();
    equal(done, 5);
    ok(ms < SECOND_MS, `${ms} ms`);
  });

  it("asks another device where that one says nothing", async () => {
    const wait = async function* (): AsyncGenerator<undefined> {
      yield await new Promise<undefined>((resolve) =>
        devices.clock.after(60 * SECOND_MS, () => resolve(undefined)),
      );
    };
    Object.assign(laptop.device.replica.ports.store, { batches: wait });
    const [done, ms] = await fetch();
    equal(done, 5);
    ok(ms > 9 * SECOND_MS && ms < 12 * SECOND_MS, `${ms} ms`);
  });

  it("says at once where nobody has them", async () => {
    lack(laptop);
    lack(tablet);
    const begun = devices.clock.monotonicMs();
    await assertRejectsWithCode(fetch(), "PEER_UNREACHABLE");
    ok(devices.clock.monotonicMs() - begun < SECOND_MS);
    deepEqual(phone.device.replica.ledger.wantedBack, new Map());
  });
});
