/** Keys that a device holds, and how they come to another one: wrapped in control entries, opened from the view. */
import { deepEqual, equal } from "node:assert/strict";
import type { DeviceId, EpochId } from "../../../src/core/base/ids.ts";
import { bytesToId, idBytes } from "../../../src/core/base/ids.ts";
import type { Entropy } from "../../../src/core/base/ports.ts";
import type { MemberView } from "../../../src/core/membership/types.ts";
import {
  encodeSecrets,
  EPOCHS_PER_WRAP_MAX,
  type EpochSecret,
  wrapInfo,
} from "../../../src/core/membership/wrap.ts";
import { wrap, WRAP_RANDOM_BYTES } from "../../../src/core/crypto/async/wrap.ts";
import { machineWorkers } from "../../../src/app/node/platform.ts";
import { KeyRing, mintEpoch } from "../../../src/app/replica/key-ring.ts";
import { bytesOf, deviceOf, TestAccount } from "../../support/membership.ts";
import { testBytes } from "../../support/logs.ts";

const account = TestAccount.of("a", "b");
const indexKey = bytesOf("index key");

/** A view in which only what a key ring looks at is set. */
function viewOf(
  wraps: readonly { readonly epoch: EpochId; readonly sealed: Uint8Array; readonly by?: DeviceId }[],
  more: Partial<MemberView> = {},
): MemberView {
  return {
    ...account.view(),
    tips: [],
    sealing: null,
    wrapsFor: (device) =>
      device === deviceOf("b") ? wraps.map((each) => ({ by: deviceOf("a"), ...each })) : [],
    ...more,
  } as MemberView;
}

let seed = 0;
const entropy: Entropy = { bytes: (size) => testBytes(++seed, size) };
const ring = (name: string): Promise<KeyRing> =>
  KeyRing.open(deviceOf(name), bytesOf(`open seed ${name}`), machineWorkers);
const mint = (count: number): readonly EpochSecret[] =>
  Array.from({ length: count }, () => mintEpoch(entropy));

