/**
 * What this device remembers of purges: when it learned of each, and whether it has carried it out. One small value for each, since a member can
 * make any number of them, and the count of time beside them. What cannot be read is learned anew, and so waits anew.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/erasing.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { ControlId } from "../../core/base/ids.ts";
import type { PurgeRecord } from "../../core/membership/erasing.ts";
import {
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

  /** How much time had passed at the last look. */
  get nowMs(): number {
    return this.#time?.countedMs ?? this.#replica.ports.clock.wallMs();
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

  /** Time goes on, and purges that are new are learned of now: durable when it resolves. */
  async look(isWaiting: boolean): Promise<void> {
    const { clock } = this.#replica.ports;
    const ranMs = this.#lookedMs === null ? 0 : clock.monotonicMs() - this.#lookedMs;
    this.#lookedMs = clock.monotonicMs();
    const now = { wallMs: clock.wallMs(), ranMs };
    // While nothing waits no jump can end a waiting, and what people are shown is to be the time of their clocks.
    const time = passTime(isWaiting ? this.#time : null, now);
    const fresh = new Map<ControlId, PurgeRecord>();
    for (const { id } of this.#replica.members.purges) {
      if (this.#records.has(id)) continue;
      const joined = this.#joined.has(id);
      fresh.set(id, { learnedMs: time.countedMs, joined, done: false, compacted: false });
    }
    const values = [...fresh].map(([id, record]) => [META.purge + id, encodeRecord(record)] as const);
    if (isWaiting || fresh.size > 0 || this.#isFirst)
      await this.#replica.writer.remember(new Map([...values, [META.timePassed, encodeTimePassed(time)]]));
    this.#time = time;
    this.#isFirst = false;
    for (const [id, record] of fresh) this.#records.set(id, record);
    this.#clamp(time.countedMs);
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

  /** After the clock was set back: what seems to come from the future would count as of this day for as long. */
  #clamp(nowMs: number): void {
    for (const [id, record] of this.#records)
      if (record.learnedMs > nowMs) this.#records.set(id, { ...record, learnedMs: nowMs });
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
