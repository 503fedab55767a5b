/**
 * Encodes and decodes control operations, and binds the recovery phrase's signature to one. Decides nothing about them.
 * Spec: docs/spec/membership.md. Tests: test/unit/membership/operation.test.ts, vectors in test/vectors/membership.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { assert, EngineError, isEngineError } from "../base/errors.ts";
import { bytesToId, idBytes } from "../base/ids.ts";
import type { AccountId, ControlId, DeviceId } from "../base/ids.ts";
import { labelled, labels } from "../crypto/labels.ts";
import { sign, verify } from "../crypto/sign.ts";
import { compareIds, kindNumbers, readAscending, readBody, writeBody } from "./body-codec.ts";
import type { BodyOf, ControlOperation } from "./types.ts";

/** Control heads that an operation may name. */
export const PARENTS_MAX = 64;
const VERSION = 1;
const KIND_MAX = 65_535;
const SIGNATURE_BYTES = 64;
const ID_BYTES = 32;

/** What a root signature is over, and for whom: nobody can move it to another account, device or place in the history. */
export interface RootSigned {
  readonly account: AccountId;
  /** The device in whose control log the operation stands. */
  readonly author: DeviceId;
  readonly operation: ControlOperation;
}

/**
 * What stands at the place of an entry whose payload cannot be read: not in the clear, purged, or refused by
 * `decodeControl`. The entry keeps its place, so that later ones of its log still follow it.
 */
export const unreadableOperation: ControlOperation = {
  parents: [],
  rootSignature: null,
  body: { kind: "unknown", number: 0 },
};

/** The payload of a control entry. Lists are written in ascending order; an operation of an unknown kind has no encoding. */
export function encodeControl(operation: ControlOperation): Uint8Array {
  const { body, rootSignature } = operation;
  assert(body.kind !== "unknown", "an operation of an unknown kind is relayed as it came");
  const writer = new ByteWriter();
  writer.u8(VERSION).uint(kindNumbers[body.kind]);
  writer.u8(rootSignature === null ? 0 : 1);
  if (rootSignature !== null) {
    assert(rootSignature.length === SIGNATURE_BYTES, "a root signature has 64 bytes");
    writer.raw(rootSignature);
  }
  writeParents(writer, operation.parents);
  writeBody(writer, body);
  return writer.finish();
}

/**
 * The operation of a payload. A kind that this version does not know has its parents and no body; of a newer version
 * nothing is read.
 *
 * @throws EngineError with a code that begins with `WIRE_` for anything that the specification does not allow.
 */
export function decodeControl(payload: Uint8Array): ControlOperation {
  try {
    return readControl(new ByteReader(payload));
  } catch (cause) {
    if (!isEngineError(cause, "TEXT_NOT_UTF8")) throw cause;
    throw new EngineError("WIRE_NOT_CANONICAL", "a text is not well-formed UTF-8", { cause });
  }
}

/** The body of a `genesis` alone: what the account's id is the hash of. */
export function encodeGenesis(body: BodyOf<"genesis">): Uint8Array {
  const writer = new ByteWriter();
  writeBody(writer, body);
  return writer.finish();
}

/** The bytes that root-sign signs. A signature that the operation may carry already is no part of them. */
export function rootSigningBytes({ account, author, operation }: RootSigned): Uint8Array {
  const { body } = operation;
  assert(body.kind !== "unknown", "nobody signs an operation of an unknown kind");
  const writer = new ByteWriter();
  writer.uint(kindNumbers[body.kind]);
  writeParents(writer, operation.parents);
  writeBody(writer, body);
  return labelled(labels.rootOperation, idBytes(account), idBytes(author), writer.finish());
}

/** The operation with the recovery phrase's signature. `key` is root-sign. */
export function signByRoot(
  signed: RootSigned & { readonly key: Parameters<typeof sign>[0] },
): ControlOperation {
  return { ...signed.operation, rootSignature: sign(signed.key, rootSigningBytes(signed)) };
}

/** Whether the operation carries `rootSign`'s signature. */
export function isSignedByRoot(signed: RootSigned, rootSign: Uint8Array): boolean {
  const { rootSignature, body } = signed.operation;
  if (rootSignature === null || body.kind === "unknown") return false;
  return verify(rootSign, rootSigningBytes(signed), rootSignature);
}

function readControl(reader: ByteReader): ControlOperation {
  const version = reader.u8();
  if (version === 0) throw new EngineError("WIRE_NOT_CANONICAL", "version 0 was never given");
  if (version > VERSION) return unreadableOperation;
  const number = reader.uint(KIND_MAX);
  if (number === 0) throw new EngineError("WIRE_NOT_CANONICAL", "kind 0 was never given");
  const rootSignature = reader.flag() ? reader.raw(SIGNATURE_BYTES) : null;
  const parents = readAscending(reader, PARENTS_MAX, compareIds, () =>
    bytesToId<ControlId>(reader.raw(ID_BYTES)),
  );
  const body = readBody(reader, number);
  reader.end();
  return { parents, rootSignature, body };
}

function writeParents(writer: ByteWriter, parents: readonly ControlId[]): void {
  assert(parents.length <= PARENTS_MAX, "an operation names at most 64 parents");
  writer.list(parents.toSorted(compareIds), (parent) => void writer.raw(idBytes(parent)));
}
