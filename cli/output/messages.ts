/** A message as lines for people: when, who, what, where it is. Nothing in its text can look like another message. */
import type { Message } from "../../src/app/node/types.ts";
import { printableLine, printableLines } from "./printable.ts";
import type { Style } from "./style.ts";
import { localTime } from "./times.ts";

const ID_DIGITS = 8;

export function messageLines(message: Message, style: Style): readonly string[] {
  const { id, sender, direction, text, sentAt, deleted, replyTo } = message;
  const who = direction === "out" ? "me" : printableLine(sender ?? message.conversation);
  const isHere = message.stored.here;
  const marks = [
    ...(message.unsentAt === null ? [] : [style.dim("unsent")]),
    ...(message.needsUpdate ? [style.yellow("needs a newer Kinlog")] : []),
    ...(message.editedAt === null ? [] : [style.dim("edited")]),
    ...(direction === "out" && message.status !== "sent" ? [style.dim(message.status)] : []),
    ...(direction === "in" && !message.read ? [style.bold("new")] : []),
    ...(isHere ? [] : [style.yellow(`not on this device: \`kinlog fetch ${id.slice(0, ID_DIGITS)}\``)]),
    ...(deleted ? [style.yellow("in the bin")] : []),
    ...(replyTo === null ? [] : [style.dim(`answers ${replyTo.slice(0, ID_DIGITS)}`)]),
    ...message.reactions.map(
      (reaction) =>
        `${printableLine(reaction.emoji)} ${reaction.sender === null ? "me" : printableLine(reaction.sender)}`,
    ),
    ...(message.stored.devices.length === 0
      ? []
      : [style.dim(`also on ${message.stored.devices.map(printableLine).join(", ")}`)]),
  ];
  const head = `${style.dim(id.slice(0, ID_DIGITS))}  ${localTime(sentAt)}  ${style.bold(who)}`;
  const [first = "", ...rest] = printableLines(text);
  const tail = marks.length === 0 ? "" : `  (${marks.join(", ")})`;
  const indent = " ".repeat(ID_DIGITS + 2);
  return [`${head}: ${first}${rest.length === 0 ? tail : ""}`, ...indented(rest, indent, tail)];
}

function indented(lines: readonly string[], indent: string, tail: string): readonly string[] {
  return lines.map((line, at) => `${indent}│ ${line}${at === lines.length - 1 ? tail : ""}`);
}
