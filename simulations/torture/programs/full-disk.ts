/**
 * A device on a small disk that runs full under it and has room again later. Must run in a mount namespace of its own:
 * `unshare -m node full-disk.js FROM TO DIRECTORY BACKUP MESSAGES`. Says for each trial what was wrong.
 */
import "../../../src/promise-with-resolvers.ts";
import { execFileSync, spawn } from "node:child_process";
import { rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openNode } from "../../../src/app/node/open-node.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { Random } from "../../doubles/random.ts";
import { auditDevice } from "../audit.ts";
import { type Line, Said } from "../said.ts";

const SCRIPTED_DEVICE = fileURLToPath(new URL("scripted-device.js", import.meta.url));
const DISK = "6m";
const BALLAST = "ballast";
/** What is left free when the run begins: between the founding of an account and the end of an import. */
const ROOM_BYTES = { least: 0, most: 120_000 };
const REFUSALS_BEFORE_ROOM = 3;
const FULL_MS = 60_000;

const [from, to, mountPoint, backupPath, backupMessages] = process.argv.slice(2);
const backup = { path: backupPath!, messages: Number(backupMessages) };

for (let trial = Number(from); trial < Number(to); trial++) {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", mountPoint!]);
  const problems = await fillOnce(new Random(trial), join(mountPoint!, "device"));
  execFileSync("umount", [mountPoint!]);
  writeSync(1, `${JSON.stringify({ trial, problems })}\n`);
}

async function fillOnce(random: Random, dir: string): Promise<readonly string[]> {
  fill(random.between(ROOM_BYTES.least, ROOM_BYTES.most));
  const { said, problems } = await runUntilRoom(dir);
  if (!said.hasEnded) problems.push("did not go on by itself when there was room");
  if (!said.refused.includes("DISK_FULL")) problems.push("nobody was told of the full disk");
  for (const code of said.refused) if (code !== "DISK_FULL") problems.push(`refused with ${code}`);
  problems.push(...(await auditDevice({ dir, said, backup, goOn: true })));
  fill(0);
  const code = await openingCode(dir);
  // Opening may need no room; where it does it says so, and does not call the store damaged.
  if (code !== undefined && code !== "DISK_FULL") problems.push(`a full disk at the start is called ${code}`);
  rmSync(join(mountPoint!, BALLAST));
  problems.push(
    ...(await auditDevice({ dir, said, backup, goOn: true })).map((each) => `opened again: ${each}`),
  );
  return problems;
}

/** Leaves so many bytes free. */
function fill(freeBytes: number): void {
  const { bavail, bsize } = statfsSync(mountPoint!);
  writeFileSync(join(mountPoint!, BALLAST), new Uint8Array(Math.max(0, bavail * bsize - freeBytes)));
}

/** Makes room once the device has been refused some times, and lets it play to its end. */
async function runUntilRoom(dir: string): Promise<{ readonly said: Said; readonly problems: string[] }> {
  const child = spawn(process.execPath, [SCRIPTED_DEVICE, dir, backup.path], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const said = new Said();
  const timer = setTimeout(() => child.kill("SIGKILL"), FULL_MS);
  for await (const text of createInterface({ input: child.stdout })) {
    said.take(JSON.parse(text) as Line);
    if (said.refused.length === REFUSALS_BEFORE_ROOM) rmSync(join(mountPoint!, BALLAST), { force: true });
  }
  clearTimeout(timer);
  return { said, problems: errors === "" ? [] : [errors.slice(0, 500)] };
}

/** Undefined where it opens; the device's own timers have a moment to say something wrong. */
async function openingCode(dir: string): Promise<string | undefined> {
  try {
    const node = await openNode({ dir, network: false });
    await pause(10);
    await node.close();
    return undefined;
  } catch (error) {
    return isEngineError(error) ? error.code : String(error);
  }
}
