/**
 * How a device's part of an account begins: a new account with its recovery phrase, or the first entries of a device that was admitted.
 * Rules: docs/spec/membership.md; engine, sections 1 and 11.
 */
import type { AccountId, DeviceId } from "../../core/base/ids.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import type { Entropy, Workers } from "../../core/base/ports.ts";
import { createOpenKey } from "../../core/crypto/async/wrap.ts";
import { accountIdOf, logIdOf } from "../../core/crypto/derive.ts";
import { entropyToPhrase, rootKeysFromPhraseEntropy } from "../../core/crypto/phrase.ts";
import { createSigningKey } from "../../core/crypto/sign.ts";
import { encodeGenesis } from "../../core/membership/operation.ts";
import type { ControlBody } from "../../core/membership/types.ts";
import type { DeviceSecrets } from "../../core/sync/ports.ts";
import { mintEpoch } from "./key-ring.ts";
import type { Replica } from "./replica.ts";

const SEED_BYTES = 32;
const SALT_BYTES = 16;
const ID_BYTES = 16;

export interface FoundingPorts {
  readonly entropy: Entropy;
  readonly workers: Workers;
}

/** A new account on paper: nothing of it is stored yet. */
export interface Founding {
  readonly secrets: DeviceSecrets;
  readonly phrase: string;
  readonly genesis: ControlBody;
  readonly rootOpen: Uint8Array;
}

/** Fresh keys for a device, of no account yet. */
export async function createDeviceKeys({ entropy, workers }: FoundingPorts): Promise<{
  readonly signSeed: Uint8Array;
  readonly openSeed: Uint8Array;
  readonly device: DeviceId;
  readonly openKey: Uint8Array;
}> {
  const signSeed = entropy.bytes(SEED_BYTES);
  const openSeed = entropy.bytes(SEED_BYTES);
  const device = bytesToId<DeviceId>(createSigningKey(signSeed).publicKey);
  const { publicKey: openKey } = await workers.run(() => createOpenKey(openSeed));
  return { signSeed, openSeed, device, openKey };
}

/** The genesis of a new account with this device as its first. The phrase stays in the secrets until it was shown once. */
export async function foundAccount(ports: FoundingPorts): Promise<Founding> {
  const { entropy, workers } = ports;
  const keys = await createDeviceKeys(ports);
  const phraseEntropy = entropy.bytes(SEED_BYTES);
  const root = rootKeysFromPhraseEntropy(phraseEntropy);
  const { publicKey: rootOpen } = await workers.run(() => createOpenKey(root.rootOpenSeed));
  const genesis: ControlBody = {
    kind: "genesis",
    rootSign: root.rootSign.publicKey,
    rootOpen,
    device: keys.device,
    openKey: keys.openKey,
    salt: entropy.bytes(SALT_BYTES),
  };
  const account: AccountId = accountIdOf(encodeGenesis(genesis));
  return {
    secrets: {
      signSeed: keys.signSeed,
      openSeed: keys.openSeed,
      account: idBytes(account),
      device: keys.device,
      unseenPhrase: phraseEntropy,
    },
    phrase: entropyToPhrase(phraseEntropy),
    genesis,
    rootOpen,
  };
}

/** Writes the first entries of a new account: genesis, this device's logs, the first epoch, the device's name. */
export async function writeFounding(replica: Replica, founding: Founding, name: string): Promise<void> {
  const { entropy } = replica.ports;
  const { self, account, keys } = replica;
  const indexKey = entropy.bytes(SEED_BYTES);
  const secret = mintEpoch(entropy);
  keys.add(indexKey, [secret]);
  const forSelf = await keys.wrapEpochFor(
    { recipient: idBytes(self), openKey: keys.openPublicKey },
    account,
    [secret],
    entropy,
  );
  const forRoot = await keys.wrapEpochFor(
    {
      recipient: founding.genesis.kind === "genesis" ? founding.genesis.rootSign : idBytes(self),
      openKey: founding.rootOpen,
    },
    account,
    [secret],
    entropy,
  );
  await replica.writer.appendControl([
    founding.genesis,
    { kind: "open-log", incarnation: 0, continues: [] },
    {
      kind: "epoch",
      epoch: secret.epoch,
      custody: "synced",
      tips: [],
      recipients: [{ device: self, sealed: forSelf }],
      rootSealed: forRoot,
    },
  ]);
  await writeDeviceName(replica, self, name);
}

/** The first entry of an admitted device's own control log, once; not while it may be among those that are lost here. */
export async function openOwnLogs(replica: Replica): Promise<void> {
  const own = replica.members.devices.get(replica.self);
  if (own === undefined || own.incarnations.length > 0 || replica.ledger.lost.size > 0) return;
  await replica.writer.appendControl([{ kind: "open-log", incarnation: 0, continues: [] }]);
}

/**
 * New logs for this device, because its own may be longer than they seem here: written on, they would say two things at one position. The
 * former ones are no longer written, and what is missing of them comes from other devices.
 */
export async function openNextIncarnation(replica: Replica): Promise<void> {
  const { members, self, account, frontier } = replica;
  const current = members.devices.get(self)?.incarnations.at(-1);
  if (current === undefined) return;
  const continues = (["control", "state", "messages"] as const).flatMap((logClass) => {
    const log = logIdOf({ account, device: self, incarnation: current, logClass });
    const head = frontier.get(log)?.head;
    return head === undefined ? [] : [{ log, length: head.length, root: head.root }];
  });
  await replica.writer.appendControl([{ kind: "open-log", incarnation: current + 1, continues }]);
}

/** Names a device for all devices of the account. */
export async function writeDeviceName(replica: Replica, device: DeviceId, name: string): Promise<void> {
  const id = bytesToId<never>(replica.ports.entropy.bytes(ID_BYTES));
  await replica.writer.append([
    { id, author: replica.self, stamp: null, body: { kind: "device-name", device, name } },
  ]);
}
