/** Search over a long history: how long the index is built, how large it is, and how long it takes to find something. */
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../simulations/doubles/random.ts";
import { compactedSizes } from "./compacted-sizes.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const MESSAGES = 200_000;
const VOCABULARY = 60_000;
const WORDS_MEAN = 10;
const CHARACTERS =
  "我你他的是了在有人不这中大来上个国到说们为子和地出道也时年得就那要下以生会自着去之过家学对可里后小么";
const SYLLABLES = "ka lo mi ren ta sul bo ne fi gra dor pe um vi ys on ze ha chi nu".split(" ");
/** What is searched, and how it is called. */
const QUERIES = [
  ["a frequent word", "lolo"],
  ["a rare word", "needle"],
  ["a word that is not there", "absent"],
  ["a beginning", "lom*"],
  ["two words", "lolo milo"],
  ["a piece of Chinese", "中大"],
  ["a word in one conversation", "lolo"],
] as const;
const SEARCHES = 15;

export async function benchSearch({ n = MESSAGES, nodeOptions }: BenchOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
  try {
    const file = join(dir, "made.xml");
    const textBytes = await writeMade(file, n);
    const device = new DeviceProcess(join(dir, "device"), "device", nodeOptions);
    await device.ask("open");
    const { ms: importMs } = await device.ask("import", file);
    const { result: memoryBefore } = await device.ask<number>("memory");
    const buildMs = await device.indexBuilt();
    const figures: Figure[] = [
      { what: `import of ${n.toLocaleString("en-GB")} made messages`, unit: "s", values: [importMs / 1_000] },
      { what: "index built in the background behind it", unit: "s", values: [buildMs / 1_000] },
    ];
    for (const [what, text] of QUERIES) figures.push(await timed(device, what, text));
    const { result: memory } = await device.ask<number>("memory");
    await device.end();
    const { database, index } = await compactedSizes(join(dir, "device", "db"));
    return [
      ...figures,
      { what: "resident, highest until the end of the import", unit: "MiB", values: [memoryBefore] },
      { what: "resident, highest of all", unit: "MiB", values: [memory] },
      { what: "index on disk a message, compacted", unit: "bytes", values: [index / n] },
      {
        what: "all on disk a message beyond its text, compacted",
        unit: "bytes",
        values: [(database - textBytes) / n],
      },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function timed(device: DeviceProcess, what: string, text: string): Promise<Figure> {
  const wanted = what.endsWith("one conversation") ? { text, conversation: "+6590000007" } : { text };
  const values: number[] = [];
  let found = 0;
  for (let n = 0; n < SEARCHES; n++) {
    const { ms, result } = await device.ask<number>("search", JSON.stringify(wanted));
    values.push(ms);
    found = result;
  }
  return { what: `search for ${what} (${found} found of at most 50)`, unit: "ms", values };
}

/** Words as often as in a language: the second half as often as the first, and so on. One message in fifty is Chinese. */
async function writeMade(path: string, n: number): Promise<number> {
  const random = new Random(7);
  const out = createWriteStream(path);
  let bytes = 0;
  out.write(`<smses count="${n}">\n`);
  for (let at = 0; at < n; at++) {
    const text =
      at % 20_000 === 11 ? "here is the needle" : at % 50 === 0 ? chinese(random) : sentence(random);
    bytes += Buffer.byteLength(text);
    const line = `<sms address="+65${90_000_000 + (at % 2_000)}" date="${1_100_000_000_000 + at * 60_000}" type="${1 + (at % 2)}" body="${text}" read="1" />\n`;
    if (!out.write(line)) await once(out, "drain");
  }
  out.end("</smses>\n");
  await once(out, "close");
  return bytes;
}

function sentence(random: Random): string {
  const count = WORDS_MEAN - 4 + random.below(9);
  return Array.from({ length: count }, () =>
    wordOf(Math.floor(VOCABULARY ** (random.below(1_000_000) / 1_000_000))),
  ).join(" ");
}

function wordOf(rank: number): string {
  let word = "";
  for (let rest = rank + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length))
    word += SYLLABLES[rest % SYLLABLES.length]!;
  return word;
}

function chinese(random: Random): string {
  return Array.from(
    { length: 8 + random.below(20) },
    () => CHARACTERS[random.below(CHARACTERS.length)]!,
  ).join("");
}
