/** What a device's directory and its output tell of keys and texts: searched for them raw, in hex and in base64. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hex } from "../../../src/core/base/bytes.ts";
import { phraseToEntropy } from "../../../src/core/crypto/phrase.ts";
import { decodeKeyFile } from "../../../src/io/secrets/key-file-format.ts";
import { CanaryScanner } from "../../../simulations/wifi/canaries.ts";
import { Commands } from "../../support/kinlog-command.ts";

const KEY_FILE = "device.key";
const TEXT = "Quillwort canary at the kiln, half past nine";
const DELETED = "Sorrel canary under the third bench";
const CONTACT = "Ottilie Quaas-Canary";

describe("What a device gives away", function () {
  this.timeout(60_000);
  const commands = new Commands();
  let dir: string;
  let phrase: string;
  let printed: string;
  let told: string;

  before(async () => {
    dir = commands.directory();
    const made = await commands.json<{ readonly recoveryPhrase: string }>(
      "init",
      "--dir",
      dir,
      "--name",
      "Desk",
    );
    phrase = made.recoveryPhrase;
    // Verbose, and with errors of several kinds: whatever prints has its chance.
    const node = await commands.start(dir, "--verbose");
    await commands.json("send", CONTACT, TEXT, "--dir", dir);
    const { id } = await commands.json<{ readonly id: string }>("send", CONTACT, DELETED, "--dir", dir);
    await commands.json("delete", id, "--yes", "--dir", dir);
    const said = [
      await commands.run(["status", "--json", "--verbose", "--dir", dir]),
      await commands.run(["doctor", "--json", "--verbose", "--dir", dir]),
      await commands.run(["connect", "/ip4/127.0.0.1/tcp/1", "--verbose", "--dir", dir]),
      await commands.run(["import", "/nowhere/at/all.xml", "--verbose", "--dir", dir]),
      await commands.run(["rpc", "--verbose", "--dir", dir], {
        input: '{"id":1,"method":"nothing","params":[]}\nx\n',
      }),
      await commands.run(["recovery", "show", "--verbose", "--dir", dir]),
    ];
    await node.end("SIGTERM");
    const prints = said.flatMap(({ stdout, stderr }) => [stdout, stderr]);
    printed = [...prints, node.stderr].join("\n");
    told = node.text.join("\n");
  });

  after(() => commands.end());

  const keys = (): readonly string[] => {
    const { signSeed, openSeed } = decodeKeyFile(readFileSync(join(dir, KEY_FILE)));
    return [hex(signSeed), hex(openSeed), hex(phraseToEntropy(phrase))];
  };

  /** Every file of the directory, as it lies there after the node has ended. */
  const files = (): readonly (readonly [name: string, bytes: Buffer])[] =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map((each) => [each.name, readFileSync(join(each.parentPath, each.name))]);

  it("K1: its keys lie in the key file and nowhere else, and its phrase nowhere at all", () => {
    const found = (name: string, bytes: Buffer): readonly string[] => {
      const scanner = new CanaryScanner({ texts: [phrase], ids: keys() });
      scanner.scan(bytes);
      return scanner.findings.map(({ form }) => `${name} ${form}`);
    };
    const all = files().flatMap(([name, bytes]) => found(name, bytes));
    // Both seeds, as bytes; the search would find them elsewhere too.
    deepEqual(all, [`${KEY_FILE} raw`, `${KEY_FILE} raw`]);
    ok(files().length > 3);
  });

  it("K5: no text and no contact lies in the clear, deleted or not", () => {
    const scanner = new CanaryScanner({
      texts: [TEXT, DELETED, CONTACT, "Quillwort", "Sorrel canary"],
      ids: [],
    });
    for (const [, bytes] of files()) scanner.scan(bytes);
    deepEqual(scanner.findings, []);
    for (const [name, bytes] of files())
      equal(bytes.includes(Buffer.from("Quillwort", "utf16le")), false, name);
  });

  it("U16: nothing that it prints holds a key or the phrase, and no error a text, --verbose included", () => {
    const scanner = new CanaryScanner({ texts: [phrase], ids: keys() });
    scanner.scan(Buffer.from(printed + told));
    // The node's own events are told to whoever started it, with their texts.
    ok(told.includes(TEXT));
    const texts = new CanaryScanner({ texts: [TEXT, DELETED], ids: [] });
    texts.scan(Buffer.from(printed));
    deepEqual([...scanner.findings, ...texts.findings], []);
    ok(printed.includes("REQUEST_INVALID") && told.includes("ready"));
  });
});
