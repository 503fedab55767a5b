/**
 * Frames to bytes and back. Knows the form of each kind and nothing of who may send it when; reads strictly and throws
 * EngineErrors whose code begins with `WIRE_`, which the shell catches in one place (`closeReasonFor`).
 * Format: docs/spec/sync.md. Tests: test/unit/wire/frame-codec.test.ts, test/unit/wire/wire-vectors.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { assert, EngineError, isEngineError } from "../base/errors.ts";
import { idBytes, type TreeHash } from "../base/ids.ts";
import { decodeBatch, encodeBatch } from "../log/batch.ts";
import { readFork, writeFork } from "../log/fork.ts";
import { perfectNodeCount } from "../log/tree.ts";
import {
  HASH_BYTES,
  LENGTH_MAX,
  readFrontierEntry,
  readHead,
  readHello,
  readLength,
  readLogId,
  readLogRanges,
  readNeedEntry,
  SIGNATURE_BYTES,
  writeFrontierEntry,
  writeHello,
  writeLogRanges,
  writeNeedEntry,
} from "./frame-parts.ts";
import {
  type CloseReason,
  type Frame,
  FRAME_BYTES_MAX,
  FRONTIER_LOGS_MAX,
  KEEP_NUMBER_MAX,
  KEEP_WORDS,
  LOGS_MAX,
} from "./frames.ts";

type KnownKind = Exclude<Frame["kind"], "unknown">;

const numberByKind: Readonly<Record<KnownKind, number>> = {
  "hello-initiator": 1,
  "hello-responder": 2,
  "proof-initiator": 3,
  "proof-responder": 4,
  held: 16,
  frontier: 17,
  need: 18,
  extension: 19,
  batch: 20,
  ack: 21,
  beat: 22,
  close: 23,
  evidence: 24,
  absent: 25,
  "evidence-nodes": 65,
  keep: 67,
};
const kindByNumber = new Map(
  Object.entries(numberByKind).map(([kind, number]) => [number, kind as KnownKind]),
);

/** Kinds from here on are hints that an older device may skip. */
const FIRST_SKIPPABLE_KIND = 64;

/** In the order of their numbers, from 1 on. */
const closeReasons: readonly CloseReason[] = [
  "done",
  "revoked",
  "not-a-member",
  "unknown-frame",
  "malformed",
  "bad-proof",
  "bad-signature",
  "unsolicited",
  "limit",
  "silent",
  "stalled",
  "replaced",
  "shutting-down",
];

const NONCE_BYTES = 32;
const KEY_BYTES = 32;

/** The frame with its size before it, ready to be sent. What breaks a limit here is a bug of the caller. */
export function encodeFrame(frame: Exclude<Frame, { kind: "unknown" }>): Uint8Array {
  const body = new ByteWriter();
  writeBody(body, frame);
  return sized(body.finish(), numberByKind[frame.kind]);
}

/** A batch frame around a batch that is already encoded, in two pieces, so that its bytes are not copied. */
export function encodeBatchFrame(encodedBatch: Uint8Array): Uint8Array[] {
  return [prefix(encodedBatch.length, numberByKind.batch), encodedBatch];
}

/**
 * Reads a frame of kind and body, as FrameSplitter gives it. Hashes and payloads are views of `bytes`.
 *
 * @throws EngineError `WIRE_UNKNOWN_KIND` for a kind that must be known, other codes with `WIRE_` for a body that is not its one
 * encoding.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes);
  const number = reader.u8();
  const kind = kindByNumber.get(number);
  if (kind === undefined) {
    if (number >= FIRST_SKIPPABLE_KIND) return { kind: "unknown", number };
    throw new EngineError("WIRE_UNKNOWN_KIND", `frames of kind ${number} are not known here`);
  }
  // The one body that is read elsewhere, since it also lies outside of frames.
  if (kind === "batch") return { kind, batch: decodeBatch(bytes.subarray(1)), size: bytes.length - 1 };
  const frame = readBody(reader, kind);
  reader.end();
  return frame;
}

/** Why a session ends over what decoding or splitting threw; anything else is thrown on. */
export function closeReasonFor(error: unknown): CloseReason {
  if (!isEngineError(error) || !error.code.startsWith("WIRE_")) throw error;
  if (error.code === "WIRE_UNKNOWN_KIND") return "unknown-frame";
  return error.code === "WIRE_LIMIT_EXCEEDED" ? "limit" : "malformed";
}

function sized(body: Uint8Array, kind: number): Uint8Array {
  const start = prefix(body.length, kind);
  const whole = new Uint8Array(start.length + body.length);
  whole.set(start);
  whole.set(body, start.length);
  return whole;
}

function prefix(bodySize: number, kind: number): Uint8Array {
  assert(bodySize + 1 <= FRAME_BYTES_MAX, "a frame to send keeps the limit");
  return new ByteWriter(4)
    .uint(bodySize + 1)
    .u8(kind)
    .finish();
}

