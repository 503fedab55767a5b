/**
 * Reads and writes the rows of the search index. Holds nothing between two calls: what others clear is gone at once.
 * Spec: docs/spec/search.md. Tests: test/integration/app/search.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import { searchKeyOf } from "../../core/crypto/derive.ts";
import { NONCE_BYTES } from "../../core/crypto/seal.ts";
import type { Ranges } from "../../core/log/ranges.ts";
import { subtract } from "../../core/log/ranges.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import {
  type Coverage,
  decodeIndexState,
  encodeIndexState,
  INDEX_KEYS,
  INDEX_STATE_KEY,
  type IndexState,
} from "../../core/search/index-state.ts";
import { documentsKey, listsKey, openRow, sealRow } from "../../core/search/segment-rows.ts";
import type { PlainRow } from "../../core/search/segment-maker.ts";
import type { Replica } from "../replica/replica.ts";
import type { Ground } from "../replica/writer.ts";

/** Rows deleted in one step. */
const CLEAR_STEP = 256;
/** Numbers of a new index begin anywhere below, so that they meet none of one that was lost. */
const FIRST_NUMBER_BITS = 31;

/** The state, and the row that it was read from. */
export interface ReadState {
  readonly state: IndexState;
  readonly ground: Ground;
}

/** What a new index begins with; its first segment draws a number. */
export const NO_INDEX: ReadState = {
  state: { next: 0, segments: [] },
  ground: { key: INDEX_STATE_KEY, row: null },
};

export class IndexRows {
  readonly #replica: Replica;
  readonly #indexKey: Uint8Array;
  readonly #sealKey: Uint8Array;

  constructor(replica: Replica, indexKey: Uint8Array) {
    this.#replica = replica;
    this.#indexKey = indexKey;
    this.#sealKey = searchKeyOf(indexKey);
  }

  get indexKey(): Uint8Array {
    return this.#indexKey;
  }

  /** Null where there is a state that cannot be read: damaged, or of another version. */
  async state(): Promise<ReadState | null> {
    try {
      const [row] = await this.#replica.ports.store.rows([INDEX_STATE_KEY]);
      if (row === undefined) return NO_INDEX;
      return { state: decodeIndexState(row), ground: { key: INDEX_STATE_KEY, row } };
    } catch (error) {
      if (!isEngineError(error, "STORE_DAMAGED")) throw error;
      return null;
    }
  }

  /** Positions of content that can be read here, by the number of their log. */
  held(): Coverage {
    const { frontier, members, ledger, ports } = this.#replica;
    const held = new Map<number, Ranges>();
    for (const [log, state] of frontier) {
      const owner = members.logs.get(log);
      if (owner === undefined || owner.logClass === "control") continue;
      const ranges = subtract(state.held, ledger.locked.get(log) ?? []);
      if (ranges.length > 0) held.set(ports.store.numberOf(log), ranges);
    }
    return held;
  }

  /** Opened, in the order of the keys; undefined where a row is not there. @throws EngineError `STORE_DAMAGED`. */
  async opened(keys: readonly RowKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    const rows = await this.#replica.ports.store.rows(keys);
    return rows.map((row, at) => (row === undefined ? undefined : openRow(this.#sealKey, keys[at]!, row)));
  }

  sealed({ key, plaintext }: PlainRow): Row {
    const nonce = this.#replica.ports.entropy.bytes(NONCE_BYTES);
    return sealRow({ key: this.#sealKey, nonce, rowKey: key, plaintext });
  }

  /** Rows that no state names yet. False where the state has changed, and nothing is written. */
  write(rows: ReadonlyMap<RowKey, Row>, { ground }: ReadState): Promise<boolean> {
    return this.#replica.writer.derive({ puts: rows, dels: new Set() }, [ground]);
  }

  /** A new state with the last of its rows, in one commit. */
  replace(
    { ground }: ReadState,
    next: {
      readonly state: IndexState;
      readonly rows: ReadonlyMap<RowKey, Row>;
      readonly gone: readonly RowKey[];
    },
  ): Promise<boolean> {
    const puts = new Map(next.rows);
    puts.set(INDEX_STATE_KEY, encodeIndexState(next.state));
    return this.#replica.writer.derive({ puts, dels: new Set(next.gone) }, [ground]);
  }

  /** A number for the first segment of a new index. */
  firstNumber(): number {
    const [a, b, c, d] = this.#replica.ports.entropy.bytes(4) as unknown as [number, number, number, number];
    return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) % 2 ** FIRST_NUMBER_BITS;
  }

  /** Deletes what a crash left of a segment that no state names. */
  async clearUnnamed(read: ReadState): Promise<void> {
    const { next } = read.state;
    for (const key of [documentsKey, listsKey])
      await this.#clear(read, { from: key(next, 0), to: key(next + 1, 0) });
  }

  /** Deletes the whole index, also one whose state cannot be read. @throws EngineError `STORE_DAMAGED` where some of its rows cannot. */
  async clear(): Promise<void> {
    await this.#replica.writer.derive({ puts: new Map(), dels: new Set([INDEX_STATE_KEY]) }, []);
    await this.#clear(NO_INDEX, INDEX_KEYS);
  }

  async #clear(
    { ground }: ReadState,
    { from, to }: { readonly from: RowKey; readonly to: RowKey },
  ): Promise<void> {
    for (;;) {
      const rows = await this.#replica.ports.store.rowRange({ from, to, reverse: false, limit: CLEAR_STEP });
      const dels = new Set(rows.map(([key]) => key));
      if (dels.size === 0) return;
      if (!(await this.#replica.writer.derive({ puts: new Map(), dels }, [ground]))) return;
    }
  }
}
