/**
 * The end of the bin: what has been there for 30 days is purged by the device that deleted it, a week later by any other. By this device's own
 * record of when it learned of the delete. Spec: docs/spec/purge.md, "The bin". Tests: test/integration/app/bin.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { MessageId } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import {
  BIN_MS,
  binBounds,
  binRowKey,
  type BinRecord,
  decodeBinRow,
  dueBounds,
  dueRowKey,
  encodeBinRow,
  isRecordOf,
  messageOfDueKey,
  RECORD_MS,
  rowsOfRecord,
} from "../../core/inbox/bin-rows.ts";
import { namedBounds, namedOfKey } from "../../core/inbox/purges.ts";
import { decodeMessageRow } from "../../core/inbox/rows.ts";
import { messageRowKey } from "../../core/inbox/view.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import type { PurgeView } from "../../core/membership/types.ts";
import { placeName } from "../replica/purge-places.ts";
import type { Replica } from "../replica/replica.ts";
import type { Ground } from "../replica/writer.ts";
import { BinClock } from "./bin-clock.ts";
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
  readonly #clock: BinClock;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(replica: Replica, purging: Purging) {
    this.#replica = replica;
    this.#purging = purging;
    this.#clock = new BinClock(replica);
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

  /** Whether each message that the purge's tombstones name has been in the bin here for 30 days, and the purge names nothing else. */
  async isLongIn({ id, entries }: Pick<PurgeView, "id" | "entries">): Promise<boolean> {
    const { view } = this.#replica;
    const range = { ...namedBounds(id), reverse: false, limit: entries.length + 1 };
    const messages = (await view.rowRange(range)).map(([key]) => namedOfKey(key).message);
    // Each of them has a place at least.
    if (messages.length === 0 || messages.length > entries.length) return false;
    const untilMs = (await this.#nowMs()) - BIN_MS;
    const left = new Set(entries.map(({ log, position }) => placeName(log, position)));
    for (let at = 0; at < messages.length; at += STEP) {
      const some = messages.slice(at, at + STEP);
      const [rows, records] = await this.#rowsOf(some);
      for (const [n, message] of some.entries()) {
        const [row, kept] = [rows[n], records[n]];
        if (row === undefined || kept === undefined) return false;
        const record = decodeBinRow(kept);
        if (record.sinceMs > untilMs || !isRecordOf(record, decodeMessageRow(row).register)) return false;
        const spots = await this.#replica.writer.ownSpots(message, row);
        if (spots === null) return false;
        for (const { log, place } of spots) left.delete(placeName(log, place.position));
      }
    }
    return left.size === 0;
  }

  /** Purges what is due, and forgets records that say nothing any more. */
  async sweep(): Promise<void> {
    while (!this.#closed && this.#mayPurge()) {
      const nowMs = await this.#nowMs();
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

  async #nowMs(): Promise<number> {
    const { view, ports } = this.#replica;
    const [first] = await view.rowRange({ ...binBounds(), reverse: false, limit: 1 });
    if (first === undefined) return this.#clock.pass(null);
    const [, [kept]] = await this.#rowsOf([messageOfDueKey(first[0])]);
    return this.#clock.pass(kept === undefined ? ports.clock.wallMs() : decodeBinRow(kept).sinceMs);
  }

  async #due(nowMs: number): Promise<readonly Due[]> {
    const found = await this.#replica.view.rowRange({ ...dueBounds(nowMs), reverse: false, limit: STEP });
    const ids = found.map(([key]) => messageOfDueKey(key));
    const [rows, records] = await this.#rowsOf(ids);
    return ids.map((id, at): Due => {
      const [key] = found[at]!;
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
