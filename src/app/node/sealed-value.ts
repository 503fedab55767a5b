/**
 * Small values beside the logs that hold something a person wrote: sealed under an epoch's key, since no text or name lies in the clear on
 * a disk. Format: docs/spec/storage.md, "Small values". Tests: test/unit/app/peer-memory.test.ts, settings.test.ts.
 */
import { concat } from "../../core/base/bytes.ts";
import type { EpochId } from "../../core/base/ids.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { NONCE_BYTES, open, pad, seal, unpad } from "../../core/crypto/seal.ts";
import type { Replica } from "../replica/replica.ts";

const EPOCH_BYTES = 32;

/** Null where this device has no key yet. */
export function sealValue(
  { members, keys, ports }: Replica,
  plaintext: Uint8Array,
  associated: Uint8Array,
): Uint8Array | null {
  const epoch = keys.sealingEpoch(members) ?? members.tips.find((tip) => keys.has(tip)) ?? null;
  const key = epoch === null ? undefined : keys.key(epoch);
  if (epoch === null || key === undefined) return null;
  const nonce = ports.entropy.bytes(NONCE_BYTES);
  return concat(idBytes(epoch), seal({ key, nonce, plaintext: pad(plaintext), associated }));
}

/** Undefined for anything that `sealValue` did not make here with the same associated bytes. */
export function openValue(
  { keys }: Replica,
  value: Uint8Array | undefined,
  associated: Uint8Array,
): Uint8Array | undefined {
  if (value === undefined || value.length < EPOCH_BYTES) return undefined;
  const key = keys.key(bytesToId<EpochId>(value.subarray(0, EPOCH_BYTES)));
  if (key === undefined) return undefined;
  const padded = open({ key, sealed: value.subarray(EPOCH_BYTES), associated });
  return padded === undefined ? undefined : unpad(padded);
}
