/**
 * The group arithmetic and strings of CPace over ristretto255 with SHA-512 (suite CPACE-RISTR255-SHA512 of
 * draft-irtf-cfrg-cpace-21, sections 6 to 8.3). The exchange built on it: password-exchange.ts, its only importer.
 * Not constant in time as native code is (big integers of the language); a share is made once per code that a person
 * typed or was shown, so an observer has single measurements. Tests: test/unit/crypto/password-exchange.test.ts.
 */
import { hash } from "node:crypto";
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { ByteWriter } from "../base/byte-writer.ts";
import { concat, utf8 } from "../base/bytes.ts";
import { EngineError } from "../base/errors.ts";
import { requireKeySize } from "./key-size.ts";

const { Point } = ristretto255;

const GROUP_NAME = utf8("CPaceRistretto255");
const KEY_NAME = utf8("CPaceRistretto255_ISK");
/** SHA-512 reads its input in blocks of this size. */
const HASH_BLOCK_BYTES = 128;
const SCALAR_BYTES = 32;
export const SCALAR_SEED_BYTES = 64;

/**
 * Section 8.3, calculate_generator: the point that only those find who know the password; encoded, 32 bytes.
 * The zeroes fill the first hash block, so that the time does not depend on the password's length (section 8.1).
 */
export function calculateGenerator(
  password: Uint8Array,
  channel: Uint8Array,
  sessionId: Uint8Array,
): Uint8Array {
  const before = lengthValues(GROUP_NAME, password).length;
  const zeroes = new Uint8Array(Math.max(0, HASH_BLOCK_BYTES - before - 1));
  const text = lengthValues(GROUP_NAME, password, zeroes, channel, sessionId);
  return ristretto255_hasher.deriveToCurve!(sha512(text)).toBytes();
}

/**
 * Section 8.3, sample_scalar: 64 random bytes reduced modulo the group's order, so uniform; 32 bytes, little-endian.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a seed of another length, or one that gives 0.
 */
export function seedToScalar(seed: Uint8Array): Uint8Array {
  requireKeySize(seed, SCALAR_SEED_BYTES, "a scalar's seed");
  const scalar = Point.Fn.create(bytesToNumberLE(seed));
  if (scalar === 0n) throw new EngineError("CRYPTO_KEY_INVALID", "a scalar is zero");
  return numberToBytesLE(scalar, SCALAR_BYTES);
}

/**
 * Section 8.3, scalar_mult_vfy: `scalar * point`, encoded; undefined for bytes that are no canonical encoding of a point,
 * for the identity, and where the result is the identity.
 */
export function multiplyVerified(scalar: Uint8Array, point: Uint8Array): Uint8Array | undefined {
  const decoded = decodePoint(point);
  if (decoded === undefined) return undefined;
  const product = decoded.multiply(bytesToNumberLE(scalar));
  return product.is0() ? undefined : product.toBytes();
}

/** Section 7.2: the intermediate session key, with transcript_ir of section 6.3 (initiator's part first); 64 bytes. */
export function sessionKey(input: {
  readonly sessionId: Uint8Array;
  readonly shared: Uint8Array;
  readonly initiator: { readonly share: Uint8Array; readonly associated: Uint8Array };
  readonly responder: { readonly share: Uint8Array; readonly associated: Uint8Array };
}): Uint8Array {
  const { sessionId, shared, initiator, responder } = input;
  return sha512(
    concat(
      lengthValues(KEY_NAME, sessionId, shared),
      lengthValues(initiator.share, initiator.associated),
      lengthValues(responder.share, responder.associated),
    ),
  );
}

function decodePoint(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(bytes);
  } catch {
    // The library's way to say that the bytes are not 32, or encode no point in its one form.
    return undefined;
  }
}

/** Section 6, lv_cat: each part behind its length as LEB128. */
function lengthValues(...parts: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const part of parts) writer.blob(part);
  return writer.finish();
}

function sha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash("sha512", bytes, "buffer"));
}
