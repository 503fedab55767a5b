/**
 * The time by which the bin ends: the wall clock, held back where it jumped. A device whose clock is ten years ahead would else purge all that
 * is in the bin, on every device. Counted while something is in the bin, and noted with every look.
 * Spec: docs/spec/purge.md, "The bin". Tests: test/integration/app/bin.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { isEngineError } from "../../core/base/errors.ts";
import {
  decodeTimePassed,
  encodeTimePassed,
  passTime,
  type TimePassed,
} from "../../core/membership/time-passed.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";

export class BinClock {
  readonly #replica: Replica;
  #time: TimePassed;
  #lookedMs: number;
  /** Null: not looked for yet. */
  #isNoted: boolean | null = null;

  constructor(replica: Replica) {
    this.#replica = replica;
    const { clock } = replica.ports;
    this.#time = { countedMs: clock.wallMs(), wallMs: clock.wallMs() };
    this.#lookedMs = clock.monotonicMs();
  }

  /**
   * Time goes on; durable when it resolves. Never later than the wall clock.
   *
   * @param oldestMs Since when the oldest is in the bin; null where it is empty, and no jump can end anything.
   */
  async pass(oldestMs: number | null): Promise<number> {
    if (this.#isNoted === null) await this.#load(oldestMs);
    const { clock } = this.#replica.ports;
    const ranMs = clock.monotonicMs() - this.#lookedMs;
    this.#lookedMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    this.#time = passTime(oldestMs === null ? null : this.#time, { wallMs, ranMs });
    if (oldestMs !== null) await this.#note(encodeTimePassed(this.#time));
    else if (this.#isNoted === true) await this.#note(null);
    return Math.min(wallMs, this.#time.countedMs);
  }

  async #note(value: Uint8Array | null): Promise<void> {
    await this.#replica.writer.remember(new Map([[META.binTime, value]]));
    this.#isNoted = value !== null;
  }

  /** What was counted before this start. Where that cannot be read, or a kill came before it was noted, as little as is certain. */
  async #load(oldestMs: number | null): Promise<void> {
    const stored = await this.#read();
    this.#isNoted = stored !== undefined;
    if (oldestMs === null) return;
    const { wallMs } = this.#time;
    const before = stored ?? { countedMs: oldestMs, wallMs: oldestMs };
    this.#time = passTime(before, { wallMs, ranMs: 0 });
  }

  /** Undefined: there is none; null: it cannot be read. */
  async #read(): Promise<TimePassed | null | undefined> {
    try {
      const bytes = await this.#replica.ports.store.meta(META.binTime);
      if (bytes === undefined) return undefined;
      const reader = new ByteReader(bytes);
      const time = decodeTimePassed(reader);
      reader.end();
      return time;
    } catch (error) {
      if (!isEngineError(error)) throw error;
      return null;
    }
  }
}
