/** Messages to measure with: the real corpus where it is present, else made ones of the same form and mean length. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const CORPUS = new URL("../../../shared/data/nus-sms-en.xml.gz", import.meta.url).pathname;
const CORPUS_MESSAGES = 55_835;
const WORDS =
  "wat time u reach home later got lecture today ok lor see you at the bus stop then we go eat dinner tmr can not so early haha".split(
    " ",
  );

/** When the first made message was sent, in ms; each other a minute after the one before. */
export const FIRST_SENT_MS = 1_100_000_000_000;
export const SENT_EVERY_MS = 60_000;

/** The address of the conversation that the made message `at` stands in: one after the other, and then from the first. */
export function addressOf(at: number, conversations: number): string {
  return `+65${90_000_000 + (at % conversations)}`;
}

/** Made messages come in and go out by turns in each conversation. */
export function isReceived(at: number, conversations: number): boolean {
  return (at + Math.floor(at / conversations)) % 2 === 0;
}

/** A backup file, how many messages it holds, and what it is. Made ones lie in `dir`; `isUnread` says which of those received are. */
export function corpus(
  dir: string,
  n: number | undefined,
  {
    conversations = 343,
    isUnread = () => false,
  }: { readonly conversations?: number; readonly isUnread?: (at: number) => boolean } = {},
): { readonly path: string; readonly messages: number; readonly what: string } {
  if (n === undefined && existsSync(CORPUS))
    return { path: CORPUS, messages: CORPUS_MESSAGES, what: "real messages (52 characters)" };
  const messages = n ?? CORPUS_MESSAGES;
  const path = join(dir, "made.xml");
  const lines = ["<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>", `<smses count="${messages}">`];
  for (let at = 0; at < messages; at++) {
    const words = Array.from({ length: 10 + (at % 5) }, (_, k) => WORDS[(at * 7 + k * 13) % WORDS.length]);
    lines.push(
      `<sms protocol="0" address="${addressOf(at, conversations)}" date="${FIRST_SENT_MS + at * SENT_EVERY_MS}" type="${isReceived(at, conversations) ? 1 : 2}" body="${words.join(" ")}" read="${isUnread(at) ? 0 : 1}" status="-1" contact_name="(Unknown)" />`,
    );
  }
  lines.push("</smses>");
  writeFileSync(path, lines.join("\n"));
  return { path, messages, what: "made messages (52 characters)" };
}
