/**
 * What devices and sessions see of the world around them, and of each other. Types only, so that nothing imports in a circle.
 */
import type { DeviceId } from "../../src/core/base/ids.ts";
import type { Input } from "../../src/core/sync/types.ts";
import type { Frame } from "../../src/core/wire/frames.ts";
import type { EventQueue } from "../doubles/event-queue.ts";
import type { Random } from "../doubles/random.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly deviceCount: number;
  readonly entriesPerBatch: number;
  readonly delayMsMax: number;
  readonly diskMsMax: number;
  /** Largest piece in which bytes arrive. */
  readonly pieceBytesMax: number;
}

export interface Surroundings {
  readonly options: WorldOptions;
  readonly queue: EventQueue;
  readonly random: Random;
  count(name: string, by?: number): void;
  trace(line: () => string): void;
  frameSent(kind: Frame["kind"]): void;
  isDiskFull(device: DeviceId): boolean;
  suspect(device: DeviceId, peer: DeviceId): void;
  sessionOver(device: DeviceId, dialled: DeviceId, reason: string): void;
}

/** A session whose handshake is done. */
export interface OpenSession {
  readonly peer: DeviceId;
  readonly isEqual: boolean;
  readonly counters: Readonly<Record<string, number>>;
  /** Bytes sent by kind of frame, their sizes included. */
  readonly sent: ReadonlyMap<string, number>;
  feed(input: Input): void;
  close(): void;
}