function writeBody(writer: ByteWriter, frame: Exclude<Frame, { kind: "unknown" }>): void {
  switch (frame.kind) {
    case "hello-initiator":
      writeHello(writer, frame.hello);
      writer.raw(frame.nonce).raw(frame.selector);
      return;
    case "hello-responder":
      writeHello(writer, frame.hello);
      writer.raw(frame.nonce).raw(frame.tag);
      return;
    case "proof-initiator":
      writer.raw(frame.tag).raw(frame.account).raw(frame.device).raw(frame.signature);
      return;
    case "proof-responder":
      writer.raw(frame.device).raw(frame.signature);
      return;
    case "held":
      writer.raw(frame.digest).u8(frame.complete ? 1 : 0);
      return;
    case "frontier":
      writer.u8(frame.last ? 1 : 0).list(frame.logs, (entry) => writeFrontierEntry(writer, entry));
      return;
    case "need":
      writer.list(frame.logs, (entry) => writeNeedEntry(writer, entry));
      return;
    case "extension":
      writer.raw(idBytes(frame.head.log)).uint(frame.from).uint(frame.head.length);
      writer.raw(frame.head.root).raw(frame.head.signature);
      for (const node of frame.nodes) writer.raw(node);
      return;
    case "batch":
      writer.raw(encodeBatch(frame.batch));
      return;
    case "ack":
      writer.u8(frame.dropped ? 1 : 0).list(frame.logs, (entry) => writeLogRanges(writer, entry));
      return;
    case "beat":
      writer.raw(frame.digest).u8(frame.answerWanted ? 1 : 0);
      return;
    case "close":
      writer.u8(closeReasons.indexOf(frame.reason) + 1);
      return;
    case "evidence":
      writer.raw(idBytes(frame.heads[0].log)).uint(frame.heads[0].length);
      for (const head of frame.heads) writer.raw(head.root).raw(head.signature);
      return;
    case "absent":
      writer.list(frame.logs, (entry) => writeLogRanges(writer, entry));
      return;
    case "keep":
      writer.u8(KEEP_WORDS.indexOf(frame.word) + 1).uint(frame.number);
      writer.list(frame.logs, (entry) => writeLogRanges(writer, entry));
      return;
    case "evidence-nodes":
      writeFork(writer, { ...frame, log: frame.heads[0].log });
  }
}

function readBody(reader: ByteReader, kind: Exclude<KnownKind, "batch">): Frame {
  switch (kind) {
    case "hello-initiator":
      return {
        kind,
        hello: readHello(reader),
        nonce: reader.raw(NONCE_BYTES),
        selector: reader.raw(HASH_BYTES),
      };
    case "hello-responder":
      return { kind, hello: readHello(reader), nonce: reader.raw(NONCE_BYTES), tag: reader.raw(HASH_BYTES) };
    case "proof-initiator":
      return {
        kind,
        tag: reader.raw(HASH_BYTES),
        account: reader.raw(HASH_BYTES),
        device: reader.raw(KEY_BYTES),
        signature: reader.raw(SIGNATURE_BYTES),
      };
    case "proof-responder":
      return { kind, device: reader.raw(KEY_BYTES), signature: reader.raw(SIGNATURE_BYTES) };
    case "held":
      return { kind, digest: reader.raw(HASH_BYTES), complete: reader.flag() };
    case "frontier":
      return {
        kind,
        last: reader.flag(),
        logs: reader.list(FRONTIER_LOGS_MAX, () => readFrontierEntry(reader)),
      };
    case "need":
      return { kind, logs: reader.list(LOGS_MAX, () => readNeedEntry(reader)) };
    case "extension":
      return readExtension(reader);
    case "ack":
      return { kind, dropped: reader.flag(), logs: reader.list(LOGS_MAX, () => readLogRanges(reader)) };
    case "beat":
      return { kind, digest: reader.raw(HASH_BYTES), answerWanted: reader.flag() };
    case "close":
      return { kind, reason: readCloseReason(reader) };
    case "evidence": {
      const log = readLogId(reader);
      const length = readLength(reader);
      return { kind, heads: [readHead(reader, log, length), readHead(reader, log, length)] };
    }
    case "absent":
      return { kind, logs: reader.list(LOGS_MAX, () => readLogRanges(reader)) };
    case "keep":
      return readKeep(reader);
    case "evidence-nodes": {
      const { heads, nodes } = readFork(reader);
      if (nodes.length > 0) return { kind, heads, nodes };
      throw new EngineError("WIRE_NOT_CANONICAL", "heads of one length are evidence without nodes");
    }
  }
}

function readKeep(reader: ByteReader): Frame {
  const word = KEEP_WORDS[reader.u8() - 1];
  if (word === undefined)
    throw new EngineError("WIRE_UNKNOWN_KIND", "a word about keeping is not known here");
  const number = reader.uint(KEEP_NUMBER_MAX);
  if (word === "ask" ? number === 0 : word === "release" && number > 0)
    throw new EngineError("WIRE_NOT_CANONICAL", "an ask has a number, and a release answers none");
  const logs = reader.list(LOGS_MAX, () => readLogRanges(reader));
  // What says nothing has no encoding, so that every frame asks for something.
  if (logs.length === 0 || logs.some(({ ranges }) => ranges.length === 0))
    throw new EngineError("WIRE_NOT_CANONICAL", "a frame about keeping names nothing");
  return { kind: "keep", word, number, logs };
}

function readExtension(reader: ByteReader): Frame {
  const log = readLogId(reader);
  const from = reader.uint(LENGTH_MAX);
  const length = readLength(reader);
  if (from >= length) throw new EngineError("WIRE_NOT_CANONICAL", "an extension leads to no longer head");
  const head = readHead(reader, log, length);
  const nodes: TreeHash[] = [];
  for (let left = perfectNodeCount(from, length); left > 0; left--)
    nodes.push(reader.raw(HASH_BYTES) as TreeHash);
  return { kind: "extension", from, head, nodes };
}

function readCloseReason(reader: ByteReader): CloseReason {
  const reason = closeReasons[reader.u8() - 1];
  if (reason === undefined) throw new EngineError("WIRE_UNKNOWN_KIND", "a reason to close is not known here");
  return reason;
}
