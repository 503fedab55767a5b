/**
 * What this device remembers of purges: when it learned of each, and whether it has carried it out. One small value for each, since a member can
 * make any number of them, and beside them the one count of time that purges and the bin go by. What cannot be read is learned anew, and so waits anew.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/erasing.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { ControlId } from "../../core/base/ids.ts";
import {
  binBounds,
  binRowKey,
  countedBounds,
  decodeBinRow,
  messageOfDueKey,
} from "../../core/inbox/bin-rows.ts";
import { messageRowKey } from "../../core/inbox/view.ts";
import type { PurgeRecord } from "../../core/membership/erasing.ts";
import {
  beginTime,
  decodeTimePassed,
  encodeTimePassed,
  passTime,
  type TimePassed,
} from "../../core/membership/time-passed.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";

const JOINED = 1;
const DONE = 2;
const COMPACTED = 4;
/** Of what is due first the oldest says where a count begins that could not be read. */
const FIRST_IN_BIN = 1_000;

export class PurgeMemory {
  readonly #replica: Replica;
  /** In the order in which they were learned of. */
  readonly #records = new Map<ControlId, PurgeRecord>();
  #time: TimePassed | null = null;
  #lookedMs: number | null = null;
  /** Nothing was ever remembered here. */
  #isFirst = false;
  /** What was known at that moment: it came with the link. */
  #joined = new Set<ControlId>();
  #isLoaded = false;
  /** Looks come one after the other: the bin's and the eraser's. */
  #looking: Promise<void> = Promise.resolve();

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  get records(): ReadonlyMap<ControlId, PurgeRecord> {
    return this.#records;
  }

  /** Purges came with the link, and none was looked at yet. */
  get hasJoined(): boolean {
    return this.#isFirst && this.#joined.size > 0;
  }

  /** How much time had passed at the last look; before the first one none. */
  get nowMs(): number {
    return this.#time?.countedMs ?? 0;
  }

  /** A moment of the count as people's clocks say it: as long ago as it counts. */
  shownMs(countedMs: number): number {
    return this.#time === null ? countedMs : this.#time.wallMs - (this.#time.countedMs - countedMs);
  }

  /** Reads what there is; remembers nothing yet. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    const time = await this.#read(META.timePassed, decodeTimePassed);
    this.#time = time ?? null;
    this.#isFirst = time === undefined;
    if (this.#isFirst) this.#joined = new Set(this.#replica.members.purges.map(({ id }) => id));
    const known: (readonly [ControlId, PurgeRecord])[] = [];
    for (const { id } of this.#replica.members.purges) {
      const record = await this.#read(META.purge + id, decodeRecord);
      if (record !== undefined && record !== null) known.push([id, record]);
    }
    known.sort(([, a], [, b]) => a.learnedMs - b.learnedMs);
    for (const [id, record] of known) this.#records.set(id, record);
    this.#isLoaded = true;
  }

  /** Time goes on, and purges that are new are learned of now: durable when it resolves. One note at most. */
  look(): Promise<void> {
    const looking = this.#looking.then(() => this.#look());
    this.#looking = looking.catch(() => undefined);
    return looking;
  }

  async #look(): Promise<void> {
    await this.load();
    const [first] = await this.#replica.view.rowRange({ ...binBounds(), reverse: false, limit: 1 });
    this.#time ??= await this.#begin();
    const { clock } = this.#replica.ports;
    const ranMs = this.#lookedMs === null ? 0 : clock.monotonicMs() - this.#lookedMs;
    this.#lookedMs = clock.monotonicMs();
    this.#time = passTime(this.#time, { wallMs: clock.wallMs(), upMs: clock.upMs(), ranMs });
    const learnedMs = this.#time.countedMs;
    const learned = new Map<ControlId, PurgeRecord>();
    for (const { id } of this.#replica.members.purges) {
      const record = this.#records.get(id);
      const joined = this.#joined.has(id);
      if (record === undefined) learned.set(id, { learnedMs, joined, done: false, compacted: false });
      // The count could not be read, and begins earlier than it did.
      else if (record.learnedMs > learnedMs) learned.set(id, { ...record, learnedMs });
    }
    const values = [...learned].map(([id, record]) => [META.purge + id, encodeRecord(record)] as const);
    // Where nothing waits, nothing can end by time that is counted twice.
    if (first !== undefined || learned.size > 0 || this.#isFirst || this.#hasOpen())
      await this.#replica.writer.remember(
        new Map([...values, [META.timePassed, encodeTimePassed(this.#time)]]),
      );
    this.#isFirst = false;
    for (const [id, record] of learned) this.#records.set(id, record);
  }

  /** Neither carried out nor over. */
  #hasOpen(): boolean {
    return this.#replica.members.purges.some(
      ({ id, state }) => state !== "void" && this.#records.get(id)?.done === false,
    );
  }

  /** Where no count can be read: as little as is certain, so that all that waits does so from its beginning. */
  async #begin(): Promise<TimePassed> {
    const { view, members, ports } = this.#replica;
    const began: number[] = [];
    for (const { id, state } of members.purges) {
      const record = this.#records.get(id);
      if (state !== "void" && record?.done === false) began.push(record.learnedMs);
    }
    const due = await view.rowRange({ ...countedBounds(), reverse: false, limit: FIRST_IN_BIN });
    for (const row of await view.rows(due.map(([key]) => binRowKey(messageRowKey(messageOfDueKey(key)))))) {
      // 0: deleted anew, and no look has found that yet.
      const sinceMs = row === undefined ? 0 : decodeBinRow(row).sinceMs;
      if (sinceMs !== 0) began.push(sinceMs);
    }
    const clocks = { wallMs: ports.clock.wallMs(), upMs: ports.clock.upMs() };
    return began.length === 0 ? beginTime(clocks) : beginTime(clocks, Math.min(...began));
  }

  /** Durable when it resolves. */
  async note(ids: readonly ControlId[], change: Partial<PurgeRecord>): Promise<void> {
    const changed = ids.flatMap((id) => {
      const record = this.#records.get(id);
      return record === undefined ? [] : [[id, { ...record, ...change }] as const];
    });
    if (changed.length === 0) return;
    await this.#replica.writer.remember(
      new Map(changed.map(([id, record]) => [META.purge + id, encodeRecord(record)])),
    );
    for (const [id, record] of changed) this.#records.set(id, record);
  }

  /** Undefined: it was never written; null: it cannot be read. */
  async #read<Value>(name: string, decode: (reader: ByteReader) => Value): Promise<Value | null | undefined> {
    try {
      const bytes = await this.#replica.ports.store.meta(name);
      if (bytes === undefined) return undefined;
      const reader = new ByteReader(bytes);
      const value = decode(reader);
      reader.end();
      return value;
    } catch (error) {
      if (!isEngineError(error)) throw error;
      return null;
    }
  }
}

function encodeRecord({ learnedMs, joined, done, compacted }: PurgeRecord): Uint8Array {
  const flags = (joined ? JOINED : 0) + (done ? DONE : 0) + (compacted ? COMPACTED : 0);
  return new ByteWriter().u48(learnedMs).u8(flags).finish();
}

function decodeRecord(reader: ByteReader): PurgeRecord {
  const learnedMs = reader.u48();
  const flags = reader.u8();
  const has = (flag: number): boolean => Math.floor(flags / flag) % 2 === 1;
  return { learnedMs, joined: has(JOINED), done: has(DONE), compacted: has(COMPACTED) };
}
