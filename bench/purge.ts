/**
 * What erasing takes in a node with a long history: one message, a conversation, many conversations. A device that is alone in its account
 * waits for nobody, so the same run shows how long it is until nothing is listed, until the payloads are gone and until the files are smaller.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Purge } from "../src/index.ts";
import { addressOf, corpus } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const MESSAGES = 1_000_000;
const CONVERSATIONS = 2_000;
/** Conversations that are erased in one call. */
const MANY = 50;
const POLL_MS = 20;
/** The files are as small as they get when they have not shrunk for so long. */
const AT_REST_MS = 10_000;

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

    const device = new DeviceProcess(path, "device", nodeOptions);
    await device.ask("open");
    await device.indexBuilt();
    const [one, oneGone, whole, wholeGone]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let run = 0; run < runs; run++) {
      const single = await purged(device, [run], 1);
      one.push(single.ms);
      oneGone.push(single.goneMs);
      const conversation = await purged(device, [runs + run], n);
      whole.push(conversation.ms);
      wholeGone.push(conversation.goneMs);
    }
    const before = await atRest(path);
    const numbers = Array.from({ length: MANY }, (_, at) => 2 * runs + at);
    const many = await purged(device, numbers, n);
    const after = await atRest(path);
    const { ms: listMs } = await device.ask("list");
    const memory = await device.ask<number>("memory");
    await device.end();
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
      { what: "the files smaller by", unit: "MB", values: [(before - after) / 1e6] },
      { what: "the list of 200 behind it", unit: "ms", values: [listMs] },
      { what: "resident, highest", unit: "MiB", values: [memory.result] },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
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

/** Bytes of all files of the device, when compaction has come to its end. */
async function atRest(path: string): Promise<number> {
  let [size, since] = [bytesIn(path), performance.now()];
  while (performance.now() - since < AT_REST_MS) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = bytesIn(path);
    if (now < size) since = performance.now();
    size = Math.min(size, now);
  }
  return size;
}

function bytesIn(path: string): number {
  let size = 0;
  for (const file of readdirSync(path, { recursive: true, withFileTypes: true }))
    if (file.isFile())
      size += statSync(join(file.parentPath, file.name), { throwIfNoEntry: false })?.size ?? 0;
  return size;
}
