/**
 * A device that carries purges out until it is killed. Run as a process of its own: `node erasing-node.js DIRECTORY`.
 */
import { openNode } from "../../src/app/node/open-node.ts";
import { LOOPBACK } from "./devices.ts";

const [, , dir] = process.argv;
if (dir === undefined) throw new Error("usage: DIRECTORY");
await openNode({ dir, listen: [LOOPBACK], discovery: "none" });
process.stdout.write("ready\n");
