/**
 * Frees space on this device: payloads of messages that another device has promised to keep are taken off its disk. Where nobody promises,
 * nothing is freed, and the answer says so. By hand, or day by day where messages are kept for a while only.
 * Rules: docs/spec/sync.md, "Keeping"; docs/spec/storage.md, "Evicted payloads". Tests: test/integration/app/keeping.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import {
  common,
  countIn,
  NOTHING,
  type Promises,
  promisedBy,
  unite,
  without,
} from "../../core/sync/promises.ts";
import { purgedPlaces } from "../../core/sync/erased.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { piecesOf, prepareEvict } from "../replica/keep-turns.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";
import type { Alarms } from "./alarms.ts";
import { type Evictable, findEvictable } from "./evictable.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { Keeping } from "./keeping.ts";
import { tolerant } from "./peer-memory-codec.ts";
import type { EvictResult, RetentionResult } from "./evict-types.ts";

const DAY_MS = 86_400_000;
/** A peer that says nothing about keeping for so long is not waited for: an older version never does. */
const PATIENCE_MS = 10_000;
/** Not while a device starts and meets its siblings. */
const FIRST_AFTER_MS = 600_000;

const NOTHING_FREED: EvictResult = { freedBytes: 0, evicted: 0, keptBecause: [] };

export function brokenText(name: string, entries: number): string {
  return `${name} does not keep ${entries} messages that it promised to keep, and no other device that is connected has promised it`;
}

/** Stands for as long as messages are missing in the lists, since the view was built again without them. What is purged is missed by nobody. */
export function tellNotHere({ ledger, members }: Replica, alarms: Pick<Alarms, "stand">): void {
  const missing = countIn(without(ledger.unfolded, purgedPlaces(members)));
  const text = `${missing} messages that only another device keeps are not in the lists until that device has been met`;
  alarms.stand("not-here", "view", missing === 0 ? null : text);
}

/** Days that this device keeps messages; null: for ever. A value that is damaged is none: nothing is evicted by mistake. */
export async function readRetention(replica: Replica): Promise<number | null> {
  try {
    const bytes = await replica.ports.store.meta(META.retention);
    const days = tolerant(bytes, (reader: ByteReader) => reader.u16()) ?? 0;
    return days === 0 ? null : days;
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    return null;
  }
}

export class Evicting {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  /** Null where no node runs: then nobody can promise. */
  readonly #keeping: Keeping | null;
  #retentionDays: number | null;
  #last: Promise<unknown> = Promise.resolve();
  #cancel: CancelTimer | null = null;
  #closed = false;

  constructor(parts: {
    readonly replica: Replica;
    readonly inbox: InboxReader;
    readonly keeping: Keeping | null;
    readonly retentionDays: number | null;
  }) {
    this.#replica = parts.replica;
    this.#inbox = parts.inbox;
    this.#keeping = parts.keeping;
    this.#retentionDays = parts.retentionDays;
  }

  get retentionDays(): number | null {
    return this.#retentionDays;
  }

  /** From now on by itself, where messages are kept for a while only. */
  start(): void {
    this.#schedule(FIRST_AFTER_MS);
  }

  /** Undefined: only tells. */
  async retention(days: number | null | undefined): Promise<RetentionResult> {
    if (days !== undefined) await this.#setRetention(days);
    const freed = typeof days === "number" ? await this.evict(days) : NOTHING_FREED;
    return { days: this.#retentionDays, ...freed };
  }

  /** Messages older than `days`; without, whatever their age. One run after the other. */
  evict(days: number | null): Promise<EvictResult> {
    const run = this.#last.then(() => this.#evict(days));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#keeping?.giveUp();
    await this.#last;
  }

  async #evict(days: number | null): Promise<EvictResult> {
    const nowMs = this.#replica.ports.clock.wallMs();
    const found = await findEvictable(
      this.#replica,
      this.#inbox,
      days === null ? nowMs + 1 : nowMs - days * DAY_MS,
    );
    if (this.#keeping === null || found.messages === 0) return resultOf(found, { asked: false });
    return this.#keeping.collect(found.places, PATIENCE_MS, (promises) => this.#use(found, promises));
  }

  async #use(found: Evictable, promises: () => Promises): Promise<EvictResult> {
    const promised = promisedBy(promises(), () => true);
    if (promised.size === 0) return resultOf(found, { asked: promises().size > 0 });
    const { store } = this.#replica.ports;
    // Measured between two states of which each holds nothing that a compaction alone would free.
    await compactAll(this.#replica, promised);
    const before = await store.sizeOnDisk();
    let evicted: RangesByLog = NOTHING;
    let bound: RangesByLog = NOTHING;
    for (const [log, all] of common(found.places, promised)) {
      for (const ranges of piecesOf(all)) {
        if (this.#closed) break;
        const some = await this.#replica.writer.keep((context) =>
          prepareEvict(context, { log, ranges, promises: promises() }),
        );
        evicted = unite(evicted, some.evicted);
        bound = unite(bound, some.bound);
      }
    }
    await compactAll(this.#replica, evicted);
    const freedBytes = Math.max(0, before - (await store.sizeOnDisk()));
    const refused = countIn(without(found.places, promised));
    return resultOf(found, {
      asked: true,
      freedBytes,
      evicted: countIn(evicted),
      bound: countIn(bound),
      refused,
    });
  }

  /** Durable when it resolves. What is older goes at the next daily run, or at once by `evict`. */
  async #setRetention(days: number | null): Promise<void> {
    const value = days === null ? null : new ByteWriter().u16(days).finish();
    await this.#replica.writer.remember(new Map([[META.retention, value]]));
    this.#retentionDays = days;
  }

  #schedule(afterMs: number): void {
    this.#cancel = this.#replica.ports.clock.after(afterMs, () => {
      if (this.#closed) return;
      this.#schedule(DAY_MS);
      if (this.#retentionDays === null) return;
      // A disk that refuses, or a node that ends: tomorrow again.
      this.evict(this.#retentionDays).catch((error: unknown) => {
        if (!isEngineError(error)) throw error;
      });
    });
  }
}

async function compactAll(replica: Replica, places: RangesByLog): Promise<void> {
  for (const [log, ranges] of places) await replica.ports.store.compact(log, ranges);
}

function resultOf(
  found: Evictable,
  run: {
    readonly asked: boolean;
    readonly freedBytes?: number;
    readonly evicted?: number;
    readonly bound?: number;
    readonly refused?: number;
  },
): EvictResult {
  const { asked, freedBytes = 0, evicted = 0, bound = 0, refused = found.messages } = run;
  const reasons = [
    { reason: asked ? ("not-promised" as const) : ("nobody-online" as const), messages: refused },
    { reason: "promised-to-others" as const, messages: bound },
    { reason: "unread" as const, messages: found.unread },
    { reason: "listed" as const, messages: found.listed },
  ];
  return { freedBytes, evicted, keptBecause: reasons.filter(({ messages }) => messages > 0) };
}
