/**
 * How the evidence of forks lies in the store. Spec: docs/spec/storage.md, "Small values". Tests: test/unit/app/fork-memory.test.ts.
 */
import type { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { bytesToId, idBytes, type LogId } from "../../core/base/ids.ts";
import { type Fork, readFork, writeFork } from "../../core/log/fork.ts";

/** Logs of which evidence is kept. A member has three for each incarnation, so only one that opens them to no end has more. */
export const FORKS_MAX = 2_048;

export interface FoundFork {
  readonly fork: Fork;
  /** Wall time at which this device met it first. */
  readonly atMs: number;
}

export function encodeFork({ fork, atMs }: FoundFork): Uint8Array {
  return writeFork(new ByteWriter().u48(Math.max(0, Math.floor(atMs))), fork).finish();
}

export function decodeFork(reader: ByteReader): FoundFork {
  const atMs = reader.u48();
  return { atMs, fork: readFork(reader) };
}

export function encodeLogs(logs: readonly LogId[]): Uint8Array {
  const writer = new ByteWriter();
  return writer.list(logs, (log) => writer.raw(idBytes(log))).finish();
}

export function decodeLogs(reader: ByteReader): readonly LogId[] {
  return reader.list(FORKS_MAX, () => bytesToId<LogId>(reader.raw(32)));
}
