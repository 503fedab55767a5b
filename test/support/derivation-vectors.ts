/**
 * The derivations of docs/spec/crypto.md worked out a second time: node:crypto and joined bytes, nothing of src. The file of
 * vectors holds the result; test/unit/crypto/derivations.test.ts compares them.
 */
import { createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";

const fill = (byte: number, size: number): Buffer => Buffer.alloc(size, byte);
const count = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, n) => n % 256));
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const labelled = (name: string, ...parts: readonly Uint8Array[]): Buffer => {
  const label = Buffer.from(`kinlog/v1/${name}`);
  return Buffer.concat([Buffer.from([label.length]), label, ...parts]);
};
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const hmac = (secret: Uint8Array, bytes: Uint8Array): Buffer =>
  createHmac("sha256", secret).update(bytes).digest();
const hkdf = (secret: Uint8Array, info: Uint8Array): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), info, 32));
const signingPublicKey = (seed: Uint8Array): Buffer => {
  const pair = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
  return createPublicKey(pair).export({ format: "der", type: "spki" }).subarray(12);
};
const tag = (hash: Uint8Array): string => {
  let bits = "";
  for (const byte of hash) bits += byte.toString(2).padStart(8, "0");
  let text = "_";
  for (let n = 0; n < 15; n++)
    text += "abcdefghijklmnopqrstuvwxyz234567"[parseInt(bits.slice(n * 5, n * 5 + 5), 2)];
  return text;
};

const account = fill(0x11, 32);
const device = fill(0x22, 32);
const log = fill(0x33, 32);
const root = fill(0x44, 32);
const key = count(32);
const header = count(40);
const address = "+4930901820é";
const classes = { control: 1, state: 2, messages: 3 };
const isk = count(64);
const searchRow = Buffer.from("780000000100000002", "hex");

/** Every derivation with its inputs, as it lies in test/vectors/derivations/derivations.json. */
export const derivationVectors = {
  comment: "Every derivation of docs/spec/crypto.md, as hex unless a name says otherwise.",
  account: {
    genesis: count(90).toString("hex"),
    expect: sha256(labelled("account", count(90))).toString("hex"),
  },
  logs: Object.entries(classes).map(([logClass, byte]) => ({
    account: account.toString("hex"),
    device: device.toString("hex"),
    incarnation: 2 ** 40 + 7,
    logClass,
    expect: sha256(labelled("log-id", account, device, u64(2 ** 40 + 7), Buffer.from([byte]))).toString(
      "hex",
    ),
  })),
  control: {
    log: log.toString("hex"),
    position: 300,
    leaf: root.toString("hex"),
    expect: sha256(labelled("control-id", log, u64(300), root)).toString("hex"),
  },
  epoch: { key: key.toString("hex"), expect: sha256(labelled("epoch-id", key)).toString("hex") },
  conversation: {
    key: key.toString("hex"),
    address,
    expect: hmac(key, labelled("conversation-id", Buffer.from(address)))
      .subarray(0, 16)
      .toString("hex"),
  },
  takenIn: {
    key: key.toString("hex"),
    fields: header.toString("hex"),
    expect: hmac(key, labelled("message-id", header)).subarray(0, 16).toString("hex"),
  },
  reaction: {
    key: key.toString("hex"),
    fields: header.toString("hex"),
    expect: hmac(key, labelled("reaction-id", header)).subarray(0, 16).toString("hex"),
  },
  setting: {
    key: key.toString("hex"),
    name: address,
    expect: hmac(key, labelled("setting-id", Buffer.from(address)))
      .subarray(0, 16)
      .toString("hex"),
  },
  head: {
    account: account.toString("hex"),
    log: log.toString("hex"),
    length: 2 ** 47 + 1,
    root: root.toString("hex"),
    expect: labelled("head", Buffer.from([1]), account, log, u64(2 ** 47 + 1), root).toString("hex"),
  },
  entries: [0, 1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 48 - 1].map((position) => ({
    account: account.toString("hex"),
    log: log.toString("hex"),
    position,
    header: header.toString("hex"),
    expect: labelled("entry", account, log, u64(position), header).toString("hex"),
  })),
  discoveryTags: [0, 480_000, 480_001].map((hour) => ({
    key: key.toString("hex"),
    hour,
    expect: tag(hmac(key, labelled("discovery-tag", u64(hour)))),
  })),
  linkTags: [0, 42, 99_999].map((code) => ({ code, expect: tag(sha256(labelled("link-tag", u64(code)))) })),
  linkKeys: {
    isk: isk.toString("hex"),
    confirmInitiator: hkdf(isk, labelled("link-initiator")).toString("hex"),
    confirmResponder: hkdf(isk, labelled("link-responder")).toString("hex"),
    sealInitiator: hkdf(isk, labelled("link-key", Buffer.from([1]))).toString("hex"),
    sealResponder: hkdf(isk, labelled("link-key", Buffer.from([2]))).toString("hex"),
  },
  rootKeys: {
    entropy: key.toString("hex"),
    rootSignPublicKey: signingPublicKey(hkdf(key, labelled("root-sign"))).toString("hex"),
    rootOpenSeed: hkdf(key, labelled("root-open")).toString("hex"),
  },
  search: {
    key: key.toString("hex"),
    term: "straße",
    token: hmac(key, labelled("search-token", Buffer.from("straße"))).readUIntBE(0, 5),
    rowKey: hkdf(key, labelled("search-key")).toString("hex"),
    row: searchRow.toString("hex"),
    associated: labelled("search-row", searchRow).toString("hex"),
  },
};
