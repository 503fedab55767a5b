/** Search as the library gives it, on real disks: in the background, over a restart, and without a word of any text on the disk. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNode } from "../../../src/app/node/open-node.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { collectEvents, eventually, TestDevices } from "../../support/devices.ts";

const FILLERS = 5_000;
const BACKUP_TIME = 1_600_000_000_000;

/** A backup with one message a text. */
function backup(path: string, texts: readonly string[]): void {
  const lines = texts.map(
    (text, at) =>
      `<sms address="+4930${at % 50}" date="${BACKUP_TIME + at * 1_000}" type="${1 + (at % 2)}" body="${text}" read="1" />`,
  );
  writeFileSync(path, [`<smses count="${texts.length}">`, ...lines, "</smses>"].join("\n"));
}

const textsOf = async (
  node: KinlogNode,
  wanted: Parameters<KinlogNode["messages"]["search"]>[0],
): Promise<readonly string[]> => (await node.messages.search(wanted)).messages.map(({ text }) => text);

describe("Search without a network", () => {
  let dir = "";
  let node: KinlogNode;
  const reopen = async (): Promise<void> => {
    await node.close();
    node = await openNode({ dir: join(dir, "laptop"), name: "laptop", network: false });
  };
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "kinlog-search-"));
    node = await openNode({ dir: join(dir, "laptop"), name: "laptop", network: false });
  });
  afterEach(async () => {
    await node.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("finds what was just written, as it is now", async () => {
    const send = async (text: string, conversation = "Ana"): Promise<string> =>
      (await node.messages.send({ conversation, text })).id;
    const [first, second] = [await send("the train to Köln"), await send("Train, then bus", "Bea")];
    deepEqual(await textsOf(node, { text: "train" }), ["Train, then bus", "the train to Köln"]);
    deepEqual(await textsOf(node, { text: "train", conversation: "Ana" }), ["the train to Köln"]);
    deepEqual(await textsOf(node, { text: "koln TRAIN" }), ["the train to Köln"]);
    deepEqual(await textsOf(node, { text: "train", limit: 1 }), ["Train, then bus"]);
    deepEqual(await textsOf(node, { text: "train", before: second }), ["the train to Köln"]);
    await node.messages.edit(first, "the boat to Köln");
    deepEqual(await textsOf(node, { text: "train" }), ["Train, then bus"]);
    deepEqual(await textsOf(node, { text: "boa*" }), ["the boat to Köln"]);
    await node.messages.delete([second]);
    deepEqual(await textsOf(node, { text: "train" }), []);
    await node.messages.restore([second]);
    await node.messages.unsend(first);
    deepEqual(await textsOf(node, { text: "train" }), ["Train, then bus"]);
    deepEqual(await textsOf(node, { text: "boat" }), []);
    await assertRejectsWithCode(node.messages.search({ text: " … " }), "SEARCH_QUERY_INVALID");
    await assertRejectsWithCode(node.messages.search({ text: "a", conversation: "nobody" }), "NOT_FOUND");
  });

  it("builds its index first, keeps it over a restart, and leaves no word on the disk", async () => {
    const canaries = ["Wolkenkuckucksheim", "sesquipedalian", "北京烤鸭很好吃", "กรุงเทพมหานคร"];
    const texts = Array.from({ length: FILLERS }, (_, n) => `filler ${n} ${canaries[n % canaries.length]!}`);
    backup(join(dir, "backup.xml"), texts);
    equal((await node.import(join(dir, "backup.xml"))).imported, FILLERS);
    const told: number[] = [];
    const { messages, indexed } = await node.messages.search(
      { text: "wolken* 4444" },
      { onProgress: ({ what, done }) => void (what === "search" && told.push(done)) },
    );
    deepEqual(
      messages.map(({ text }) => text),
      ["filler 4444 Wolkenkuckucksheim"],
    );
    equal(indexed.done, indexed.total);
    equal(told.at(-1), indexed.total);
    await reopen();
    told.length = 0;
    const again = await node.messages.search(
      { text: "烤鸭 4442" },
      { onProgress: ({ done }) => void told.push(done) },
    );
    deepEqual(
      again.messages.map(({ text }) => text),
      ["filler 4442 北京烤鸭很好吃"],
    );
    deepEqual(told, []);
    deepEqual((await node.status()).search, indexed);
    await reopen();
    deepEqual(wordsOnDisk(join(dir, "laptop"), [...canaries, "filler", "kuckuck", "烤鸭", "มหา"]), []);
    // That the search for words would find them.
    writeFileSync(join(dir, "laptop", "left-behind"), Buffer.from("sesquipedalian", "utf16le"));
    equal(wordsOnDisk(join(dir, "laptop"), canaries).length, 1);
  });
});

describe("Search in a running node", function () {
  this.timeout(120_000);
  let devices: TestDevices;
  beforeEach(async () => {
    devices = await TestDevices.create();
  });
  afterEach(() => devices.cleanup());

  it("is built in the background after an import, told as progress, and finds what another device wrote and changed", async () => {
    const before = await openNode({ dir: devices.dir("laptop"), name: "laptop", network: false });
    backup(
      join(devices.root, "backup.xml"),
      Array.from({ length: FILLERS }, (_, n) => `filler ${n}`),
    );
    await before.import(join(devices.root, "backup.xml"));
    await before.close();
    const laptop = await devices.start("laptop");
    const progress = collectEvents(laptop, ["progress"]);
    const { search } = await laptop.status();
    ok(search.done < search.total);
    await eventually(laptop, async () => {
      const { search: now } = await laptop.status();
      return now.done === now.total;
    });
    await progress.stop();
    const last = progress.events.at(-1);
    ok(last?.event === "progress" && last.what === "search" && last.done === last.total);
    deepEqual(await textsOf(laptop, { text: "filler 77" }), ["filler 77"]);

    const phone = await devices.add(laptop, "phone");
    const { id } = await phone.messages.send({ conversation: "Zoë", text: "from the phone" });
    await eventually(laptop, async () => (await textsOf(laptop, { text: "phone" })).length === 1);
    await phone.messages.edit(id, "from the telephone");
    await eventually(laptop, async () => (await textsOf(laptop, { text: "telephone" })).length === 1);
    deepEqual(await textsOf(laptop, { text: "phone" }), []);
  });
});

/** Which words stand in a file of the directory, in any case, as UTF-8, UTF-16 or their base64. */
function wordsOnDisk(dir: string, words: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    const content = bytes.toString("latin1").toLowerCase();
    for (const word of words) {
      const forms = [word.toLowerCase(), word].flatMap((each) => [
        Buffer.from(each).toString("latin1").toLowerCase(),
        Buffer.from(each, "utf16le").toString("latin1").toLowerCase(),
        Buffer.from(each).toString("base64").replaceAll("=", "").toLowerCase(),
      ]);
      if (forms.some((form) => content.includes(form))) found.push(`${entry.name}: ${word}`);
    }
  }
  return found;
}
