/**
 * Opens a device after a fault and holds it against what it had said to be durable: all of it is there, nothing is there twice, nothing
 * is shown that nobody wrote, `verify` finds nothing bad, and the device goes on without any repair. Gives what is wrong as sentences.
 */
import { openNode } from "../../src/app/node/open-node.ts";
import type { KinlogNode, Message } from "../../src/app/node/types.ts";
import { isEngineError } from "../../src/core/base/errors.ts";
import { BACKUP_CONVERSATION, backupText } from "./backup.ts";
import type { Said } from "./said.ts";

const SHOW_MAX = 1_000_000;
const PROBLEMS_MAX = 10;

export interface AuditInput {
  readonly dir: string;
  readonly said: Said;
  readonly backup: { readonly path: string; readonly messages: number };
  /** False: only look, which is faster. */
  readonly goOn: boolean;
}

/** Empty where all is as it must be. */
export async function auditDevice({ dir, said, backup, goOn }: AuditInput): Promise<readonly string[]> {
  let node: KinlogNode;
  try {
    node = await openNode({ dir, network: false });
  } catch (error) {
    return [`cannot be opened: ${describe(error)}`];
  }
  const problems: string[] = [];
  try {
    await look(node, said, backup.messages, problems);
    if (goOn) await play(node, said, backup, problems);
    const { alarms } = await node.status();
    for (const { code, text } of alarms) problems.push(`alarm ${code}: ${text}`);
  } catch (error) {
    problems.push(`failed: ${describe(error)}`);
  } finally {
    await node.close();
  }
  return problems.slice(0, PROBLEMS_MAX);
}

/** Every message of a device by its id. Pushes what is wrong with the list itself. */
export async function messagesOf(
  node: KinlogNode,
  problems: string[],
): Promise<ReadonlyMap<string, Message>> {
  const byId = new Map<string, Message>();
  for (const { conversation } of await node.conversations.list({ limit: SHOW_MAX })) {
    for (const message of await node.messages.show(conversation, { limit: SHOW_MAX, deleted: true })) {
      if (byId.has(message.id)) problems.push(`${message.id} is there twice`);
      byId.set(message.id, message);
    }
  }
  return byId;
}

async function look(node: KinlogNode, said: Said, backupMessages: number, problems: string[]): Promise<void> {
  if (said.account !== null && node.account !== said.account) problems.push("it has another account");
  const byId = await messagesOf(node, problems);
  for (const [id, text] of said.sent) {
    const message = byId.get(id);
    if (message === undefined) problems.push(`${text} was said to be durable and is gone`);
    else if (labelOf(message.text) !== text) problems.push(`${text} reads ${message.text.slice(0, 40)}`);
  }
  for (const [id, isDeleted] of said.deleted) {
    if (isDeleted !== "unknown" && byId.get(id)?.deleted !== isDeleted)
      problems.push(`${said.sent.get(id)} should ${isDeleted ? "" : "not "}be deleted`);
  }
  const asked = new Set(said.asked);
  const seen = new Map<string, number>();
  const fromBackup = new Set<string>();
  for (const { text, conversation, id, deleted } of byId.values()) {
    const label = labelOf(text);
    if (conversation === BACKUP_CONVERSATION) fromBackup.add(text);
    else if (!asked.has(label)) problems.push(`shows what nobody wrote: ${text.slice(0, 40)}`);
    if (conversation !== BACKUP_CONVERSATION) seen.set(label, (seen.get(label) ?? 0) + 1);
    if (deleted && !said.deleted.has(id)) problems.push(`${label} is deleted, and nobody did it`);
  }
  for (const [text, count] of seen) if (count > 1) problems.push(`${text} is there ${count} times`);
  const known = new Set(Array.from({ length: backupMessages }, (_, at) => backupText(at)));
  for (const text of fromBackup)
    if (!known.has(text)) problems.push(`shows what was not in the backup: ${text}`);
  if (said.isImported && fromBackup.size !== backupMessages)
    problems.push(`${fromBackup.size} of ${backupMessages} imported messages are there`);
  const { bad, lost } = await node.verify();
  if (bad > 0 || lost > 0) problems.push(`verify finds ${bad} bad`);
}

/** Nobody repairs anything: the same device goes on. */
async function play(
  node: KinlogNode,
  said: Said,
  backup: AuditInput["backup"],
  problems: string[],
): Promise<void> {
  const { imported, duplicates } = await node.import(backup.path);
  if (imported + duplicates !== backup.messages)
    problems.push(`an import after it took ${imported} and knew ${duplicates} of ${backup.messages}`);
  said.asked.push("afterwards");
  const { id } = await node.messages.send({ conversation: "afterwards", text: "afterwards" });
  const byId = await messagesOf(node, problems);
  if (byId.get(id)?.text !== "afterwards") problems.push("a message sent afterwards is not there");
  for (const each of said.sent.keys()) if (!byId.has(each)) problems.push(`${each} is gone after going on`);
}

/** Large texts are a label and dots. */
function labelOf(text: string): string {
  return text.replace(/\.+$/, "");
}

export function describe(error: unknown): string {
  if (isEngineError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
