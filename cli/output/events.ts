/** Events as lines for people. */
import type { KinlogEvent } from "../../src/app/node/types.ts";
import { messageLines } from "./messages.ts";
import { printableLine } from "./printable.ts";
import type { Style } from "./style.ts";
import { shortTime } from "./times.ts";

export function eventLines(event: KinlogEvent, style: Style): readonly string[] {
  const text = sentence(event, style);
  return text === null ? [] : [`${style.dim(shortTime(event.at, new Date()))}  ${text}`];
}

/** What `watch` shows of a message: its conversation as well. */
export function watchedMessage(
  { message }: Extract<KinlogEvent, { event: "message" }>,
  style: Style,
): readonly string[] {
  return [
    style.bold(printableLine(message.conversation)),
    ...messageLines(message, style).map((line) => `  ${line}`),
  ];
}

function sentence(event: KinlogEvent, style: Style): string | null {
  switch (event.event) {
    case "message-changed":
      return `Message ${event.id.slice(0, 8)} of ${printableLine(event.conversation)}: ${event.change}.`;
    case "read":
      return `${printableLine(event.conversation)}: ${event.unread === 0 ? "read" : `${event.unread} unread`}.`;
    case "conversation":
      return event.title === null
        ? `${printableLine(event.conversation)} has changed.`
        : `${printableLine(event.conversation)} is called ${printableLine(event.title)}.`;
    case "peer-connected":
      return `${printableLine(event.name)} connected${event.via === "manual" ? " (by address)" : ""}.`;
    case "peer-disconnected":
      return `${printableLine(event.name)} disconnected.`;
    case "synced":
      return style.green(`In sync. Fingerprint ${event.fingerprint}.`);
    case "device-linked":
      return `${printableLine(event.name)} is a device of this account now${event.by === null ? "" : `, admitted by ${printableLine(event.by)}`}.`;
    case "device-revoked":
      return style.yellow(`${printableLine(event.name)} is no device of this account any more.`);
    case "alarm":
      return style.red(`Alarm (${event.code}): ${printableLine(event.text)}.`);
    case "resync":
      return "Some events were missed: look again with `kinlog show`.";
    case "stopped":
      return "The node has ended.";
    case "created":
    case "ready":
    case "message":
    case "progress":
      return null;
  }
}
