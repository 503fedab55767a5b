/**
 * Forks: two heads of one log under its device's signature that cannot both be, and what shows it to anyone who has the device's
 * public key. Of one length the roots differ. Of two lengths the nodes of the longer tree, split where the shorter one ends, lead to
 * the longer root and not to the shorter. An honest device never signs such heads, whatever peers say or leave out.
 * Format: docs/spec/log.md, "Fork". Tests: test/unit/log/fork.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import type { ByteReader } from "../base/byte-reader.ts";
import type { ByteWriter } from "../base/byte-writer.ts";
import { EngineError } from "../base/errors.ts";
import { bytesToId, idBytes, type LogId, type TreeHash } from "../base/ids.ts";
import { type Authorship, SIGNATURE_BYTES, verifyHead } from "./head.ts";
import { areHashes, mergeRanges, perfectNodeCount, rootOf, TREE_HASH_BYTES } from "./tree.ts";
import { type Head, LOG_LENGTH_LIMIT } from "./types.ts";

export interface Fork {
  readonly log: LogId;
  /** The shorter one first. */
  readonly heads: readonly [Head, Head];
  /** Of the longer tree, the perfect nodes of `[0, shorter.length)`, then of `[shorter.length, longer.length)`; none for one length. */
  readonly nodes: readonly TreeHash[];
}

/** True where the device signed both heads and they contradict each other. */
export function verifyFork(fork: Fork, author: Authorship): boolean {
  return isContradiction(fork) && areSigned(fork, author);
}

export function areSigned({ heads }: Fork, author: Authorship): boolean {
  return heads.every((head) => verifyHead(head, author));
}

/** True where heads and nodes alone show that not both can be; the signatures are not looked at. */
export function isContradiction({ log, heads, nodes }: Fork): boolean {
  const [shorter, longer] = heads;
  const [m, n] = [shorter.length, longer.length];
  if (shorter.log !== log || longer.log !== log || m < 1 || m > n) return false;
  if (m === n) return nodes.length === 0 && !equalBytes(shorter.root, longer.root);
  const count = perfectNodeCount(0, m);
  if (nodes.length !== forkNodeCount(m, n) || !areHashes(nodes)) return false;
  const before = { from: 0, to: m, hashes: nodes.slice(0, count) };
  const peaks = mergeRanges(before, { from: m, to: n, hashes: nodes.slice(count) });
  return equalBytes(rootOf(peaks, n), longer.root) && !equalBytes(rootOf(before.hashes, m), shorter.root);
}

export function writeFork(writer: ByteWriter, { log, heads, nodes }: Fork): ByteWriter {
  writer.raw(idBytes(log));
  for (const { length, root, signature } of heads) writer.uint(length).raw(root).raw(signature);
  for (const node of nodes) writer.raw(node);
  return writer;
}

/** @throws EngineError `WIRE_NOT_CANONICAL` for lengths out of order, other codes with `WIRE_` for what is cut or over a limit. */
export function readFork(reader: ByteReader): Fork {
  const log = bytesToId<LogId>(reader.raw(32));
  const heads = [readHead(reader, log), readHead(reader, log)] as const;
  const [m, n] = [heads[0].length, heads[1].length];
  if (m < 1 || m > n) throw new EngineError("WIRE_NOT_CANONICAL", "the shorter of two heads comes first");
  const nodes = Array.from({ length: forkNodeCount(m, n) }, () => reader.raw(TREE_HASH_BYTES) as TreeHash);
  return { log, heads, nodes };
}

function readHead(reader: ByteReader, log: LogId): Head {
  const length = reader.uint(LOG_LENGTH_LIMIT - 1);
  return {
    log,
    length,
    root: reader.raw(TREE_HASH_BYTES) as TreeHash,
    signature: reader.raw(SIGNATURE_BYTES),
  };
}

function forkNodeCount(m: number, n: number): number {
  return m === n ? 0 : perfectNodeCount(0, m) + perfectNodeCount(m, n);
}
