/** Fuzzed: control operations, what histories of them come to, and wrapped secrets. Format: docs/spec/membership.md. */
import { deepEqual } from "node:assert/strict";
import { equalBytes, hex, utf8, utf8ToText } from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { createOpenKey, unwrap, wrap } from "../../../src/core/crypto/async/wrap.ts";
import { epochIdOf } from "../../../src/core/crypto/derive.ts";
import { entropyToPhrase, phraseToEntropy, wordlist } from "../../../src/core/crypto/phrase.ts";
import { decodeControl, encodeControl, unreadableOperation } from "../../../src/core/membership/operation.ts";
import type { ControlEntry } from "../../../src/core/membership/types.ts";
import { decodeSecrets, encodeSecrets } from "../../../src/core/membership/wrap.ts";
import { bodies, bytesOf, describeView, rootKeyOf, TestAccount } from "../../support/membership.ts";
import { buildHistory } from "../../support/membership-histories.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { type Decoder, promise } from "../decoder.ts";
import { Tape } from "../tape.ts";

/** Operations of every kind, as devices write them. */
function writtenPayloads(): readonly Uint8Array[] {
  const account = TestAccount.of("a", "b", "c");
  const fence = { log: account.log("b"), length: 3, root: bytesOf("root") as never };
  const purge = account.write("a", bodies.purge(account.log("b"), 1, 2, 70_000));
  account.write("a", bodies.epoch("e1", ["a", "b"], { tips: ["e0"] }));
  account.write("a", bodies.epoch("e2", ["b"], { custody: "local" }));
  account.write("a", bodies.admit("d", ["e1", "e2"]));
  account.write("a", bodies.revoke("c", [fence]), { root: account.phrase });
  account.write("a", bodies.setRecovery(rootKeyOf("second")), { root: account.phrase });
  account.write("a", bodies.openLog(1, [fence]), { incarnation: 1 });
  account.write("b", bodies.countersign(purge));
  account.write("b", bodies.void(purge));
  account.write("b", bodies.cloud("wss://cloud.example"));
  account.write("b", bodies.cloud(null));
  return account.entries.map(({ payload }) => payload);
}

const payloads = writtenPayloads();

const control: Decoder = {
  name: "control",
  group: "membership",
  codes: ["WIRE_*"],
  samples: () => payloads,
  read: (input) => {
    const operation = decodeControl(input);
    if (operation.body.kind === "unknown") return;
    promise(equalBytes(encodeControl(operation), input), "an operation has one encoding");
  },
};

const STEP_KINDS = ["admit", "revoke", "epoch", "cloud", "leave", "tell", "lie", "phrase", "fork"] as const;
const NAMES = ["a", "b", "c", "d"] as const;
const STEPS_MAX = 24;

/** Steps of three bytes each; between them now and then an operation whose bytes were changed after it was written. */
const resolver: Decoder = {
  name: "resolver",
  group: "membership",
  codes: [],
  sizeMax: 160,
  samples: (seed) => {
    const random = new Random(seed);
    return Array.from({ length: 12 }, () => random.bytes(random.between(6, 3 * STEPS_MAX)));
  },
  read: (input) => {
    const tape = new Tape(input);
    const steps: Parameters<typeof buildHistory>[0][number][] = [];
    for (let left = Math.min(STEPS_MAX, Math.ceil(tape.left / 3)); left > 0; left--) {
      const luck = tape.byte() * 4;
      steps.push({ kind: tape.pick(STEP_KINDS), actor: luck % 6, target: tape.below(7), luck });
    }
    const account = buildHistory(steps);
    const entries = account.entries.map((entry, at) => changed(entry, at, tape));
    const { id } = account;
    const view = describeView(account.view(entries));
    const order = [...entries.toReversed(), ...entries.slice(0, 3)];
    deepEqual(describeView(account.view(order)), view, "the order of arrival leaves no trace");
    promise(account.view(entries).account === id, "the account stays what it is");
    for (const name of NAMES) account.view(account.known(name));
  },
};

/** Now and then another payload under the same id, or none that can be read: what a member may sign as well. */
function changed(entry: ControlEntry, at: number, tape: Tape): ControlEntry {
  if (tape.left < 3 || tape.byte() < 200) return entry;
  const payload = entry.payload.slice();
  payload[(tape.byte() * 256 + at) % payload.length]! ^= 1 + tape.below(255);
  try {
    return { ...entry, payload, operation: decodeControl(payload) };
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return { ...entry, payload, operation: unreadableOperation };
  }
}

const epochKeys = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const secretsOf = (count: number): Uint8Array =>
  encodeSecrets({
    indexKey: new Uint8Array(32).fill(7),
    epochs: epochKeys.slice(0, count).map((key) => ({ epoch: epochIdOf(key), key, discoveryKey: key })),
  });

const secrets: Decoder = {
  name: "wrap-secrets",
  group: "membership",
  codes: [],
  samples: () => [1, 2, 3].map(secretsOf),
  read: (input) => {
    const opened = decodeSecrets(input);
    if (opened === undefined) return;
    promise(equalBytes(encodeSecrets(opened), input), "secrets have one encoding");
  },
};

const openKey = await createOpenKey(new Uint8Array(32).fill(1));
const info = utf8("a place");
const sealed = await wrap({
  recipientPublicKey: openKey.publicKey,
  info,
  plaintext: secretsOf(2),
  ekm: new Uint8Array(32).fill(2),
});

const wrapped: Decoder = {
  name: "wrap",
  group: "membership",
  codes: [],
  samples: () => [sealed],
  read: async (input) => {
    const plaintext = await unwrap({ secretKey: openKey.secretKey, info, sealed: input });
    promise(plaintext === undefined || equalBytes(input, sealed), "only what was wrapped opens");
  },
};

const phrase: Decoder = {
  name: "phrase",
  group: "membership",
  codes: ["PHRASE_INVALID"],
  words: [" ", "\n", "zoo", "abandon", ...wordlist().slice(0, 64)],
  sizeMax: 600,
  samples: (seed) => {
    const random = new Random(seed);
    return Array.from({ length: 4 }, () => utf8(entropyToPhrase(random.bytes(32))));
  },
  read: (input) => {
    const text = looseText(input);
    const entropy = phraseToEntropy(text);
    const again = entropyToPhrase(entropy);
    promise(again.split(" ").length === 24, "a phrase has 24 words");
    promise(hex(phraseToEntropy(again)) === hex(entropy), "a phrase is read as it was written");
  },
};

/** Text of any bytes: what is no UTF-8 becomes what a keyboard may give as well. */
export function looseText(bytes: Uint8Array): string {
  try {
    return utf8ToText(bytes);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    // Every byte a character, half surrogates among them.
    return Array.from(bytes, (byte) => String.fromCharCode(byte < 0xd8 ? byte : byte * 256)).join("");
  }
}

export const membershipDecoders: readonly Decoder[] = [control, resolver, secrets, wrapped, phrase];
