/**
 * What erasing takes in a node with a long history: one message, a conversation, many conversations. A device that is alone in its account
 * waits for nobody, so the same run shows how long it is until nothing is listed and until the payloads are gone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Purge } from "../src/index.ts";
import { compactedSizes } from "./compacted-sizes.ts";
import { addressOf, corpus } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const MESSAGES = 1_000_000;
const CONVERSATIONS = 2_000;
/** Conversations that are erased in one call. */
const MANY = 50;
const POLL_MS = 20;

export async function benchPurge({
  n = MESSAGES,
  runs,
  nodeOptions,
}: BenchOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
  const path = join(dir, "device");
  try {
    const importing = new DeviceProcess(path, "device", nodeOptions);
    await importing.ask("open");
    await importing.ask("import", corpus(dir, n, { conversations: CONVERSATIONS }).path);
    await importing.end();

    const device = await started(path, nodeOptions);
    const [one, oneGone, whole, wholeGone]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let run = 0; run < runs; run++) {
      const single = await purged(device, [run], 1);
      one.push(single.ms);
      oneGone.push(single.goneMs);
      const conversation = await purged(device, [runs + run], n);
      whole.push(conversation.ms);
      wholeGone.push(conversation.goneMs);
    }
    await device.end();
    const before = await compactedSizes(join(path, "db"));
    const again = await started(path, nodeOptions);
    const numbers = Array.from({ length: MANY }, (_, at) => 2 * runs + at);
    const many = await purged(again, numbers, n);
    const { ms: listMs } = await again.ask("list");
    const memory = await again.ask<number>("memory");
    await again.end();
    const after = await compactedSizes(join(path, "db"));
    const size = (count: number): string => `${count.toLocaleString("en-GB")} messages`;
    const [inOne, inMany] = [size(n / CONVERSATIONS), size((MANY * n) / CONVERSATIONS)];
    return [
      { what: `one message purged, of ${size(n)}`, unit: "ms", values: one },
      { what: "its payload gone", unit: "ms", values: oneGone },
      { what: `a conversation of ${inOne} purged`, unit: "ms", values: whole },
      { what: "their payloads gone", unit: "ms", values: wholeGone },
      { what: `${MANY} conversations, ${inMany}, purged`, unit: "ms", values: [many.ms] },
      { what: "their payloads gone", unit: "ms", values: [many.goneMs] },
      { what: "a message sent meanwhile, durable", unit: "ms", values: many.sends },
      { what: "the store before, compacted", unit: "MB", values: [before.database / 1e6] },
      { what: "the store behind it, compacted", unit: "MB", values: [after.database / 1e6] },
      { what: "the list of 200 behind it", unit: "ms", values: [listMs] },
      { what: "resident, highest", unit: "MiB", values: [memory.result] },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** With everything in its search index. */
async function started(path: string, nodeOptions: readonly string[]): Promise<DeviceProcess> {
  const device = new DeviceProcess(path, "device", nodeOptions);
  await device.ask("open");
  await device.indexBuilt();
  return device;
}

/** The newest `limit` of each of these conversations: how long the call takes, and from its end until a look finds the payloads gone. */
async function purged(
  device: DeviceProcess,
  conversations: readonly number[],
  limit: number,
): Promise<{ readonly ms: number; readonly goneMs: number; readonly sends: readonly number[] }> {
  const addresses = conversations.map((at) => addressOf(at, CONVERSATIONS));
  await device.ask("pick", `${limit} ${addresses.join(" ")}`);
  const { ms } = await device.ask("purge");
  const began = performance.now();
  const sends: number[] = [];
  while ((await device.ask<readonly Purge[]>("purges")).result.some(({ done }) => !done)) {
    sends.push((await device.ask("send", addressOf(CONVERSATIONS - 1, CONVERSATIONS))).ms);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { ms, goneMs: performance.now() - began, sends };
}
