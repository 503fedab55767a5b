/**
 * What devices were called while linking, as it lies in the store until the account says their names.
 * Format: docs/spec/storage.md, "Small values". Tests: test/unit/app/peer-memory.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { idBytes } from "../../core/base/ids.ts";
import { labelled, labels } from "../../core/crypto/labels.ts";
import type { Replica } from "../replica/replica.ts";
import { decodeName, encodeName, tolerant } from "./peer-memory-codec.ts";
import { openValue, sealValue } from "./sealed-value.ts";

/** Null where this device has no key yet: a hint is not worth a name in the clear. */
export function sealNameHint(replica: Replica, device: DeviceId, name: string): Uint8Array | null {
  return sealValue(replica, encodeName(name), associatedOf(replica, device));
}

/** Undefined for anything that `sealNameHint` did not make for this device. */
export function openNameHint(
  replica: Replica,
  device: DeviceId,
  hint: Uint8Array | undefined,
): string | undefined {
  return tolerant(openValue(replica, hint, associatedOf(replica, device)), decodeName);
}

function associatedOf({ account }: Replica, device: DeviceId): Uint8Array {
  return labelled(labels.nameHint, idBytes(account), idBytes(device));
}
