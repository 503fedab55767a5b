/** Purges as tests write them, and what is left of payloads in the files of a device. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlId, LogId } from "../../src/core/base/ids.ts";
import { compareOrder } from "../../src/core/inbox/stamp.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import type { BatchEntry } from "../../src/core/log/types.ts";
import type { BodyOf } from "../../src/core/membership/types.ts";
import { openReplica } from "../../src/app/node/device-directory.ts";
import { InboxReader } from "../../src/app/node/inbox-reader.ts";
import { deviceDirectory } from "../../src/app/node/machine-directory.ts";
import { Purging } from "../../src/app/node/purging.ts";
import type { Replica } from "../../src/app/replica/replica.ts";

export type Named = BodyOf<"purge">["entries"];

export async function entriesOf(replica: Replica, log: LogId): Promise<readonly BatchEntry[]> {
  return (await replica.ports.store.entries(log, 0, 100_000)).map(({ entry }) => entry);
}

/** What a purge of the entries `[from, to)` of a log names, of which all is held. */
export async function namedOf(replica: Replica, log: LogId, from: number, to: number): Promise<Named> {
  const leaves = leavesOf(await entriesOf(replica, log));
  return leaves.slice(from, to).map((leaf, at) => ({ log, position: from + at, leaf }));
}

export async function writePurge(replica: Replica, entries: Named): Promise<ControlId> {
  await replica.writer.appendControl([{ kind: "purge", entries }]);
  return replica.members.purges.at(-1)!.id;
}

/** Purges the oldest messages of a conversation as a person does, with their tombstones. */
export async function purgeOldest(replica: Replica, address: string, count: number): Promise<ControlId> {
  const inbox = new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
  const all = { limit: 100_000, before: null, deleted: true };
  const messages = await inbox.messages(replica.fold!.conversationOf(address), all);
  const oldest = messages
    .toSorted((a, b) => compareOrder(a.operation, b.operation))
    .slice(0, count)
    .map(({ operation }) => operation.id);
  await new Purging(replica, inbox).write(oldest);
  return replica.members.purges.at(-1)!.id;
}

/** The replica of a device that does not run, for a moment. */
export async function withReplica<Result>(
  dir: string,
  work: (replica: Replica) => Promise<Result>,
): Promise<Result> {
  const { replica } = await openReplica(deviceDirectory(dir));
  try {
    return await work(replica);
  } finally {
    await replica.close();
  }
}

/** Bytes of the middle of a sealed payload, which LevelDB's packing leaves as they are. */
export function canariesOf(entries: readonly BatchEntry[]): readonly Buffer[] {
  return entries.map(({ bytes }) => {
    const middle = Math.floor(bytes.length / 2);
    return Buffer.from(bytes.slice(middle - 12, middle + 12));
  });
}

/** How many of the canaries stand in any file below a directory. */
export async function countCanaries(dir: string, canaries: readonly Buffer[]): Promise<number> {
  const found = new Set<number>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // A table may go while they are read.
    const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0));
    for (const [at, canary] of canaries.entries()) if (bytes.includes(canary)) found.add(at);
  }
  return found.size;
}
