/**
 * What a wrap holds and what binds it to its place. Wrapping and opening themselves: core/crypto/async/wrap.ts.
 * Spec: docs/spec/membership.md, "Wrap". Tests: test/unit/membership/wrap.test.ts.
 */
import { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { assert, EngineError, isEngineError } from "../base/errors.ts";
import { bytesToId, idBytes } from "../base/ids.ts";
import type { AccountId, EpochId } from "../base/ids.ts";
import { EPOCH_KEY_BYTES, epochIdOf, INDEX_KEY_BYTES } from "../crypto/derive.ts";
import { labelled, labels } from "../crypto/labels.ts";

/** The wrapped epoch and at most 64 tips that its author knew. */
export const EPOCHS_PER_WRAP_MAX = 65;
const ID_BYTES = 32;
const DISCOVERY_KEY_BYTES = 32;
/** Public keys of root-open and of devices alike. */
const RECIPIENT_BYTES = 32;

/** The secrets of one epoch. */
export interface EpochSecret {
  readonly epoch: EpochId;
  readonly key: Uint8Array;
  readonly discoveryKey: Uint8Array;
}

/** The plaintext of a wrap. */
export interface WrapSecrets {
  readonly indexKey: Uint8Array;
  /** The wrapped epoch first, then the tips that its author knew. */
  readonly epochs: readonly EpochSecret[];
}

export function encodeSecrets({ indexKey, epochs }: WrapSecrets): Uint8Array {
  assert(indexKey.length === INDEX_KEY_BYTES, "an index key has 32 bytes");
  assert(epochs.length > 0 && epochs.length <= EPOCHS_PER_WRAP_MAX, "a wrap holds 1 to 65 epochs");
  const writer = new ByteWriter();
  writer.raw(indexKey).list(epochs, ({ epoch, key, discoveryKey }) => {
    assert(epochIdOf(key) === epoch, "an epoch's id is the hash of its key");
    assert(discoveryKey.length === DISCOVERY_KEY_BYTES, "a discovery key has 32 bytes");
    writer.raw(idBytes(epoch)).raw(key).raw(discoveryKey);
  });
  return writer.finish();
}

/**
 * The secrets of an opened wrap, in memory of their own. Undefined where the format is broken or a key is not its
 * epoch's: a member that wraps nonsense, or another key under an epoch's name (threat K8), gets nothing stored.
 */
export function decodeSecrets(plaintext: Uint8Array): WrapSecrets | undefined {
  try {
    return readSecrets(new ByteReader(plaintext.slice()));
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

/** HPKE's info: the wrap opens for this recipient, of this account, as this epoch, and as nothing else. */
export function wrapInfo(input: {
  readonly account: AccountId;
  readonly epoch: EpochId;
  /** The recipient's device key, or root-sign for the recovery phrase. */
  readonly recipient: Uint8Array;
  /** HPKE suite: 1 is X25519. */
  readonly suite: number;
}): Uint8Array {
  assert(input.recipient.length === RECIPIENT_BYTES, "a recipient's key has 32 bytes");
  return labelled(
    labels.wrapInfo,
    idBytes(input.account),
    idBytes(input.epoch),
    input.recipient,
    Uint8Array.of(input.suite),
  );
}

function readSecrets(reader: ByteReader): WrapSecrets | undefined {
  const indexKey = reader.raw(INDEX_KEY_BYTES);
  const epochs = reader.list(EPOCHS_PER_WRAP_MAX, () => ({
    epoch: bytesToId<EpochId>(reader.raw(ID_BYTES)),
    key: reader.raw(EPOCH_KEY_BYTES),
    discoveryKey: reader.raw(DISCOVERY_KEY_BYTES),
  }));
  reader.end();
  if (epochs.length === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a wrap holds no epoch");
  return epochs.every(({ epoch, key }) => epochIdOf(key) === epoch) ? { indexKey, epochs } : undefined;
}
