/**
 * The content keys that this device holds: epochs, discovery keys and the index key, unwrapped from the control logs.
 * Keeps them in memory only; on disk they exist as wraps. Format: docs/spec/membership.md, "Wrap".
 * Tests: test/integration/app/replica.test.ts.
 */
import type { DeviceId, EpochId } from "../../core/base/ids.ts";
import type { Entropy, Workers } from "../../core/base/ports.ts";
import { idBytes } from "../../core/base/ids.ts";
import {
  createOpenKey,
  type OpenKey,
  unwrap,
  wrap,
  WRAP_RANDOM_BYTES,
} from "../../core/crypto/async/wrap.ts";
import { epochIdOf } from "../../core/crypto/derive.ts";
import type { MemberView, Wrap } from "../../core/membership/types.ts";
import {
  decodeSecrets,
  encodeSecrets,
  EPOCHS_PER_WRAP_MAX,
  type EpochSecret,
  wrapInfo,
} from "../../core/membership/wrap.ts";
import { DISCOVERY_KEYS_MAX } from "../../core/sync/handshake.ts";
import { assert } from "../../core/base/errors.ts";

/** HPKE suite of version 1; stands in the info of each wrap. */
const SUITE = 1;

/** Half of all that is answered: a member can announce any number of epochs, and must not displace what two others both know. */
const TIPS_ANSWERED_MAX = DISCOVERY_KEYS_MAX / 2;

export class KeyRing {
  readonly #self: DeviceId;
  readonly #openKey: OpenKey;
  readonly #workers: Workers;
  readonly #epochs = new Map<EpochId, EpochSecret>();
  readonly #opened = new Set<string>();
  #indexKey: Uint8Array | null = null;

  private constructor(self: DeviceId, openKey: OpenKey, workers: Workers) {
    this.#self = self;
    this.#openKey = openKey;
    this.#workers = workers;
  }

  static async open(self: DeviceId, openSeed: Uint8Array, workers: Workers): Promise<KeyRing> {
    return new KeyRing(self, await workers.run(() => createOpenKey(openSeed)), workers);
  }

  get openPublicKey(): Uint8Array {
    return this.#openKey.publicKey;
  }

  /** Constant for the account; null until the first wrap was opened. */
  get indexKey(): Uint8Array | null {
    return this.#indexKey;
  }

  key(epoch: EpochId): Uint8Array | undefined {
    return this.#epochs.get(epoch)?.key;
  }

  has(epoch: EpochId): boolean {
    return this.#epochs.has(epoch);
  }

