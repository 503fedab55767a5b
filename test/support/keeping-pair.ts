/** Two devices in virtual time with the same twenty messages, which free space against each other's promises. */
import type { LogId } from "../../src/core/base/ids.ts";
import type { Ranges } from "../../src/core/log/ranges.ts";
import { countIn, NOTHING, type Promises } from "../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../src/core/sync/types.ts";
import { piecesOf, prepareEvict } from "../../src/app/replica/keep-turns.ts";
import type { MemoryHub } from "../../simulations/doubles/memory-net.ts";
import type { VirtualClock } from "../../simulations/doubles/virtual-clock.ts";
import { ownLog, send } from "./replicas.ts";
import { type Running, SECOND_MS, VirtualDevices } from "./virtual-devices.ts";

export class KeepingPair {
  readonly devices: VirtualDevices;
  readonly clock: VirtualClock;
  readonly hub: MemoryHub;
  readonly laptop: Running;
  readonly phone: Running;
  /** The laptop's messages, all of them on both. */
  readonly log: LogId;

  private constructor(devices: VirtualDevices, pair: { readonly laptop: Running; readonly phone: Running }) {
    this.devices = devices;
    ({ clock: this.clock, hub: this.hub } = devices);
    ({ laptop: this.laptop, phone: this.phone } = pair);
    this.log = ownLog(pair.laptop.device.replica, "messages");
  }

  static async open(): Promise<KeepingPair> {
    const devices = new VirtualDevices();
    const pair = await devices.pair();
    const texts = Array.from({ length: 20 }, (_, at) => `message ${at}`);
    await devices.clock.run(send(pair.laptop.device, ...texts));
    const made = new KeepingPair(devices, pair);
    await made.connect(pair.phone, pair.laptop);
    return made;
  }

  async connect(from: Running, to: Running): Promise<void> {
    await this.devices.connect(from, to);
    await this.clock.runFor(5 * SECOND_MS);
  }

  /** Asks for promises and evicts what was promised, as `evict` does, and waits until all is said. */
  async evict(on: Running, ranges: Ranges, use = true): Promise<number> {
    const count = await this.clock.run(this.evictNow(on, ranges, use));
    await this.clock.runFor(2 * SECOND_MS);
    return count;
  }

  async evictNow(on: Running, ranges: Ranges, use = true): Promise<number> {
    const { log } = this;
    const wanted = new Map([[log, ranges]]);
    const work = async (promises: () => Promises): Promise<number> => {
      let count = 0;
      for (const piece of use ? piecesOf(ranges) : []) {
        const { evicted } = await on.device.replica.writer.keep((context) =>
          prepareEvict(context, { log, ranges: piece, promises: promises() }),
        );
        count += countIn(evicted);
      }
      return count;
    };
    return on.network.keeping.collect(wanted, SECOND_MS, work);
  }
}

/** What `on` has promised `to`. */
export function givenBy(on: Running, to: Running): RangesByLog {
  return on.device.replica.ledger.given.get(to.device.replica.self) ?? NOTHING;
}

/** What `on` relies on `of` for. */
export function reliedBy(on: Running, of: Running): RangesByLog {
  return on.device.replica.ledger.relied.get(of.device.replica.self) ?? NOTHING;
}
