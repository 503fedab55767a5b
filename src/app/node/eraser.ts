/**
 * Carries purges out: learns of each, and as soon as the rules allow it takes what it names off the disk, agrees to it where it was another's, and makes
 * the files forget it. What waits is told as an alarm. Every step may be the last before a kill: what was not noted as done is
 * begun again at the next start, and changes nothing the second time.
 * Rules: core/membership/erasing.ts. Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/erasing.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { ControlId, DeviceId, LogId } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { type Ranges, setOf } from "../../core/log/ranges.ts";
import type { Place } from "../../core/log/rows.ts";
import { decideErasing, type Erasing } from "../../core/membership/erasing.ts";
import type { PurgeView } from "../../core/membership/types.ts";
import type { Replica } from "../replica/replica.ts";
import type { MissingTombstones } from "./missing-tombstones.ts";
import type { PurgeMemory } from "./purge-memory.ts";

/** After the members changed: what comes in one go is looked at together, and a purge seldom comes without what stops it. */
const LOOK_AFTER_MS = 1_000;
/** While something waits: so that a day in the bin is noticed, and the time that passed is noted. */
const LOOK_AGAIN_MS = 3_600_000;
const RETRY_AFTER_MS = 60_000;
/** Operations of one turn. */
const APPROVALS_MAX = 100;

/** A purge as this device sees it. */
export interface KnownPurge {
  readonly id: ControlId;
  readonly author: DeviceId;
  /** How many entries it names. */
  readonly entries: number;
  readonly state: PurgeView["state"];
  /** Null: not yet. */
  readonly learnedAtMs: number | null;
  readonly done: boolean;
  /** It is carried out once another device agrees, or it has stood for 30 days. */
  readonly waits: boolean;
}

/** What waits of one device's purges, for the alarm. */
export interface WaitingPurges {
  readonly author: DeviceId;
  readonly purges: number;
  readonly entries: number;
}

type Tombstones = Pick<MissingTombstones, "areHere" | "waitMs" | "saw">;

export class Eraser {
  readonly #replica: Replica;
  readonly #memory: PurgeMemory;
  readonly #forget: (places: readonly Place[]) => Promise<void>;
  readonly #isLongInBin: (purge: PurgeView) => Promise<boolean>;
  readonly #tombstones: Tombstones;
  readonly #tell: (author: DeviceId, waiting: WaitingPurges | null) => void;
  /** Authors of what waits now. */
  #told = new Set<DeviceId>();
  #waiting: readonly PurgeView[] = [];
  #unsubscribe: (() => void) | null = null;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #compacting: Promise<void> | null = null;
  #closed = false;

  constructor(parts: {
    readonly replica: Replica;
    readonly memory: PurgeMemory;
    /** What stands at these places is gone: it leaves the search index. */
    readonly forget: (places: readonly Place[]) => Promise<void>;
    /** Whether each message of the purge has been in the bin here for 30 days, and the purge names nothing else. */
    readonly isLongInBin: (purge: PurgeView) => Promise<boolean>;
    /** Says what the messages of a purge were, before it is carried out. */
    readonly tombstones: Tombstones;
    /** What of a device's purges waits now; null: nothing any more. */
    readonly tell: (author: DeviceId, waiting: WaitingPurges | null) => void;
  }) {
    this.#replica = parts.replica;
    this.#memory = parts.memory;
    this.#forget = parts.forget;
    this.#isLongInBin = parts.isLongInBin;
    this.#tombstones = parts.tombstones;
    this.#tell = parts.tell;
  }

  /** Before anything is taken in: what comes for a place whose purge was carried out is stored without its payload. */
  async load(): Promise<void> {
    await this.#memory.load();
    for (const { id, entries } of this.#replica.members.purges)
      if (this.#memory.records.get(id)?.done === true) this.#replica.erased.add(entries);
  }

  /** By itself from now on. A new device looks before it meets others: what it agrees to it believes from the first batch on. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#replica.subscribe(({ members, operations }) => {
      const isWaitedFor = this.#tombstones.saw(operations);
      if (members || isWaitedFor) this.#schedule(LOOK_AFTER_MS);
    });
    this.#schedule(LOOK_AFTER_MS);
    if (!this.#memory.hasJoined) return;
    try {
      await this.look();
    } catch (error) {
      // The disk, most likely: the next look tries it again.
      if (!isEngineError(error)) throw error;
    }
  }

  /** In the order in which they were made. */
  list(): readonly KnownPurge[] {
    const waiting = new Set(this.#waiting.map(({ id }) => id));
    return this.#replica.members.purges.map(({ id, author, entries, state }): KnownPurge => {
      const record = this.#memory.records.get(id);
      const learnedAtMs = record === undefined ? null : this.#memory.shownMs(record.learnedMs);
      const done = record?.done ?? false;
      return { id, author, entries: entries.length, state, learnedAtMs, done, waits: waiting.has(id) };
    });
  }

  /** All that may be carried out now is, when it resolves; the files may still hold it for a while. */
  async look(): Promise<void> {
    while (this.#running !== null) await this.#running;
    const looking = this.#look();
    this.#running = looking.then(
      () => undefined,
      () => undefined,
    );
    await looking.finally(() => {
      this.#running = null;
    });
  }

  /** What runs ends at its next step. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#cancel?.();
    await this.#running;
    await this.#compacting;
  }

  #schedule(afterMs: number): void {
    if (this.#closed) return;
    this.#cancel?.();
    this.#cancel = this.#replica.ports.clock.after(afterMs, () => {
      this.#cancel = null;
      // Whoever runs now may have looked at the members before they changed.
      if (this.#running !== null) this.#schedule(LOOK_AFTER_MS);
      else
        this.#running = this.#inBackground().then((nextMs) => {
          this.#running = null;
          if (nextMs !== null && this.#cancel === null) this.#schedule(nextMs);
        });
    });
  }

  /** When to look again; null: when the members change. */
  async #inBackground(): Promise<number | null> {
    try {
      return await this.#look();
    } catch (error) {
      if (!isEngineError(error)) throw error;
      return error.code === "NODE_CLOSED" || error.code === "STORE_CLOSED" ? null : RETRY_AFTER_MS;
    }
  }