  /**
   * The epoch to seal under: that of the view, or where its key is not here, since a member may announce one and give the key to
   * nobody, another one that is as fit. Null: this device cannot write yet.
   */
  sealingEpoch(view: MemberView): EpochId | null {
    const fit = [...view.epochs.values()].filter(({ isFit }) => isFit).map(({ epoch }) => epoch);
    const order = view.sealing === null ? fit : [view.sealing, ...fit];
    return order.find((epoch) => this.#epochs.has(epoch)) ?? null;
  }

  /** Takes in secrets that came by other ways than a wrap: made here, or given while linking. */
  add(indexKey: Uint8Array, epochs: readonly EpochSecret[]): void {
    this.#indexKey ??= indexKey;
    // The first word stands: an epoch's id binds its key and not its discovery key, so another member could replace that one.
    for (const secret of epochs) if (!this.#epochs.has(secret.epoch)) this.#epochs.set(secret.epoch, secret);
  }

  /** Opens the wraps in the view that are addressed to this device and new; true where keys came of it. */
  async absorb(view: MemberView): Promise<boolean> {
    let came = false;
    for (const { epoch, sealed, by } of view.wrapsFor(this.#self)) {
      if (this.#opened.has(`${by}:${epoch}`)) continue;
      this.#opened.add(`${by}:${epoch}`);
      const info = wrapInfo({ account: view.account, epoch, recipient: idBytes(this.#self), suite: SUITE });
      const { secretKey } = this.#openKey;
      const plaintext = await this.#workers.run(() => unwrap({ secretKey, info, sealed }));
      // A member that wraps badly harms nobody but the reader of its epoch; another wrap may still come.
      const secrets = plaintext === undefined ? undefined : decodeSecrets(plaintext);
      if (secrets === undefined) continue;
      for (const secret of secrets.epochs) if (!this.#epochs.has(secret.epoch)) came = true;
      this.add(secrets.indexKey, secrets.epochs);
    }
    return came;
  }

  /** Discovery keys: the one in use first, then those of some tips, then older ones that are still answered, oldest first. */
  discoveryKeys(view: MemberView): readonly Uint8Array[] {
    const first = view.sealing ?? view.tips[0] ?? null;
    const tips = view.tips.slice(0, TIPS_ANSWERED_MAX);
    const order = [...(first === null ? [] : [first]), ...tips, ...this.#epochs.keys()];
    const keys = new Map<string, Uint8Array>();
    for (const epoch of order) {
      const secret = this.#epochs.get(epoch);
      if (secret !== undefined) keys.set(secret.discoveryKey.join(), secret.discoveryKey);
    }
    return [...keys.values()].slice(0, DISCOVERY_KEYS_MAX);
  }

  /** All that this device knows, wrapped for another: the tips first, so that each is a wrap of its own epoch. */
  async wrapAllFor(
    recipient: { readonly device: DeviceId; readonly openKey: Uint8Array },
    view: MemberView,
    entropy: Entropy,
  ): Promise<readonly Wrap[]> {
    const tips = view.tips.filter((tip) => this.#epochs.has(tip));
    const older = [...this.#epochs.keys()].filter((epoch) => !tips.includes(epoch));
    const wraps: Wrap[] = [];
    const rest = [...older];
    for (const tip of tips.length > 0 ? tips : rest.splice(0, 1)) {
      wraps.push(
        await this.#wrapFor(recipient, view, [tip, ...rest.splice(0, EPOCHS_PER_WRAP_MAX - 1)], entropy),
      );
    }
    while (rest.length > 0) {
      wraps.push(await this.#wrapFor(recipient, view, rest.splice(0, EPOCHS_PER_WRAP_MAX), entropy));
    }
    return wraps;
  }

  /** A wrap of one new epoch and its tips for each recipient. */
  async wrapEpochFor(
    recipient: { readonly recipient: Uint8Array; readonly openKey: Uint8Array },
    account: MemberView["account"],
    secrets: readonly EpochSecret[],
    entropy: Entropy,
  ): Promise<Uint8Array> {
    const first = secrets[0];
    assert(first !== undefined && this.#indexKey !== null, "there is something to wrap");
    const input = {
      recipientPublicKey: recipient.openKey,
      info: wrapInfo({ account, epoch: first.epoch, recipient: recipient.recipient, suite: SUITE }),
      plaintext: encodeSecrets({ indexKey: this.#indexKey, epochs: secrets }),
      ekm: entropy.bytes(WRAP_RANDOM_BYTES),
    };
    return this.#workers.run(() => wrap(input));
  }

  async #wrapFor(
    recipient: { readonly device: DeviceId; readonly openKey: Uint8Array },
    view: MemberView,
    epochs: readonly EpochId[],
    entropy: Entropy,
  ): Promise<Wrap> {
    const secrets = epochs.map((epoch) => this.#epochs.get(epoch)!);
    const sealed = await this.wrapEpochFor(
      { recipient: idBytes(recipient.device), openKey: recipient.openKey },
      view.account,
      secrets,
      entropy,
    );
    return { epoch: epochs[0]!, sealed };
  }
}

/** A fresh epoch: its key, its id, and the discovery key it carries (a new one, or the one in use). */
export function mintEpoch(entropy: Entropy, discoveryKey: Uint8Array = entropy.bytes(32)): EpochSecret {
  const key = entropy.bytes(32);
  return { epoch: epochIdOf(key), key, discoveryKey };
}