describe("The key ring", () => {
  it("C4: answers to the oldest discovery key, however many epochs a member announces since", async () => {
    const b = await ring("b");
    const [oldest, ...many] = mint(40) as [EpochSecret, ...EpochSecret[]];
    b.add(indexKey, [oldest, ...many]);
    const tips = many.map(({ epoch }) => epoch);
    const answered = b.discoveryKeys(viewOf([], { tips, sealing: tips[20]! }));
    deepEqual(answered[0], many[20]!.discoveryKey);
    equal(answered.includes(oldest.discoveryKey), true);
    equal(answered.length, 8);
  });

  it("C10: keeps an epoch's discovery key as it came first, whatever another member wraps under its name", async () => {
    const [a, b] = [await ring("a"), await ring("b")];
    const [epoch] = mint(1) as [EpochSecret];
    b.add(indexKey, [epoch]);
    a.add(indexKey, [{ ...epoch, discoveryKey: bytesOf("another") }]);
    const tips = [epoch.epoch];
    const wraps = await a.wrapAllFor(
      { device: deviceOf("b"), openKey: b.openPublicKey },
      viewOf([], { tips }),
      entropy,
    );
    const view = viewOf(wraps, { tips });
    equal(await b.absorb(view), false);
    deepEqual(b.discoveryKeys(view), [epoch.discoveryKey]);
  });

  it("gives another device all that it has, in as few wraps as the limit allows", async () => {
    const [a, b] = [await ring("a"), await ring("b")];
    const epochs = mint(EPOCHS_PER_WRAP_MAX * 2 + 3);
    a.add(indexKey, epochs);
    const tips = [epochs.at(-1)!.epoch, epochs.at(-2)!.epoch];
    const view = viewOf([], { tips });
    const wraps = await a.wrapAllFor({ device: deviceOf("b"), openKey: b.openPublicKey }, view, entropy);
    equal(wraps.length, 3);
    deepEqual(
      wraps.slice(0, 2).map(({ epoch }) => epoch),
      tips,
    );
    equal(b.indexKey, null);
    equal(await b.absorb(viewOf(wraps)), true);
    deepEqual(b.indexKey, indexKey);
    for (const { epoch, key } of epochs) deepEqual(b.key(epoch), key);
    equal(await b.absorb(viewOf(wraps)), false, "the second time nothing is new");
  });

  it("wraps also where none of its keys is a tip", async () => {
    const [a, b] = [await ring("a"), await ring("b")];
    const epochs = mint(2);
    a.add(indexKey, epochs);
    const wraps = await a.wrapAllFor(
      { device: deviceOf("b"), openKey: b.openPublicKey },
      viewOf([]),
      entropy,
    );
    equal(wraps.length, 1);
    equal(await b.absorb(viewOf(wraps)), true);
    for (const { epoch } of epochs) equal(b.has(epoch), true);
  });

  it("C10: ignores what was wrapped for another, for another account or as another epoch", async () => {
    const [a, b] = [await ring("a"), await ring("b")];
    const [secret, other] = mint(2) as [EpochSecret, EpochSecret];
    a.add(indexKey, [secret, other]);
    const openKey = b.openPublicKey;
    const forOther = await a.wrapEpochFor(
      { recipient: idBytes(deviceOf("c")), openKey },
      account.id,
      [secret],
      entropy,
    );
    const ofOther = await a.wrapEpochFor(
      { recipient: idBytes(deviceOf("b")), openKey },
      bytesToId(bytesOf("another account")),
      [secret],
      entropy,
    );
    const asOther = await a.wrapEpochFor(
      { recipient: idBytes(deviceOf("b")), openKey },
      account.id,
      [other],
      entropy,
    );
    for (const sealed of [forOther, ofOther, asOther]) {
      equal(
        await b.absorb(viewOf([{ epoch: secret.epoch, sealed, by: bytesToId(entropy.bytes(32)) }])),
        false,
      );
    }
    equal(b.has(secret.epoch), false);
    equal(b.indexKey, null);
  });

  it("K8: nonsense that a member wrapped harms nobody, and a good wrap of the same epoch still opens", async () => {
    const [a, b] = [await ring("a"), await ring("b")];
    const [secret, other] = mint(2) as [EpochSecret, EpochSecret];
    a.add(indexKey, [secret]);
    const info = wrapInfo({
      account: account.id,
      epoch: secret.epoch,
      recipient: idBytes(deviceOf("b")),
      suite: 1,
    });
    const wrapped = (plaintext: Uint8Array): Promise<Uint8Array> =>
      wrap({ recipientPublicKey: b.openPublicKey, info, plaintext, ekm: entropy.bytes(WRAP_RANDOM_BYTES) });
    const right = encodeSecrets({ indexKey, epochs: [secret] });
    const swapped = right.slice();
    // Another key under the epoch's name.
    swapped.set(other.key, 32 + 1 + 32);
    const bad = [
      new Uint8Array(0),
      new Uint8Array(10),
      testBytes(1, 200),
      await wrapped(new Uint8Array(0)),
      await wrapped(right.subarray(0, 60)),
      await wrapped(swapped),
    ];
    for (const [at, sealed] of bad.entries()) {
      equal(await b.absorb(viewOf([{ epoch: secret.epoch, sealed, by: deviceOf(`liar ${at}`) }])), false);
    }
    equal(b.has(secret.epoch), false);
    const sealed = await wrapped(right);
    equal(await b.absorb(viewOf([{ epoch: secret.epoch, sealed }])), true);
    deepEqual(b.key(secret.epoch), secret.key);
  });

  it("answers to the discovery key in use first, then to the older ones, each once", async () => {
    const b = await ring("b");
    const [old, next] = mint(2) as [EpochSecret, EpochSecret];
    const copied = mintEpoch(entropy, next.discoveryKey);
    b.add(indexKey, [old, next, copied]);
    deepEqual(b.discoveryKeys(viewOf([], { sealing: copied.epoch, tips: [copied.epoch] })), [
      next.discoveryKey,
      old.discoveryKey,
    ]);
    const many = await ring("b");
    many.add(indexKey, mint(30));
    equal(many.discoveryKeys(viewOf([])).length, 8);
  });
});
