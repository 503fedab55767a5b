/** A new epoch of the content key, as a device announces it. */
import { equal } from "node:assert/strict";
import { idBytes } from "../../src/core/base/ids.ts";
import { mintEpoch } from "../../src/app/replica/key-ring.ts";
import type { TestDevice } from "./replicas.ts";

/** A device seals under a new epoch from now on, whose key the others have with its control log. */
export async function announceEpoch(device: TestDevice): Promise<void> {
  const { replica, entropy } = device;
  const secret = mintEpoch(entropy);
  const tips = replica.members.tips;
  const sealed = new Map<string, Uint8Array>();
  for (const { device: to, openKey } of replica.members.devices.values()) {
    const recipient = { recipient: idBytes(to), openKey };
    sealed.set(to, await replica.keys.wrapEpochFor(recipient, replica.account, [secret], entropy));
  }
  replica.keys.add(replica.keys.indexKey!, [secret]);
  await replica.writer.appendControl([
    {
      kind: "epoch",
      epoch: secret.epoch,
      custody: "synced",
      tips,
      recipients: [...sealed]
        .map(([to, bytes]) => ({ device: to as never, sealed: bytes }))
        .toSorted((a, b) => (a.device < b.device ? -1 : 1)),
      rootSealed: null,
    },
  ]);
  equal(replica.members.sealing, secret.epoch);
}
