/**
 * What the first host imports: the real messages where they lie beside the project, else made ones of the same form. And which of
 * their texts, numbers and names must never be seen on the network.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const REAL = fileURLToPath(new URL("../../../../shared/data/nus-sms-en.xml.gz", import.meta.url));
const MADE_MESSAGES = 20_000;
const MADE_CONTACTS = 120;
const CANARY_TEXTS = 400;
const CANARY_BYTES_MIN = 16;
const WORDS =
  "wat time u reach home later got lecture today ok lor see you at the bus stop then we go eat dinner tmr can not so early haha".split(
    " ",
  );

export interface Corpus {
  readonly path: string;
  readonly what: string;
  readonly messages: number;
  /** Texts and phone numbers that occur in it. */
  readonly canaries: readonly string[];
}

/** The first `messages` of the corpus, or all of it. Made ones, and a cut corpus, are written to `dir`. */
export function openCorpus(dir: string, messages: number | undefined): Corpus {
  const isReal = existsSync(REAL);
  const xml = isReal ? gunzipSync(readFileSync(REAL)).toString() : makeBackup(messages ?? MADE_MESSAGES);
  const lines = xml.split("\n").filter((line) => line.includes("<sms "));
  const chosen = lines.slice(0, messages);
  const isWhole = isReal && chosen.length === lines.length;
  const path = isWhole ? REAL : join(dir, `backup-${chosen.length}.xml`);
  if (!isWhole) writeFileSync(path, backup(chosen));
  return {
    path,
    what: isReal ? "real messages" : "made messages",
    messages: chosen.length,
    canaries: chooseCanaries(chosen),
  };
}

function makeBackup(messages: number): string {
  const lines = Array.from({ length: messages }, (_, at) => {
    const words = Array.from(
      { length: 10 + (at % 5) },
      (_each, k) => WORDS[(at * 7 + k * 13) % WORDS.length],
    );
    const address = `+659${String(1_000_000 + (at % MADE_CONTACTS) * 7_919)}`;
    const date = 1_100_000_000_000 + at * 60_000;
    return `  <sms protocol="0" address="${address}" date="${date}" type="${1 + (at % 2)}" body="${words.join(" ")} ${at}" read="1" status="-1" contact_name="(Unknown)" />`;
  });
  return lines.join("\n");
}

function backup(lines: readonly string[]): string {
  return [
    "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>",
    `<smses count="${lines.length}">`,
    ...lines,
    "</smses>\n",
  ].join("\n");
}

/** Texts spread over the whole corpus, each long enough not to be met by chance, and the numbers they came from. */
function chooseCanaries(lines: readonly string[]): readonly string[] {
  const step = Math.max(1, Math.floor(lines.length / CANARY_TEXTS));
  const texts = lines
    .filter((_, at) => at % step === 0)
    .map((line) => attribute(line, "body"))
    .filter((text) => Buffer.byteLength(text) >= CANARY_BYTES_MIN);
  const numbers = lines.map((line) => attribute(line, "address"));
  return [...new Set([...texts, ...numbers])];
}

function attribute(line: string, name: string): string {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(line)?.[1] ?? "";
  const named: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };
  return value.replace(
    /&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g,
    (whole, decimal?: string, hex?: string, word?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return named[word ?? ""] ?? whole;
    },
  );
}
