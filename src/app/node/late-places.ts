/**
 * What comes of a purged message after its purge: a copy out of an import, an edit or a reaction of a device that did not know. It is hidden all
 * the same; this names it in a further purge, so that it is erased as well. At most one a minute: a member can make any number of them.
 * Spec: docs/spec/purge.md, "Writing". Tests: test/integration/app/late-places.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { ControlId, MessageId } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { mark } from "../../core/inbox/marks.ts";
import { isPurged, namedBounds, namedOfKey, purgedBounds } from "../../core/inbox/purges.ts";
import { keysFrom, keysUpTo, messageKeyOf, messageOfKey } from "../../core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../core/inbox/rows.ts";
import { messageRowKey } from "../../core/inbox/view.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import { placeName, readSpots } from "../replica/message-spots.ts";
import type { Replica } from "../replica/replica.ts";
import type { Published } from "../replica/turn.ts";
import type { Eraser } from "./eraser.ts";
import type { Purging } from "./purging.ts";

/** What comes in one go is named together, and another device may have named it by then. */
const BEGIN_AFTER_MS = 5_000;
const BETWEEN_MS = 60_000;
/** Messages looked at in one step. */
const STEP = 500;
const PURGES_MAX = 10_000;
/** Remembered, about 10 MB; with more all purged messages are looked at. */
const CHANGED_MAX = 100_000;
/** Of one purge: more than it names entries. */
const MESSAGES_MAX = 10_000;

