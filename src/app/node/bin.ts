/**
 * The end of the bin: what has been there for 30 days is purged by the device that deleted it, a week later by any other. By this device's own
 * record of when it found the delete, and by the count of time that waiting purges go by. Spec: docs/spec/purge.md, "The bin". Tests: test/integration/app/bin.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { MessageId } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import {
  BIN_MS,
  binRowKey,
  type BinRecord,
  decodeBinRow,
  dueBounds,
  dueRowKey,
  encodeBinRow,
  found,
  isRecordOf,
  messageOfDueKey,
  RECORD_MS,
  rowsOfRecord,
  strangeBounds,
} from "../../core/inbox/bin-rows.ts";
import { namedBounds, namedOfKey } from "../../core/inbox/purges.ts";
import { decodeMessageRow } from "../../core/inbox/rows.ts";
import { messageRowKey } from "../../core/inbox/view.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import type { PurgeView } from "../../core/membership/types.ts";
import { placeName } from "../replica/message-spots.ts";
import type { Replica } from "../replica/replica.ts";
import type { Ground } from "../replica/writer.ts";
import type { PurgeMemory } from "./purge-memory.ts";
import type { Purging } from "./purging.ts";

/** Not while a device starts, and then soon enough for a span of days. */
const BEGIN_AFTER_MS = 60_000;
const AGAIN_AFTER_MS = 3_600_000;
/** Messages looked at in one step. */
const STEP = 1_000;
/** What is due and cannot be purged, since it is damaged or not here yet, is looked at again after this. */
const LATER_MS = 86_400_000;

interface Due {
  readonly key: RowKey;
  readonly id: MessageId;
  /** Null: another one has taken its place. */
  readonly record: BinRecord | null;
  readonly row: Row | undefined;
}

