/**
 * Batches: entries with all that proves them under one signed head. A batch is verified alone, in any order, from any peer.
 * Decoding judges the form and throws; verifying judges the content and answers.
 * Format: docs/spec/log.md, "Batch". Tests: test/unit/log/batch.test.ts, test/unit/log/log-vectors.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import { assert, EngineError } from "../base/errors.ts";
import { bytesToId, idBytes, type LogId, type TreeHash } from "../base/ids.ts";
import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { type Authorship, isSameHead, SIGNATURE_BYTES, verifyHead } from "./head.ts";
import { encodeKind, KIND_BYTES, leavesOf, PAYLOAD_HASH_BYTES, readKind } from "./header.ts";
import { keepInto } from "./tiles.ts";
import {
  areHashes,
  mergeRanges,
  nodesOf,
  type OnNode,
  perfectNodeCount,
  placed,
  rootOf,
  TREE_HASH_BYTES,
} from "./tree.ts";
import {
  type Batch,
  BATCH_ENTRIES_MAX,
  type BatchEntry,
  type EntryKind,
  type Head,
  type KnownNode,
  LOG_LENGTH_LIMIT,
  PAYLOAD_BYTES_MAX,
  type VerifiedBatch,
} from "./types.ts";

/** Different entry kinds in one batch. A batch that would need more is cut in two. */
export const BATCH_KINDS_MAX = 64;

const STATES = ["present", "purged", "absent"] as const;
/** State 3 exists in the encoding and is refused. */
const STATE_COUNT = 4;

/** The batch's bytes; the inverse of `decodeBatch`. What breaks a limit here is a bug of the caller. */
export function encodeBatch(batch: Batch): Uint8Array {
  const { head, from, entries, left, right } = batch;
  assert(isShape(batch), "a batch to encode keeps the limits");
  const kinds = kindsOf(entries);
  const writer = new ByteWriter(estimateBytes(batch, kinds.list.length));
  writer.raw(idBytes(head.log)).uint(from).uint(entries.length).uint(head.length);
  writer.raw(head.root).raw(head.signature);
  for (const hash of left) writer.raw(hash);
  for (const hash of right) writer.raw(hash);
  writer.list(kinds.list, (kind) => writer.raw(kind));
  for (const [at, entry] of entries.entries()) {
    writer.uint(STATE_COUNT * kinds.indexes[at]! + STATES.indexOf(entry.state));
    writer.uint(entry.payloadLength).raw(entry.bytes);
  }
  return writer.finish();
}

/**
 * Reads a batch. Hashes and payloads are views of `bytes`, not copies, so whoever keeps one beyond the batch copies it.
 *
 * @throws EngineError with a code that begins with `WIRE_` for anything but the one encoding of a well-formed batch.
 */
