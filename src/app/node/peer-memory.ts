/**
 * What this device remembers of its peers over a restart: addresses that worked, when each was last seen, what each acknowledged, and
 * when all were last in sync. Written a while after it changed: losing the last seconds of it costs a question, never a message.
 */
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { isEngineError } from "../../core/base/errors.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { isValidRanges, type Range, type Ranges } from "../../core/log/ranges.ts";
import { LOG_LENGTH_LIMIT } from "../../core/log/types.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";

const WRITE_AFTER_MS = 2_000;
const ADDRESSES_MAX = 4;
const ADDRESS_BYTES_MAX = 512;
const LOGS_MAX = 100_000;
const RANGES_MAX = 100_000;

export interface PeerMemoryState {
  addresses: readonly string[];
  lastSeenMs: number | null;
  /** When this device first knew of it: membership itself carries no times. */
  sinceMs: number | null;
  acked: ReadonlyMap<LogId, Ranges>;
}

export class PeerMemory {
  readonly #replica: Replica;
  readonly #states = new Map<DeviceId, PeerMemoryState>();
  readonly #changed = new Map<string, () => Uint8Array>();
  #cancel: CancelTimer | null = null;
  lastInSyncMs: number | null = null;

  private constructor(replica: Replica) {
    this.#replica = replica;
  }

  static async open(replica: Replica): Promise<PeerMemory> {
    const memory = new PeerMemory(replica);
    const { store } = replica.ports;
    for (const device of replica.members.devices.keys()) {
      const [addresses, seen, acked, since] = await Promise.all(
        [META.addresses, META.seen, META.acks, META.since].map((name) => store.meta(`${name}${device}`)),
      );
      memory.#states.set(device, {
        addresses: tolerant(addresses, decodeAddresses) ?? [],
        lastSeenMs: tolerant(seen, decodeTime) ?? null,
        acked: tolerant(acked, decodeAcked) ?? new Map(),
        sinceMs: tolerant(since, decodeTime) ?? null,
      });
    }
    memory.lastInSyncMs = tolerant(await store.meta(META.lastInSync), decodeTime) ?? null;
    return memory;
  }

  of(device: DeviceId): PeerMemoryState {
    const state = this.#states.get(device) ?? {
      addresses: [],
      lastSeenMs: null,
      sinceMs: null,
      acked: new Map(),
    };
    this.#states.set(device, state);
    return state;
  }

  addresses(): ReadonlyMap<DeviceId, readonly string[]> {
    return new Map([...this.#states].map(([device, state]) => [device, state.addresses]));
  }

  setAddresses(device: DeviceId, addresses: readonly string[]): void {
    this.of(device).addresses = addresses;
    this.#later(`${META.addresses}${device}`, () => encodeAddresses(addresses));
  }

  setSeen(device: DeviceId, ms: number): void {
    this.of(device).lastSeenMs = ms;
    this.#later(`${META.seen}${device}`, () => encodeTime(ms));
  }

  /** Notes the time for devices that are new here. */
  noteDevices(devices: Iterable<DeviceId>, ms: number): void {
    for (const device of devices) {
      const state = this.of(device);
      if (state.sinceMs !== null) continue;
      state.sinceMs = ms;
      this.#later(`${META.since}${device}`, () => encodeTime(ms));
    }
  }

  /** `acked` is read when it is written, so that a fast exchange costs one write. */
  setAcked(device: DeviceId, acked: () => ReadonlyMap<LogId, Ranges>): void {
    this.#later(`${META.acks}${device}`, () => encodeAcked(acked()));
  }

  setInSync(ms: number): void {
    this.lastInSyncMs = ms;
    this.#later(META.lastInSync, () => encodeTime(ms));
  }

  /** Writes what changed; also at the end of the node. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#changed.size === 0) return;
    const meta = new Map([...this.#changed].map(([name, encode]) => [name, encode()] as const));
    this.#changed.clear();
    try {
      await this.#replica.writer.remember(meta);
    } catch (error) {
      // The store says so itself where it matters; a memory is not worth more.
      if (!isEngineError(error)) throw error;
    }
  }

  #later(name: string, encode: () => Uint8Array): void {
    this.#changed.set(name, encode);
    this.#cancel ??= this.#replica.ports.clock.after(WRITE_AFTER_MS, () => void this.flush());
  }
}

/** A memory that cannot be read is none. */
function tolerant<Value>(
  bytes: Uint8Array | undefined,
  decode: (reader: ByteReader) => Value,
): Value | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decode(new ByteReader(bytes));
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

function encodeTime(ms: number): Uint8Array {
  return new ByteWriter().u48(Math.max(0, Math.floor(ms))).finish();
}

function decodeTime(reader: ByteReader): number {
  return reader.u48();
}

function encodeAddresses(addresses: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  return writer.list(addresses.slice(0, ADDRESSES_MAX), (address) => writer.text(address)).finish();
}

function decodeAddresses(reader: ByteReader): readonly string[] {
  return reader.list(ADDRESSES_MAX, () => reader.text(ADDRESS_BYTES_MAX));
}

function encodeAcked(acked: ReadonlyMap<LogId, Ranges>): Uint8Array {
  const writer = new ByteWriter();
  writer.list([...acked].slice(0, LOGS_MAX), ([log, ranges]) => {
    writer.raw(idBytes(log)).list(ranges.slice(0, RANGES_MAX), ({ from, to }) => writer.u48(from).u48(to));
  });
  return writer.finish();
}

function decodeAcked(reader: ByteReader): ReadonlyMap<LogId, Ranges> {
  const pairs = reader.list(LOGS_MAX, (): readonly [LogId, Ranges] => {
    const log = bytesToId<LogId>(reader.raw(32));
    const ranges = reader.list(RANGES_MAX, (): Range => ({ from: reader.u48(), to: reader.u48() }));
    return [log, isValidRanges(ranges, LOG_LENGTH_LIMIT) ? ranges : []];
  });
  return new Map(pairs);
}
