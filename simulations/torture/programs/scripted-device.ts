/**
 * A device that plays a script and says what it was told to be durable: it begins an account, sends, imports a backup, deletes,
 * restores, is closed and opened again, sends. Refused by a disk, it says the code and tries again, as a person would.
 * `node scripted-device.js DIRECTORY BACKUP LARGE`, where LARGE messages of 60,000 characters make LevelDB change its log.
 */
import "../../../src/promise-with-resolvers.ts";
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { hasAccount, initAccount, openNode } from "../../../src/app/node/open-node.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { Line } from "../said.ts";

const [dir, backup, large = "0"] = process.argv.slice(2);
if (dir === undefined || backup === undefined) throw new Error("usage: DIRECTORY BACKUP [LARGE]");

const CONVERSATIONS = 3;
const ONE_BY_ONE = 8;
const TOGETHER = 6;
const AT_THE_END = 4;
const LARGE_CHARACTERS = 60_000;
const RETRY_AFTER_MS = 250;
const RETRIES_MAX = 400;

let asked = 0;

function say(line: Line): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** Until it is done. What is no operating error ends the process. */
async function insist<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let retry = 0; ; retry++) {
    try {
      return await work();
    } catch (error) {
      if (!isEngineError(error) || retry === RETRIES_MAX) throw error;
      say({ did: "refused", code: error.code });
      await pause(RETRY_AFTER_MS);
    }
  }
}

async function send(node: KinlogNode, size = 0): Promise<string> {
  return insist(async () => {
    const label = `text ${asked++}`;
    const text = label.padEnd(size, ".");
    say({ did: "asked", text: label });
    const { id } = await node.messages.send({ conversation: `room ${asked % CONVERSATIONS}`, text });
    say({ did: "sent", id, text: label });
    return id;
  });
}

const isNew = !(await hasAccount(dir));
if (isNew) {
  const { account } = await insist(() => initAccount({ dir, name: "tortured" }));
  say({ did: "founded", account });
}
let node = await insist(() => openNode({ dir, network: false }));
if (!isNew) say({ did: "founded", account: node.account });

const ids: string[] = [];
for (let at = 0; at < ONE_BY_ONE; at++) ids.push(await send(node));
await Promise.all(Array.from({ length: TOGETHER }, () => send(node)));
const { imported, duplicates } = await insist(() => node.import(backup));
say({ did: "imported", imported, duplicates });
for (const id of ids.slice(0, 3)) {
  say({ did: "deleting", id });
  await insist(() => node.messages.delete([id]));
  say({ did: "deleted", id });
}
for (const id of ids.slice(0, 1)) {
  say({ did: "restoring", id });
  await insist(() => node.messages.restore([id]));
  say({ did: "restored", id });
}
for (let at = 0; at < Number(large); at++) await send(node, LARGE_CHARACTERS);
await node.close();
node = await insist(() => openNode({ dir, network: false }));
for (let at = 0; at < AT_THE_END; at++) await send(node);
await node.close();
say({ did: "ended" });
