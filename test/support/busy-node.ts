/**
 * A device that sends, imports and syncs until it is killed. Says on its standard output what it was told to be durable, a line each.
 * Run as a process of its own: `node busy-node.js DIRECTORY ADDRESS FILE`.
 */
import { openNode } from "../../src/app/node/open-node.ts";
import { LOOPBACK } from "./devices.ts";

const [, , dir, address, file] = process.argv;
if (dir === undefined || address === undefined || file === undefined)
  throw new Error("usage: DIRECTORY ADDRESS FILE");

const node = await openNode({ dir, listen: [LOOPBACK], discovery: "none" });
await node.connect(address);
process.stdout.write("ready\n");

async function send(): Promise<void> {
  for (let at = 0; ; at++) {
    const { id } = await node.messages.send({ conversation: `room ${at % 5}`, text: `busy ${at}` });
    process.stdout.write(`sent ${id}\n`);
  }
}

async function take(): Promise<void> {
  const { imported, duplicates } = await node.import(file!);
  process.stdout.write(`imported ${imported} ${duplicates}\n`);
}

await Promise.all([send(), take()]);
