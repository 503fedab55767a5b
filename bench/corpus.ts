/** Messages to measure with: the real corpus where it is present, else made ones of the same form and mean length. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const CORPUS = new URL("../../../shared/data/nus-sms-en.xml.gz", import.meta.url).pathname;
const CORPUS_MESSAGES = 55_835;
const WORDS =
  "wat time u reach home later got lecture today ok lor see you at the bus stop then we go eat dinner tmr can not so early haha".split(
    " ",
  );

/** A backup file, how many messages it holds, and what it is. Made ones lie in `dir`. */
export function corpus(
  dir: string,
  n: number | undefined,
  conversations = 343,
): { readonly path: string; readonly messages: number; readonly what: string } {
  if (n === undefined && existsSync(CORPUS))
    return { path: CORPUS, messages: CORPUS_MESSAGES, what: "real messages (52 characters)" };
  const messages = n ?? CORPUS_MESSAGES;
  const path = join(dir, "made.xml");
  const lines = ["<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>", `<smses count="${messages}">`];
  for (let at = 0; at < messages; at++) {
    const words = Array.from({ length: 10 + (at % 5) }, (_, k) => WORDS[(at * 7 + k * 13) % WORDS.length]);
    lines.push(
      `<sms protocol="0" address="+65${90_000_000 + (at % conversations)}" date="${1_100_000_000_000 + at * 60_000}" type="${1 + (at % 2)}" body="${words.join(" ")}" read="1" status="-1" contact_name="(Unknown)" />`,
    );
  }
  lines.push("</smses>");
  writeFileSync(path, lines.join("\n"));
  return { path, messages, what: "made messages (52 characters)" };
}