export class Bin {
  readonly #replica: Replica;
  readonly #purging: Purging;
  readonly #memory: PurgeMemory;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(replica: Replica, purging: Purging, memory: PurgeMemory) {
    this.#replica = replica;
    this.#purging = purging;
    this.#memory = memory;
  }

  /** By itself from now on. */
  start(): void {
    this.#schedule(BEGIN_AFTER_MS);
  }

  /** What runs ends at its next step. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#running;
  }

  /**
   * Whether the purge names nothing but places of messages that have been in the bin here for 30 days. Which messages these are its tombstones say, and
   * what anybody else says beside that changes nothing: a place counts once it holds such a message. By the count of the last look.
   */
  async isLongIn({ id, entries }: Pick<PurgeView, "id" | "entries">): Promise<boolean> {
    const { view } = this.#replica;
    const untilMs = this.#memory.nowMs - BIN_MS;
    const left = new Set(entries.map(({ log, position }) => placeName(log, position)));
    if (left.size === 0) return false;
    const { from: begin, to } = namedBounds(id);
    for (let from = begin; left.size > 0 && !this.#closed;) {
      const named = await view.rowRange({ from, to, reverse: false, limit: STEP });
      const messages = named.map(([key]) => namedOfKey(key).message);
      const [rows, records] = await this.#rowsOf(messages);
      for (const [n, message] of messages.entries()) {
        const [row, kept] = [rows[n], records[n]];
        if (row === undefined || kept === undefined || left.size === 0) continue;
        const record = decodeBinRow(kept);
        const isLong = record.sinceMs !== 0 && record.sinceMs <= untilMs;
        if (!isLong || !isRecordOf(record, decodeMessageRow(row).register)) continue;
        for (const { log, place } of await this.#replica.writer.ownSpots(message, row))
          left.delete(placeName(log, place.position));
      }
      const last = named.at(-1);
      if (last === undefined || named.length < STEP) break;
      from = `${last[0]}\x00` as RowKey;
    }
    return left.size === 0;
  }

  /** Purges what is due, and forgets records that say nothing any more. */
  async sweep(): Promise<void> {
    if (this.#closed || !this.#mayPurge()) return;
    await this.#memory.look();
    const { nowMs } = this.#memory;
    await this.#find(nowMs);
    while (!this.#closed && this.#mayPurge()) {
      const due = await this.#due(nowMs);
      if (due.length === 0) return;
      const standing = await this.#standing(due);
      if (standing.length > 0)
        await this.#purging.write(
          standing.map(({ id }) => id),
          { binned: true },
        );
      await this.#settle(due, standing, nowMs);
    }
  }

  /** A revocation may be among what is lost. What a device that is no member purges counts for nothing. */
  #mayPurge(): boolean {
    const { ledger, members, self } = this.#replica;
    return ledger.lost.size === 0 && !ledger.isUnsettled && members.devices.get(self)?.state === "active";
  }

  /** What came into the bin since the last look has been there from now on. The count is noted already: what is written here rests on it. */
  async #find(nowMs: number): Promise<void> {
    for (const bounds of strangeBounds(nowMs)) {
      for (let { from } = bounds; !this.#closed;) {
        const range = { from, to: bounds.to, reverse: false, limit: STEP };
        const rows = await this.#dueIn(range);
        const puts = new Map<RowKey, Row>();
        const dels = new Set<RowKey>();
        const grounds: Ground[] = [];
        for (const { key, id, record } of rows) {
          const now = record && found(record, nowMs);
          // One whose place another has taken is gone with the next look at what is due.
          if (record === null || now === null) continue;
          dels.add(key);
          grounds.push({ key: binRowKey(messageRowKey(id)), row: encodeBinRow(record) });
          for (const [rowKey, row] of rowsOfRecord(now, id)) puts.set(rowKey, row);
        }
        // Deleted anew meanwhile: the next look finds them.
        if (puts.size > 0) await this.#replica.writer.derive({ puts, dels }, grounds);
        const last = rows.at(-1);
        if (last === undefined || rows.length < STEP) break;
        from = `${last.key}\x00` as RowKey;
      }
    }
  }

  /** A row that no look has found yet is not due, though it comes first. */
  async #due(nowMs: number): Promise<readonly Due[]> {
    const due = await this.#dueIn({ ...dueBounds(nowMs), reverse: false, limit: STEP });
    return due.filter(({ record }) => record === null || record.sinceMs !== 0);
  }

  async #dueIn(range: Parameters<Replica["view"]["rowRange"]>[0]): Promise<readonly Due[]> {
    const keys = await this.#replica.view.rowRange(range);
    const ids = keys.map(([key]) => messageOfDueKey(key));
    const [rows, records] = await this.#rowsOf(ids);
    return ids.map((id, at): Due => {
      const [key] = keys[at]!;
      const kept = records[at] === undefined ? null : decodeBinRow(records[at]);
      const isSame = kept !== null && dueRowKey(kept, messageRowKey(id)) === key;
      return { key, id, record: isSame ? kept : null, row: rows[at] };
    });
  }

  /** Those that are in the bin by the delete that their record knows, and not purged yet. */
  async #standing(due: readonly Due[]): Promise<readonly Due[]> {
    const inBin = due.filter(({ record, row }) => {
      if (record === null || row === undefined) return false;
      const { content, register } = decodeMessageRow(row);
      return content !== null && isRecordOf(record, register);
    });
    const purged = await this.#replica.purged.among(inBin.map(({ id }) => id));
    return inBin.filter(({ id }) => !purged.has(id));
  }

  /**
   * Forgets what is over. What should be purged and is not, or is deleted and not here yet, is due a day later; and a record is kept for as
   * long as a purge may ask for it.
   */
  async #settle(due: readonly Due[], standing: readonly Due[], nowMs: number): Promise<void> {
    const left = new Set(standing.map(({ id }) => id));
    for (const id of await this.#replica.purged.among([...left])) left.delete(id);
    const puts = new Map<RowKey, Row>();
    const dels = new Set<RowKey>();
    const grounds: Ground[] = [];
    for (const each of due) {
      const { key, id, record } = each;
      dels.add(key);
      if (record === null) continue;
      const kept = binRowKey(messageRowKey(id));
      grounds.push({ key: kept, row: encodeBinRow(record) });
      const dueMs = dueAgain({ ...each, record }, { isLeft: left.has(id), nowMs });
      if (dueMs === null) dels.add(kept);
      else for (const [rowKey, row] of rowsOfRecord({ ...record, dueMs }, id)) puts.set(rowKey, row);
    }
    // Deleted anew meanwhile: that record stays, and the next look sees it.
    await this.#replica.writer.derive({ puts, dels }, grounds);
  }

  #rowsOf(
    ids: readonly MessageId[],
  ): Promise<readonly [readonly (Row | undefined)[], readonly (Row | undefined)[]]> {
    const keys = ids.map(messageRowKey);
    return Promise.all([this.#replica.view.rows(keys), this.#replica.view.rows(keys.map(binRowKey))]);
  }

  #schedule(afterMs: number): void {
    if (this.#closed) return;
    this.#cancel = this.#replica.ports.clock.after(afterMs, () => {
      this.#running = this.#inBackground().then(() => this.#schedule(AGAIN_AFTER_MS));
    });
  }

  async #inBackground(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      // A full disk, or a node that ends: with the next time.
      if (!isEngineError(error)) throw error;
    }
  }
}

/** Null: never. */
function dueAgain(
  { record, row }: Due & { readonly record: BinRecord },
  { isLeft, nowMs }: { readonly isLeft: boolean; readonly nowMs: number },
): number | null {
  if (row === undefined) return null;
  const { content, register } = decodeMessageRow(row);
  if (!isRecordOf(record, register)) return null;
  if (isLeft || content === null) return nowMs + LATER_MS;
  const endMs = record.sinceMs + RECORD_MS;
  return nowMs < endMs ? endMs : null;
}
