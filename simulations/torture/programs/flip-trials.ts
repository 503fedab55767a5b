/**
 * Damages a copy of a device and starts it beside a copy of its sibling: `node flip-trials.js FROM TO BASE SCRATCH`. Says for each trial
 * what was done, what came of it, and what was wrong.
 */
import "../../../src/promise-with-resolvers.ts";
import { cpSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openNode } from "../../../src/app/node/open-node.ts";
import type { KinlogNode, Message } from "../../../src/app/node/types.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { addressOf, LOOPBACK } from "../../../test/support/devices.ts";
import { Random } from "../../doubles/random.ts";
import { describe, messagesOf } from "../audit.ts";
import { damage } from "../damage.ts";

const [from, to, base, scratch] = process.argv.slice(2);
const SYNC_MS = 30_000;
const CODES: readonly string[] = ["STORE_DAMAGED", "STORE_NEWER_VERSION"];

interface Trial {
  /** `unseen`: nothing was missing; `healed`: something was, and came back before anybody noticed; `refused`: it did not open; `beyond repair`: it opened, and said so when it was asked to repair. */
  readonly outcome: "unseen" | "healed" | "repaired" | "refused" | "beyond repair";
  readonly problems: readonly string[];
}

for (let trial = Number(from); trial < Number(to); trial++) {
  const home = join(scratch!, `trial-${trial}`);
  rmSync(home, { recursive: true, force: true });
  cpSync(base!, home, { recursive: true });
  const done = damage(join(home, "phone", "db"), new Random(trial));
  const { outcome, problems } = await runTrial(home);
  if (problems.length === 0) rmSync(home, { recursive: true, force: true });
  writeSync(1, `${JSON.stringify({ trial, damage: done, outcome, problems })}\n`);
}

async function start(dir: string): Promise<KinlogNode> {
  return openNode({ dir, listen: [LOOPBACK], discovery: "none" });
}

async function runTrial(home: string): Promise<Trial> {
  const laptop = await start(join(home, "laptop"));
  try {
    const problems: string[] = [];
    const expected = await messagesOf(laptop, problems);
    const opened = await tryToOpen(join(home, "phone"));
    if ("refusal" in opened) return { outcome: "refused", problems: opened.refusal };
    try {
      return await repair(opened.phone, laptop, expected);
    } catch (error) {
      return { outcome: "beyond repair", problems: refusal(error) };
    } finally {
      await opened.phone.close();
    }
  } finally {
    await laptop.close();
  }
}

async function tryToOpen(
  dir: string,
): Promise<{ readonly phone: KinlogNode } | { readonly refusal: readonly string[] }> {
  try {
    return { phone: await start(dir) };
  } catch (error) {
    return { refusal: refusal(error) };
  }
}

/** What is wrong with the way in which it was said. */
function refusal(error: unknown): readonly string[] {
  if (!isEngineError(error)) return [describe(error)];
  const { code, remedy } = error;
  const problems = CODES.includes(code) ? [] : [`refused with ${describe(error)}`];
  if (code === "STORE_DAMAGED" && !(remedy ?? "").includes("kinlog join"))
    problems.push(`the remedy is ${remedy ?? "missing"}`);
  return problems;
}

async function repair(
  phone: KinlogNode,
  laptop: KinlogNode,
  expected: ReadonlyMap<string, Message>,
): Promise<Trial> {
  const problems: string[] = [];
  const before = await lookAt(phone, expected, problems);
  const opening = (await phone.status()).alarms.length;
  await phone.connect(addressOf(laptop));
  const { bad, lost } = await phone.verify({ repair: true });
  const { alarms } = await phone.status();
  const isReported = bad > 0 || alarms.some(({ code }) => code === "damage");
  if (bad > 0 && alarms.length === opening) problems.push("damage raised no alarm");
  if (lost > 0) problems.push(`${lost} did not come back from the sibling`);
  await phone.connect(addressOf(laptop));
  for (const node of [phone, laptop])
    if (!(await node.sync({ timeoutMs: SYNC_MS })).inSync) problems.push("they do not come into sync");
  const after = await lookAt(phone, expected, problems);
  if (after > 0) problems.push(`${after} are missing after the repair`);
  const second = await phone.verify();
  if (second.bad > 0) problems.push(`${second.bad} are bad after the repair`);
  await phone.messages.send({ conversation: "afterwards", text: "afterwards" });
  if (!(await phone.sync({ timeoutMs: SYNC_MS })).inSync)
    problems.push("a message afterwards does not arrive");
  const [a, b] = [await phone.status(), await laptop.status()];
  if (a.fingerprint !== b.fingerprint || a.messages !== b.messages)
    problems.push(`${a.messages} here and ${b.messages} there, ${a.fingerprint} and ${b.fingerprint}`);
  for (const { code, text } of b.alarms) problems.push(`the sibling raises ${code}: ${text}`);
  // A damaged index hides rows until LevelDB itself compacts the table: then nobody was told, and nothing is lost.
  return { outcome: isReported ? "repaired" : before > 0 ? "healed" : "unseen", problems };
}

/** How many messages are missing or cannot be read. Something shown that nobody wrote is a problem. */
async function lookAt(
  phone: KinlogNode,
  expected: ReadonlyMap<string, Message>,
  problems: string[],
): Promise<number> {
  try {
    const shown = await messagesOf(phone, problems);
    for (const [id, { text, conversation, deleted, sender }] of shown) {
      const right = expected.get(id);
      if (
        right === undefined ||
        right.text !== text ||
        right.conversation !== conversation ||
        right.deleted !== deleted ||
        right.sender !== sender
      )
        problems.push(`shows something wrong: ${text.slice(0, 40)}`);
    }
    return [...expected.keys()].filter((id) => !shown.has(id)).length;
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    return 1;
  }
}