export class LatePlaces {
  readonly #replica: Replica;
  readonly #purging: Purging;
  readonly #eraser: Pick<Eraser, "list">;
  /** Messages of which something came, whether or not they are purged. */
  readonly #changed = new Set<MessageId>();
  /** Purges of which everything here was looked at; null: none, since what came before a kill may not have been named. */
  #seen: ReadonlySet<ControlId> | null = null;
  #unsubscribe: (() => void) | null = null;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #namedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(parts: {
    readonly replica: Replica;
    readonly purging: Purging;
    readonly eraser: Pick<Eraser, "list">;
  }) {
    this.#replica = parts.replica;
    this.#purging = parts.purging;
    this.#eraser = parts.eraser;
  }

  /** By itself from now on. */
  start(): void {
    this.#unsubscribe = this.#replica.subscribe((published) => this.#saw(published));
    this.#replica.stored.onBuilt(() => {
      // It may know places that the one before did not.
      this.#seen = null;
      this.#schedule(BEGIN_AFTER_MS);
    });
    this.#schedule(BEGIN_AFTER_MS);
  }

  /** What runs ends at its next step. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#cancel?.();
    await this.#running;
  }

  /** One purge at most; what it has no room for is left for the next. */
  async look(): Promise<void> {
    const final = this.#finalPurges();
    // What becomes late with a purge is looked at when that is over.
    if (final.size === 0) return this.#changed.clear();
    const named = this.#namedAlready(final);
    const late = await this.#late(final, named);
    if (late.length === 0 || this.#closed || !this.#mayPurge()) return;
    this.#namedAtMs = this.#replica.ports.clock.monotonicMs();
    const { done } = await this.#replica.writer.purge({
      messages: late,
      named,
      addressOf: this.#purging.addressOf,
    });
    // The first of those that are left may stand in what is damaged.
    const isStuck = done.length === 0 && late.length > 0;
    for (const id of isStuck ? late.slice(0, 1) : done) this.#changed.delete(id);
  }

  #saw({ rows, members }: Published): void {
    if (this.#replica.purged.hiding.size === 0) return;
    const before = this.#changed.size;
    for (const [key, row] of rows)
      if (mayBeLate(key, row)) this.#changed.add(messageOfKey(messageKeyOf(key)));
    if (this.#changed.size > CHANGED_MAX) {
      this.#changed.clear();
      this.#seen = null;
    }
    // A purge that is over makes late what came before it.
    if (members || this.#changed.size > before) this.#schedule(BEGIN_AFTER_MS);
  }

  /** Messages whose purge is over, and of which something here is named by none; what is not late is looked at no more. */
  async #late(final: ReadonlySet<ControlId>, named: ReadonlySet<string>): Promise<readonly MessageId[]> {
    const seen = this.#seen;
    if (seen === null) await this.#addAllNamed(final);
    else for (const id of final) if (!seen.has(id)) await this.#addNamedBy(id);
    this.#seen = final;
    const late: MessageId[] = [];
    const changed = [...this.#changed];
    for (let at = 0; at < changed.length && !this.#closed; at += STEP) {
      const some = changed.slice(at, at + STEP);
      const rows = await this.#replica.view.rows(some.map(messageRowKey));
      for (const [n, id] of some.entries()) {
        if (await this.#isLate({ id, row: rows[n], final, named })) late.push(id);
        else this.#changed.delete(id);
      }
    }
    return late;
  }

  async #isLate(about: {
    readonly id: MessageId;
    readonly row: Row | undefined;
    readonly final: ReadonlySet<ControlId>;
    readonly named: ReadonlySet<string>;
  }): Promise<boolean> {
    const { id, row, final, named } = about;
    const { view, ports } = this.#replica;
    if (row === undefined || (decodeMessageRow(row).marks & mark.purged) === 0) return false;
    const rows = await view.rowRange({ ...purgedBounds(id), reverse: false, limit: PURGES_MAX });
    if (!isPurged(rows, final)) return false;
    const spots = await readSpots({ logOf: ports.store.logOf, rowRange: view.rowRange }, id, row);
    return spots.some(({ log, place }) => !named.has(placeName(log, place.position)));
  }

  async #addNamedBy(purge: ControlId): Promise<void> {
    const range = { ...namedBounds(purge), reverse: false, limit: MESSAGES_MAX };
    for (const [key] of await this.#replica.view.rowRange(range)) this.#changed.add(namedOfKey(key).message);
  }

  /** Every message that the tombstones of these purges name. */
  async #addAllNamed(final: ReadonlySet<ControlId>): Promise<void> {
    const to = keysUpTo("p");
    for (let from = keysFrom("p"); !this.#closed;) {
      const rows = await this.#replica.view.rowRange({ from, to, reverse: false, limit: STEP });
      for (const row of rows)
        if (isPurged([row], final)) this.#changed.add(messageOfKey(messageKeyOf(row[0])));
      const last = rows.at(-1);
      if (last === undefined || rows.length < STEP) return;
      from = `${last[0]}\x00` as RowKey;
    }
  }

  /** One that may still be stopped has nothing named after it. */
  #finalPurges(): ReadonlySet<ControlId> {
    const final = this.#eraser
      .list()
      .filter(({ state, done }) => state === "approved" || (state === "open" && done));
    return new Set(final.map(({ id }) => id));
  }

  /** By what is over, or by this device: what another names in a purge that waits may stay for a month, and is named by this device too, once. */
  #namedAlready(final: ReadonlySet<ControlId>): ReadonlySet<string> {
    const { members, self } = this.#replica;
    const named = new Set<string>();
    for (const { id, author, state, entries } of members.purges)
      if (final.has(id) || (author === self && state !== "void"))
        for (const { log, position } of entries) named.add(placeName(log, position));
    return named;
  }

  #mayPurge(): boolean {
    const { ledger, members, self } = this.#replica;
    return ledger.lost.size === 0 && !ledger.isUnsettled && members.devices.get(self)?.state === "active";
  }

  #schedule(afterMs: number): void {
    if (this.#closed || this.#cancel !== null || this.#running !== null) return;
    const { clock } = this.#replica.ports;
    const waitMs = Math.max(afterMs, this.#namedAtMs + BETWEEN_MS - clock.monotonicMs());
    this.#cancel = clock.after(waitMs, () => {
      this.#cancel = null;
      this.#running = this.#inBackground().then(() => {
        this.#running = null;
        if (this.#changed.size > 0 || this.#seen === null) this.#schedule(BETWEEN_MS);
      });
    });
  }

  async #inBackground(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      // A full disk, or a node that ends: with the next time.
      if (!isEngineError(error)) throw error;
    }
  }
}

/** A row of what may be a further content of a purged message: an edit, a reaction, a further place, or the message's own with its mark. */
function mayBeLate(key: RowKey, row: Row): boolean {
  switch (key[0]) {
    case "e":
    case "r":
    case "y":
      return true;
    case "m":
      return (decodeMessageRow(row).marks & mark.purged) !== 0;
    default:
      return false;
  }
}
