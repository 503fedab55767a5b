/**
 * What a person waits for in a running node with a long history: the list of conversations, a conversation, a page in its middle. First
 * beside the building of the search index, then in a quiet node. Unread counts are compared with what was written.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf, corpus, FIRST_SENT_MS, isReceived, SENT_EVERY_MS } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const MESSAGES = 1_000_000;
const CONVERSATIONS = 2_000;
/** Conversations that are shown in each of the two states, none of them twice. */
const SHOWS = 40;
/** Steps through the conversations: no divisor of their number, so that those shown are spread over all. */
const STRIDE = 37;

interface Line {
  readonly conversation: string;
  readonly unread: number;
}

export async function benchInbox({
  n = MESSAGES,
  runs,
  nodeOptions,
}: BenchOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
  try {
    const isUnread = (at: number): boolean => at >= n - (n / 20) * (((at % 7) + 1) / 7);
    const file = corpus(dir, n, { conversations: CONVERSATIONS, isUnread });
    const importing = new DeviceProcess(join(dir, "device"), "device", nodeOptions);
    await importing.ask("open");
    await importing.ask("import", file.path);
    await importing.end();

    const device = new DeviceProcess(join(dir, "device"), "device", nodeOptions);
    await device.ask("open");
    const first = await device.ask<readonly Line[]>("list");
    const building = await inOneState(device, { n, runs, from: 0 });
    await device.indexBuilt();
    const all = await device.ask<readonly Line[]>("list", String(CONVERSATIONS));
    const quiet = await inOneState(device, { n, runs, from: SHOWS });
    const sends: number[] = [];
    for (let run = 0; run < runs; run++)
      sends.push((await device.ask("send", addressOf(run * STRIDE, CONVERSATIONS))).ms);
    await device.end();

    const expected = unreadCounts(n, isUnread);
    const wrong = [...expected].filter(
      ([conversation, unread]) =>
        all.result.find((line) => line.conversation === conversation)?.unread !== unread,
    );
    const of = `${n.toLocaleString("en-GB")} messages in ${CONVERSATIONS.toLocaleString("en-GB")} conversations`;
    return [
      { what: `the list of 200, first time; ${of}`, unit: "ms", values: [first.ms] },
      { what: "the list of all, 200 of them known", unit: "ms", values: [all.ms] },
      ...building.map((figure) => ({ ...figure, what: `${figure.what}, index being built` })),
      ...quiet,
      { what: "a message sent, durable", unit: "ms", values: sends },
      { what: "unread counts that are not what was written", unit: "", values: [wrong.length] },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function inOneState(
  device: DeviceProcess,
  { n, runs, from }: { readonly n: number; readonly runs: number; readonly from: number },
): Promise<readonly Figure[]> {
  const [lists, shows, agains, pages]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let run = 0; run < runs; run++) lists.push((await device.ask("list")).ms);
  const middle = orderText(FIRST_SENT_MS + Math.floor(n / 2) * SENT_EVERY_MS);
  for (let at = from; at < from + SHOWS; at++) {
    const conversation = addressOf(at * STRIDE, CONVERSATIONS);
    shows.push((await device.ask("show", conversation)).ms);
    agains.push((await device.ask("show", conversation)).ms);
    const other = addressOf(at * STRIDE + 1, CONVERSATIONS);
    pages.push((await device.ask("page", `${other} ${middle}`)).ms);
  }
  return [
    { what: "the list of 200, later", unit: "ms", values: lists },
    { what: "the newest 50 of a conversation", unit: "ms", values: shows },
    { what: "the same again", unit: "ms", values: agains },
    { what: "50 in the middle of a conversation", unit: "ms", values: pages },
  ];
}

/** Before every message that was sent at `ms`. */
function orderText(ms: number): string {
  return ms.toString(16).padStart(12, "0").padEnd(48, "0");
}

function unreadCounts(n: number, isUnread: (at: number) => boolean): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at < n; at++) {
    const conversation = addressOf(at, CONVERSATIONS);
    const one = isUnread(at) && isReceived(at, CONVERSATIONS) ? 1 : 0;
    counts.set(conversation, (counts.get(conversation) ?? 0) + one);
  }
  return counts;
}
