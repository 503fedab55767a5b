/** What a person waits for in a running node with a long history: the list of conversations, a conversation, its unread count. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpus } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const MESSAGES = 1_000_000;
const CONVERSATIONS = 2_000;

export async function benchInbox({
  n = MESSAGES,
  runs,
  nodeOptions,
}: BenchOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
  const [lists, shows, sends, cold]: [number[], number[], number[], number[]] = [[], [], [], []];
  try {
    const file = corpus(dir, n, CONVERSATIONS);
    const device = new DeviceProcess(join(dir, "device"), "device", nodeOptions);
    await device.ask("open");
    await device.ask("import", file.path);
    await device.end();

    const running = new DeviceProcess(join(dir, "device"), "device", nodeOptions);
    await running.ask("open");
    const first = await running.ask<readonly string[]>("list");
    cold.push(first.ms);
    for (let run = 0; run < runs; run++) {
      lists.push((await running.ask("list")).ms);
      const conversation = first.result[(run * 7) % first.result.length]!;
      shows.push((await running.ask("show", conversation)).ms);
      sends.push((await running.ask("send", conversation)).ms);
    }
    await running.end();
    const of = `${file.messages.toLocaleString("en-GB")} messages in ${CONVERSATIONS.toLocaleString("en-GB")} conversations`;
    return [
      { what: `the list of 200, first time; ${of}`, unit: "ms", values: cold },
      { what: "the list of 200, later", unit: "ms", values: lists },
      { what: "the newest 50 of one conversation", unit: "ms", values: shows },
      { what: "a message sent, durable", unit: "ms", values: sends },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
