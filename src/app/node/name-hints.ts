/**
 * What devices were called while linking, as it lies in the store until the account says their names: sealed under an epoch's key, since
 * a name never lies in the clear on a disk. Format: docs/spec/storage.md, "Small values". Tests: test/unit/app/peer-memory.test.ts.
 */
import type { DeviceId, EpochId } from "../../core/base/ids.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { concat } from "../../core/base/bytes.ts";
import { labelled, labels } from "../../core/crypto/labels.ts";
import { NONCE_BYTES, open, pad, seal, unpad } from "../../core/crypto/seal.ts";
import type { Replica } from "../replica/replica.ts";
import { decodeName, encodeName, tolerant } from "./peer-memory-codec.ts";

const EPOCH_BYTES = 32;

/** Null where this device has no key yet: a hint is not worth a name in the clear. */
export function sealNameHint(replica: Replica, device: DeviceId, name: string): Uint8Array | null {
  const { members, keys, ports } = replica;
  const epochs = members.sealing === null ? members.tips : [members.sealing, ...members.tips];
  const epoch = epochs.find((each) => keys.has(each));
  const key = epoch === undefined ? undefined : keys.key(epoch);
  if (epoch === undefined || key === undefined) return null;
  const nonce = ports.entropy.bytes(NONCE_BYTES);
  const plaintext = pad(encodeName(name));
  return concat(idBytes(epoch), seal({ key, nonce, plaintext, associated: associatedOf(replica, device) }));
}

/** Undefined for anything that `sealNameHint` did not make for this device. */
export function openNameHint(
  replica: Replica,
  device: DeviceId,
  hint: Uint8Array | undefined,
): string | undefined {
  if (hint === undefined || hint.length < EPOCH_BYTES) return undefined;
  const key = replica.keys.key(bytesToId<EpochId>(hint.subarray(0, EPOCH_BYTES)));
  if (key === undefined) return undefined;
  const sealed = hint.subarray(EPOCH_BYTES);
  const padded = open({ key, sealed, associated: associatedOf(replica, device) });
  return tolerant(padded === undefined ? undefined : unpad(padded), decodeName);
}

function associatedOf({ account }: Replica, device: DeviceId): Uint8Array {
  return labelled(labels.nameHint, idBytes(account), idBytes(device));
}
