/**
 * Tells of promises that were broken, a while after that was noticed: when two devices meet, words of keeping come before the control entries, and
 * what a peer has lost may have been purged; or another peer promises it meanwhile, who is asked at once. Then nothing is told.
 * Rules: docs/spec/sync.md, "Keeping". Tests: test/unit/app/broken-promises.test.ts, test/integration/app/promises.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import type { CancelTimer, Clock } from "../../core/base/ports.ts";
import { common, countIn, NOTHING, unite } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";

/** Control entries follow within a second where a link is not slow, and a peer that is asked has ten to answer. */
export const TELL_AFTER_MS = 15_000;

export class BrokenPromises {
  readonly #clock: Clock;
  readonly #unkept: () => RangesByLog;
  readonly #tell: (device: DeviceId, entries: number) => void;
  readonly #untold = new Map<DeviceId, RangesByLog>();
  #cancel: CancelTimer | null = null;

  constructor(parts: {
    readonly clock: Clock;
    /** What nobody keeps for this device now. */
    readonly unkept: () => RangesByLog;
    readonly tell: (device: DeviceId, entries: number) => void;
  }) {
    this.#clock = parts.clock;
    this.#unkept = parts.unkept;
    this.#tell = parts.tell;
  }

  noticed(device: DeviceId, places: RangesByLog): void {
    this.#untold.set(device, unite(this.#untold.get(device) ?? NOTHING, places));
    this.#cancel ??= this.#clock.after(TELL_AFTER_MS, () => {
      this.#cancel = null;
      this.#tellNow();
    });
  }

  /** Nothing is told any more. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#untold.clear();
  }

  /** Of what nobody keeps still. */
  #tellNow(): void {
    const noticed = [...this.#untold];
    this.#untold.clear();
    const unkept = this.#unkept();
    for (const [device, places] of noticed) {
      const count = countIn(common(places, unkept));
      if (count > 0) this.#tell(device, count);
    }
  }
}
