/** What freeing space came to, for people. */
import type { EvictResult } from "../../src/app/node/evict-types.ts";
import { bytesText, plural } from "./times.ts";

type Reason = EvictResult["keptBecause"][number]["reason"];

const REASONS: Readonly<Record<Reason, string>> = {
  "nobody-online": "no other device is connected that could promise to keep them",
  "not-promised": "no device that is connected has promised to keep them",
  "promised-to-others": "this device has promised another one to keep them",
  unread: "they are not read yet",
  listed: "the list of conversations is made of them",
};

export function evictionLines({ freedBytes, evicted, keptBecause }: EvictResult): readonly string[] {
  return [
    evicted === 0
      ? "Nothing was freed."
      : `${plural(evicted, "message")} taken off this device, ${bytesText(freedBytes)} freed. \`kinlog fetch\` brings them back.`,
    ...keptBecause.map(
      ({ reason, messages }) => `${plural(messages, "message")} stayed: ${REASONS[reason]}.`,
    ),
  ];
}
