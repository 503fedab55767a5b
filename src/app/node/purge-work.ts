/**
 * All that a device does about purges, put together: what people ask for, what is erased, what came late, and what has been in the bin for
 * long. Spec: docs/spec/purge.md. Tests: test/integration/app/purging.test.ts, erasing.test.ts, late-places.test.ts, bin.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { Place } from "../../core/log/rows.ts";
import type { Replica } from "../replica/replica.ts";
import type { Alarms } from "./alarms.ts";
import { Bin } from "./bin.ts";
import type { DeviceNames } from "./device-names.ts";
import { Eraser, waitingText } from "./eraser.ts";
import type { InboxReader } from "./inbox-reader.ts";
import { LatePlaces } from "./late-places.ts";
import { MissingTombstones } from "./missing-tombstones.ts";
import { PurgeMemory } from "./purge-memory.ts";
import { Purges } from "./purges.ts";
import { Purging } from "./purging.ts";
import type { KinlogNode } from "./types.ts";

export class PurgeWork {
  readonly purges: KinlogNode["purges"];
  readonly #eraser: Eraser;
  readonly #purging: Purging;
  readonly #late: LatePlaces;
  readonly #bin: Bin;
  #isRunning = false;

  constructor(parts: {
    readonly replica: Replica;
    readonly inbox: InboxReader;
    readonly names: Pick<DeviceNames, "of">;
    readonly alarms: Pick<Alarms, "stand">;
    /** What stands at these places is gone: it leaves the search index. */
    readonly forget: (places: readonly Place[]) => Promise<void>;
  }) {
    const { replica, inbox, names, alarms, forget } = parts;
    this.#purging = new Purging(replica, inbox);
    // One for both: they go by one count of time.
    const memory = new PurgeMemory(replica);
    this.#eraser = new Eraser({
      replica,
      memory,
      forget,
      isLongInBin: (purge) => this.#bin.isLongIn(purge),
      tombstones: new MissingTombstones(replica, this.#purging.addressOf),
      tell: (author, waiting) =>
        alarms.stand("large-purge", author, waiting && waitingText(waiting, names.of(author))),
    });
    this.#bin = new Bin(replica, this.#purging, memory);
    this.#late = new LatePlaces({ replica, purging: this.#purging, eraser: this.#eraser });
    const purges = new Purges(replica, this.#eraser, names);
    this.purges = {
      list: () => purges.list(),
      approve: (id) => this.#thenErase(purges.approve(id)),
      stop: (id) => purges.stop(id),
    };
  }

  readonly purge: KinlogNode["messages"]["purge"] = (ids, options) =>
    this.#thenErase(this.#purging.purge(ids, options));

  /** Before anything is taken in. */
  load(): Promise<void> {
    return this.#eraser.load();
  }

  /** By itself from now on. Before the device meets others: a new one looks at what its link brought. */
  async start(): Promise<void> {
    this.#isRunning = true;
    await this.#eraser.start();
    this.#late.start();
    this.#bin.start();
  }

  async close(): Promise<void> {
    await this.#late.close();
    await this.#bin.close();
    await this.#eraser.close();
  }

  /** A node that runs erases by itself. Without one there may be none for long, and what cannot be done now is done by the next. */
  async #thenErase<Result>(work: Promise<Result>): Promise<Result> {
    const result = await work;
    if (this.#isRunning) return result;
    try {
      await this.#eraser.look();
    } catch (error) {
      if (!isEngineError(error)) throw error;
    }
    return result;
  }
}