  async #look(): Promise<number | null> {
    const { ledger, members } = this.#replica;
    // A revocation may be among what is lost, or what stops a purge.
    if (ledger.lost.size > 0 || ledger.isUnsettled) return LOOK_AGAIN_MS;
    await this.#memory.look();
    if (members.purges.length === 0 && this.#memory.records.size === 0) return null;
    const longInBin = await this.#longInBin();
    const { due } = this.#decide(longInBin);
    for (const purge of due) {
      if (this.#closed) return null;
      if (await this.#tombstones.areHere(purge)) await this.#carryOut(purge);
    }
    const { due: putOff, toApprove, waiting, dueAtMs } = this.#decide(longInBin);
    await this.#approve(toApprove);
    this.#waiting = waiting;
    this.#tellWaiting(waiting);
    this.#compacting ??= this.#compact().finally(() => {
      this.#compacting = null;
    });
    const waitsMs = [this.#tombstones.waitMs(putOff), dueAtMs === null ? null : dueAtMs - this.#memory.nowMs];
    const nextMs = Math.min(...waitsMs.filter((each) => each !== null));
    return nextMs === Number.POSITIVE_INFINITY
      ? null
      : Math.min(LOOK_AGAIN_MS, Math.max(LOOK_AFTER_MS, nextMs));
  }

  #decide(longInBin: ReadonlySet<ControlId>): Erasing {
    const { members, self } = this.#replica;
    return decideErasing({
      members,
      self,
      records: this.#memory.records,
      nowMs: this.#memory.nowMs,
      longInBin,
    });
  }

  /** Of what waits else. Asked once a look, since it opens entries. */
  async #longInBin(): Promise<ReadonlySet<ControlId>> {
    const longInBin = new Set<ControlId>();
    for (const purge of this.#decide(longInBin).waiting)
      if (await this.#isLongInBin(purge)) longInBin.add(purge.id);
    return longInBin;
  }

  /** Done only once the index has forgotten it, too: it may have been built again from what was still there. */
  async #carryOut({ id, entries }: PurgeView): Promise<void> {
    const { erased, writer, ledger, ports } = this.#replica;
    erased.add(entries);
    await writer.erase(entries);
    const known = entries.filter(({ log }) => ledger.tips.has(log));
    await this.#forget(
      known.map(({ log, position }) => ({ logNumber: ports.store.numberOf(log), position })),
    );
    await this.#memory.note([id], { done: true });
  }

  async #approve(purges: readonly PurgeView[]): Promise<void> {
    for (let at = 0; at < purges.length; at += APPROVALS_MAX) {
      const some = purges.slice(at, at + APPROVALS_MAX);
      await this.#replica.writer.appendControl(
        some.map(({ id }) => ({ kind: "countersign", operation: id })),
      );
    }
  }

  #tellWaiting(waiting: readonly PurgeView[]): void {
    const byAuthor = new Map<DeviceId, WaitingPurges>();
    for (const { author, entries } of waiting) {
      const known = byAuthor.get(author) ?? { author, purges: 0, entries: 0 };
      byAuthor.set(author, { author, purges: known.purges + 1, entries: known.entries + entries.length });
    }
    for (const [author, each] of byAuthor) this.#tell(author, each);
    for (const author of this.#told) if (!byAuthor.has(author)) this.#tell(author, null);
    this.#told = new Set(byAuthor.keys());
  }

  /** Nobody waits for it. Where it fails it is done with the next look, or after the next start. */
  async #compact(): Promise<void> {
    try {
      for (let purges = this.#uncompacted(); purges.length > 0; purges = this.#uncompacted()) {
        for (const [log, ranges] of rangesOf(purges)) {
          if (this.#closed) return;
          await this.#replica.ports.store.compact(log, ranges);
        }
        const ids = purges.map(({ id }) => id);
        await this.#memory.note(ids, { compacted: true });
      }
    } catch (error) {
      if (!isEngineError(error)) throw error;
    }
  }

  #uncompacted(): readonly PurgeView[] {
    return this.#replica.members.purges.filter(({ id }) => {
      const record = this.#memory.records.get(id);
      return record?.done === true && !record.compacted;
    });
  }
}

function rangesOf(purges: readonly PurgeView[]): ReadonlyMap<LogId, Ranges> {
  const byLog = new Map<LogId, number[]>();
  for (const { log, position } of purges.flatMap(({ entries }) => entries)) {
    const positions = byLog.get(log);
    if (positions === undefined) byLog.set(log, [position]);
    else positions.push(position);
  }
  return new Map([...byLog].map(([log, positions]) => [log, setOf(positions)]));
}

/** The alarm `large-purge` of one device. */
export function waitingText({ purges, entries }: WaitingPurges, name: string): string {
  const what = entries === 1 ? "1 stored entry" : `${entries} stored entries`;
  const where = purges === 1 ? "" : `, in ${purges} purges`;
  return `the device "${name}" wants ${what} erased on all devices${where}: they are kept here until another device agrees or 30 days have passed; see \`kinlog purges\`, \`kinlog purges approve\` and \`kinlog purges stop\``;
}
