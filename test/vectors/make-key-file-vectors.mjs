/**
 * Makes test/vectors/key-file/key-files.json from docs/spec/key-file.md alone: imports nothing of src, so that both can be wrong
 * only apart. Run: node test/vectors/make-key-file-vectors.mjs [folder]. The same output every time.
 */
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- Plain JavaScript on purpose: it runs without the compiler. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? join(import.meta.dirname, "key-file");

const label = Buffer.from("kinlog/v1/key-file");
const filled = (byte) => Buffer.alloc(32, byte);
const secrets = { signSeed: filled(1), openSeed: filled(2), account: filled(3), device: filled(4) };

function body({ magic = "kinlogkey\n", version = 1, flag, phrase }) {
  const fields = [secrets.signSeed, secrets.openSeed, secrets.account, secrets.device];
  const has = flag ?? (phrase === undefined ? 0 : 1);
  return Buffer.concat([Buffer.from(magic), Buffer.of(version), ...fields, Buffer.of(has), phrase ?? Buffer.alloc(0)]);
}

function sealed(bytes) {
  const checksum = createHash("sha256").update(Buffer.concat([Buffer.of(label.length), label, bytes])).digest();
  return Buffer.concat([bytes, checksum]);
}

const flipped = (bytes, at) => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
const good = sealed(body({}));
const goodWithPhrase = sealed(body({ phrase: filled(5) }));

const cases = [
  { comment: "the phrase was shown", file: good, expect: "accept", unseenPhrase: null },
  { comment: "the phrase was not shown yet", file: goodWithPhrase, expect: "accept", unseenPhrase: filled(5).toString("hex") },
  { comment: "empty", file: Buffer.alloc(0), expect: "KEY_FILE_DAMAGED" },
  { comment: "the magic alone", file: good.subarray(0, 10), expect: "KEY_FILE_DAMAGED" },
  { comment: "another magic", file: sealed(body({ magic: "kinlogkex\n" })), expect: "KEY_FILE_DAMAGED" },
  { comment: "version 0", file: sealed(body({ version: 0 })), expect: "KEY_FILE_DAMAGED" },
  { comment: "version 2, and a checksum of another kind", file: Buffer.concat([body({ version: 2 }), filled(9)]), expect: "STORE_NEWER_VERSION" },
  { comment: "version 255 and nothing else", file: body({ version: 255 }).subarray(0, 11), expect: "STORE_NEWER_VERSION" },
  { comment: "cut by one byte", file: good.subarray(0, -1), expect: "KEY_FILE_DAMAGED" },
  { comment: "cut after the fields", file: good.subarray(0, -32), expect: "KEY_FILE_DAMAGED" },
  { comment: "one byte too many", file: Buffer.concat([good, Buffer.of(0)]), expect: "KEY_FILE_DAMAGED" },
  { comment: "one byte too many under the checksum", file: sealed(Buffer.concat([body({}), Buffer.of(0)])), expect: "KEY_FILE_DAMAGED" },
  { comment: "a flag that says 2", file: sealed(body({ flag: 2 })), expect: "KEY_FILE_DAMAGED" },
  { comment: "a flag that promises a phrase", file: sealed(body({ flag: 1 })), expect: "KEY_FILE_DAMAGED" },
  { comment: "a phrase that the flag denies", file: sealed(body({ flag: 0, phrase: filled(5) })), expect: "KEY_FILE_DAMAGED" },
  { comment: "a bit flipped in the signing seed", file: flipped(good, 11), expect: "KEY_FILE_DAMAGED" },
  { comment: "a bit flipped in the device", file: flipped(good, 120), expect: "KEY_FILE_DAMAGED" },
  { comment: "a bit flipped in the checksum", file: flipped(good, good.length - 1), expect: "KEY_FILE_DAMAGED" },
  { comment: "a checksum without its label", file: Buffer.concat([body({}), createHash("sha256").update(body({})).digest()]), expect: "KEY_FILE_DAMAGED" },
];

const json = {
  comment: "Key files of docs/spec/key-file.md. Every accepted one holds these secrets.",
  secrets: Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, value.toString("hex")])),
  cases: cases.map((each) => ({ ...each, file: each.file.toString("hex") })),
};
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "key-files.json"), `${JSON.stringify(json, null, 2)}\n`);
