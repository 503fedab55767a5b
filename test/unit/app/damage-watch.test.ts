/** The watch over a store on a disk that loses bits: once a day, slowly, and never in the way of what is being written. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { DamageWatch } from "../../../src/app/node/damage-watch.ts";
import { verifyAll } from "../../../src/app/node/verifying.ts";
import { EngineError } from "../../../src/core/base/errors.ts";
import { contains } from "../../../src/core/log/ranges.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { ownLog, send, TestDevice } from "../../support/replicas.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

describe("The watch over what is stored", () => {
  let clock: ManualClock;
  let laptop: TestDevice;
  let alarms: string[];
  let watch: DamageWatch;

  beforeEach(async () => {
    clock = new ManualClock();
    laptop = await TestDevice.found(clock);
    await send(laptop, "one", "two", "three");
    alarms = [];
    watch = new DamageWatch({
      replica: laptop.replica,
      network: null,
      onFoundAgain: () => Promise.resolve(),
      alarm: (text) => alarms.push(text),
    });
  });

  afterEach(async () => {
    await watch.close();
    await laptop.replica.close();
  });

  const isHeld = (position: number): boolean =>
    contains(laptop.replica.frontier.get(ownLog(laptop.replica, "messages"))!.held, position);

  /** Lets a look come to its end, which rests now and then. */
  async function look(): Promise<void> {
    for (let rest = 0; rest < 50; rest++) {
      await settle();
      clock.advance(1_000);
    }
  }

  it("S9: finds damage by itself, says so once, and asks for what is missing from then on", async () => {
    watch.start();
    clock.advance(9 * MINUTE_MS);
    laptop.disk.damageEntry(ownLog(laptop.replica, "messages"), 1);
    await look();
    deepEqual(alarms, []);
    clock.advance(MINUTE_MS);
    await look();
    deepEqual(alarms, [
      "1 stored here is not what was written: 0 repaired, 1 wait for a device that has them",
    ]);
    deepEqual([isHeld(0), isHeld(1), isHeld(2)], [true, false, true]);
    clock.advance(DAY_MS);
    await look();
    equal(alarms.length, 1, "what is gone is not damaged any more");
  });

  it("S9: looks at once where reading has met damage", async () => {
    watch.start();
    const log = ownLog(laptop.replica, "messages");
    laptop.disk.damageEntry(log, 1);
    await assertRejectsWithCode(laptop.replica.ports.store.entries(log, 0, 3), "STORE_DAMAGED");
    await look();
    equal(alarms.length, 1);
    equal(isHeld(1), false);
  });

  it("S9: looks at everything where a file of the database is damaged, soon after the start", async () => {
    laptop.disk.damageEntry(ownLog(laptop.replica, "messages"), 1);
    Object.assign(laptop.replica.ports.store, { checkFiles: () => Promise.resolve(1) });
    watch.start();
    await look();
    equal(alarms.length, 1);
  });

  it("S9: looks at the files at once and without a rest where somebody waits for it, and only once", async () => {
    laptop.disk.damageEntry(ownLog(laptop.replica, "messages"), 1);
    let looks = 0;
    let isDamaged = true;
    const checkFiles: Store["checkFiles"] = async ({ pace }) => {
      looks++;
      for (let table = 0; table < 100; table++) await pace?.();
      return isDamaged ? 1 : 0;
    };
    Object.assign(laptop.replica.ports.store, { checkFiles });
    watch.start();
    await Promise.all([watch.beCertain(), watch.beCertain()]);
    equal(alarms.length, 1);
    equal(isHeld(1), false, "what was damaged has been taken away by then");
    isDamaged = false;
    await watch.beCertain();
    await look();
    deepEqual([looks, alarms.length], [1, 1]);
  });

  it("S9: gives certainty only where the look came to its end, and looks anew for the next who asks", async () => {
    let looks = 0;
    const checkFiles = (): Promise<number> =>
      ++looks === 1 ? Promise.reject(new EngineError("STORE_POISONED", "not now")) : Promise.resolve(0);
    Object.assign(laptop.replica.ports.store, { checkFiles });
    await assertRejectsWithCode(watch.beCertain(), "STORE_POISONED");
    await watch.beCertain();
    await watch.beCertain();
    equal(looks, 2);
  });

  it("looks again a day later", async () => {
    watch.start();
    clock.advance(10 * MINUTE_MS);
    await look();
    laptop.disk.damageEntry(ownLog(laptop.replica, "messages"), 0);
    clock.advance(DAY_MS);
    await look();
    equal(alarms.length, 1);
  });

  it("ends with its node, also in the middle of a look", async () => {
    watch.start();
    clock.advance(10 * MINUTE_MS);
    await watch.close();
    await laptop.replica.close();
    clock.advance(2 * DAY_MS);
    await settle();
    deepEqual(alarms, []);
    equal(clock.pending, 0);
  });

  it("S9: what a repair takes away stays away though messages are sent at the same moment", async () => {
    laptop.disk.damageEntry(ownLog(laptop.replica, "messages"), 1);
    const repairing = verifyAll(laptop.replica, null, { repair: true, onProgress: undefined });
    const sending: Promise<void>[] = [];
    for (let at = 0; at < 40; at++) {
      sending.push(send(laptop, `meanwhile ${at}`));
      await Promise.resolve();
    }
    const { bad, repaired, lost } = await repairing;
    await Promise.all(sending);
    deepEqual([bad, repaired, lost], [1, 0, 1]);
    ok(!isHeld(1), "a position whose entry is gone is not held");
    equal(laptop.replica.complete(), false);
  });
});
