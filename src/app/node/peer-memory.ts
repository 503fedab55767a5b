/**
 * What this device remembers of its peers over a restart: addresses that worked, when each was last seen, what each acknowledged, and
 * when all were last in sync. Written a while after it changed: losing the last seconds of it costs a question, never a message.
 */
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import type { Ranges } from "../../core/log/ranges.ts";
import { META } from "../replica/meta-names.ts";
import type { Replica } from "../replica/replica.ts";
import { openNameHint, sealNameHint } from "./name-hints.ts";
import {
  decodeAcked,
  decodeAddresses,
  decodeTime,
  encodeAcked,
  encodeAddresses,
  encodeTime,
  tolerant,
} from "./peer-memory-codec.ts";

const WRITE_AFTER_MS = 2_000;

export interface PeerMemoryState {
  addresses: readonly string[];
  lastSeenMs: number | null;
  /** When this device first knew of it: membership itself carries no times. */
  sinceMs: number | null;
  acked: ReadonlyMap<LogId, Ranges>;
  /** What it was called while linking: shown until the account says its name. */
  nameHint: string | null;
}

/** Writes down what devices were called while linking, before any node runs here. */
export function rememberNames(replica: Replica, names: ReadonlyMap<DeviceId, string>): Promise<void> {
  const rows = [...names].map(
    ([device, name]) => [`${META.nameHint}${device}`, sealNameHint(replica, device, name)] as const,
  );
  return replica.writer.remember(new Map(rows));
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
      const names = [META.addresses, META.seen, META.acks, META.since, META.nameHint];
      const [addresses, seen, acked, since, nameHint] = await Promise.all(
        names.map((name) => store.meta(`${name}${device}`)),
      );
      memory.#states.set(device, {
        addresses: tolerant(addresses, decodeAddresses) ?? [],
        lastSeenMs: tolerant(seen, decodeTime) ?? null,
        acked: tolerant(acked, decodeAcked) ?? new Map(),
        sinceMs: tolerant(since, decodeTime) ?? null,
        nameHint: openNameHint(replica, device, nameHint) ?? null,
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
      nameHint: null,
    };
    this.#states.set(device, state);
    return state;
  }

  addresses(): ReadonlyMap<DeviceId, readonly string[]> {
    return new Map([...this.#states].map(([device, state]) => [device, state.addresses]));
  }

  nameHints(): ReadonlyMap<DeviceId, string> {
    const hints = new Map<DeviceId, string>();
    for (const [device, { nameHint }] of this.#states) if (nameHint !== null) hints.set(device, nameHint);
    return hints;
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
    const changed = [...this.#changed];
    this.#changed.clear();
    try {
      await this.#replica.writer.remember(new Map(changed.map(([name, encode]) => [name, encode()])));
    } catch (error) {
      if (!isEngineError(error)) throw error;
      // Written with the next change, or never: a memory is not worth more.
      for (const [name, encode] of changed) if (!this.#changed.has(name)) this.#changed.set(name, encode);
    }
  }

  #later(name: string, encode: () => Uint8Array): void {
    this.#changed.set(name, encode);
    this.#cancel ??= this.#replica.ports.clock.after(WRITE_AFTER_MS, () => void this.flush());
  }
}