export function decodeBatch(bytes: Uint8Array): Batch {
  const reader = new ByteReader(bytes);
  const log = bytesToId<LogId>(reader.raw(32));
  const from = reader.uint(LOG_LENGTH_LIMIT - 1);
  const count = reader.uint(BATCH_ENTRIES_MAX);
  const length = reader.uint(LOG_LENGTH_LIMIT - 1);
  if (count === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a batch has no entries");
  if (from + count > length) throw new EngineError("WIRE_LIMIT_EXCEEDED", "a batch passes its head");
  const root = reader.raw(TREE_HASH_BYTES) as TreeHash;
  const signature = reader.raw(SIGNATURE_BYTES);
  const left = readHashes(reader, perfectNodeCount(0, from));
  const right = readHashes(reader, perfectNodeCount(from + count, length));
  const kinds = readKinds(reader);
  const entries = readEntries(reader, count, kinds);
  reader.end();
  return { head: { log, length, root, signature }, from, entries, left, right };
}

/**
 * The batch as verified, or undefined where a count, a hash or the signature is wrong.
 * Only the signature depends on who the author is; it is not checked again under a `knownHead` that is the same byte for byte.
 */
export function verifyBatch(
  batch: Batch,
  context: Authorship & { readonly knownHead?: Head | undefined },
): VerifiedBatch | undefined {
  if (!isShape(batch)) return undefined;
  const { head, from } = batch;
  const { knownHead } = context;
  // First the signature, so that a stranger's batch costs one check and not thousands of hashes.
  if ((knownHead === undefined || !isSameHead(head, knownHead)) && !verifyHead(head, context))
    return undefined;
  const leaves = leavesOf(batch.entries);
  const to = from + leaves.length;
  const nodes: KnownNode[] = [
    ...placed({ from: 0, to: from, hashes: batch.left }),
    ...placed({ from: to, to: head.length, hashes: batch.right }),
  ];
  const peaks = joinRanges(batch, nodesOf(leaves, from, keepInto(nodes)), keepInto(nodes));
  if (!equalBytes(rootOf(peaks, head.length), head.root)) return undefined;
  return { ...batch, verified: true, leaves, nodes };
}

/** The perfect nodes of `[0, length)` from a batch's three parts; `middle` are those of its own range. */
export function joinRanges(batch: Batch, middle: readonly TreeHash[], onNode?: OnNode): readonly TreeHash[] {
  const { head, from, left, right } = batch;
  const to = from + batch.entries.length;
  const start = mergeRanges({ from: 0, to: from, hashes: left }, { from, to, hashes: middle }, onNode);
  return mergeRanges({ from: 0, to, hashes: start }, { from: to, to: head.length, hashes: right }, onNode);
}

function readHashes(reader: ByteReader, count: number): TreeHash[] {
  const hashes: TreeHash[] = [];
  for (let n = 0; n < count; n++) hashes.push(reader.raw(TREE_HASH_BYTES) as TreeHash);
  return hashes;
}

function readKinds(reader: ByteReader): EntryKind[] {
  const seen = new Set<string>();
  return reader.list(BATCH_KINDS_MAX, () => {
    const kind = readKind(reader);
    const key = `${kind.version} ${kind.flags} ${kind.epoch}`;
    if (seen.has(key)) throw new EngineError("WIRE_NOT_CANONICAL", "an entry kind stands twice");
    seen.add(key);
    return kind;
  });
}

function readEntries(reader: ByteReader, count: number, kinds: readonly EntryKind[]): BatchEntry[] {
  const entries: BatchEntry[] = [];
  let kindsUsed = 0;
  for (let n = 0; n < count; n++) {
    const code = reader.uint(STATE_COUNT * BATCH_KINDS_MAX - 1);
    const state = STATES[code % STATE_COUNT];
    if (state === undefined)
      throw new EngineError("WIRE_UNKNOWN_KIND", "an entry has a state that does not exist");
    const index = Math.floor(code / STATE_COUNT);
    const kind = kinds[index];
    // The kinds stand in the order of their first use, so that a batch has one encoding.
    if (kind === undefined || index > kindsUsed) {
      throw new EngineError("WIRE_NOT_CANONICAL", "entry kinds are not in the order of their first use");
    }
    if (index === kindsUsed) kindsUsed++;
    const payloadLength = reader.uint(PAYLOAD_BYTES_MAX);
    const bytes = reader.raw(state === "present" ? payloadLength : PAYLOAD_HASH_BYTES);
    entries.push({ kind, state, payloadLength, bytes });
  }
  if (kindsUsed < kinds.length) throw new EngineError("WIRE_NOT_CANONICAL", "an entry kind is not used");
  return entries;
}

/** The different kinds in the order of their first use, and the index of each entry's. */
function kindsOf(entries: readonly BatchEntry[]): { list: Uint8Array[]; indexes: number[] } {
  const list: Uint8Array[] = [];
  const indexByKind = new Map<EntryKind, number>();
  const indexes = entries.map(({ kind }) => {
    const known = indexByKind.get(kind);
    if (known !== undefined) return known;
    // Entries of one kind usually share the object; where they do not, the bytes decide.
    const bytes = encodeKind(kind);
    let index = list.findIndex((other) => equalBytes(other, bytes));
    if (index === -1) index = list.push(bytes) - 1;
    indexByKind.set(kind, index);
    return index;
  });
  assert(list.length <= BATCH_KINDS_MAX, `a batch has at most ${BATCH_KINDS_MAX} entry kinds`);
  return { list, indexes };
}

/** True where the counts and sizes are those the specification asks for; says nothing about hashes. */
function isShape(batch: Batch): boolean {
  const { head, from, entries, left, right } = batch;
  const to = from + entries.length;
  return (
    Number.isSafeInteger(from) &&
    Number.isSafeInteger(head.length) &&
    from >= 0 &&
    from < to &&
    to <= head.length &&
    head.length < LOG_LENGTH_LIMIT &&
    entries.length <= BATCH_ENTRIES_MAX &&
    head.root.length === TREE_HASH_BYTES &&
    head.signature.length === SIGNATURE_BYTES &&
    left.length === perfectNodeCount(0, from) &&
    right.length === perfectNodeCount(to, head.length) &&
    areHashes(left) &&
    areHashes(right) &&
    entries.every(isEntryShape)
  );
}

function isEntryShape(entry: BatchEntry): boolean {
  const { state, payloadLength, bytes } = entry;
  return state === "present"
    ? bytes.length === payloadLength && payloadLength <= PAYLOAD_BYTES_MAX
    : bytes.length === PAYLOAD_HASH_BYTES &&
        Number.isInteger(payloadLength) &&
        payloadLength >= 0 &&
        payloadLength <= PAYLOAD_BYTES_MAX;
}

function estimateBytes(batch: Batch, kindCount: number): number {
  let size = 256 + KIND_BYTES * kindCount + TREE_HASH_BYTES * (batch.left.length + batch.right.length);
  for (const entry of batch.entries) size += 6 + entry.bytes.length;
  return size;
}
