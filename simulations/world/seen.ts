/** What a person sees on a device, and what a device holds, each as values that can be compared with those of another device. */
import { createHash } from "node:crypto";
import type { ConversationId, LogId, MessageId } from "../../src/core/base/ids.ts";
import type { LogState } from "../../src/core/log/types.ts";
import type { MemberView } from "../../src/core/membership/types.ts";
import type { MemoryLog, MemoryState } from "../doubles/memory-disk.ts";
import { readLines } from "../../src/app/node/conversation-lines.ts";
import type { DeliveryState } from "../../src/core/inbox/types.ts";
import type { OrderedMessage } from "../../src/core/inbox/view.ts";
import { messageOfKey } from "../../src/core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../src/core/inbox/rows.ts";
import { viewDigest } from "../../src/core/inbox/view-digest.ts";
import { InboxReader } from "../../src/app/node/inbox-reader.ts";
import { textOf } from "../../src/app/node/read-message.ts";
import { shownMessages } from "../../src/app/node/shown-messages.ts";
import { SettingsReader } from "../../src/app/node/settings-reader.ts";
import type { Conversation, Message } from "../../src/app/node/types.ts";
import type { Replica } from "../../src/app/replica/replica.ts";
import type { Machine, Running } from "./machine.ts";

export interface SeenInbox {
  readonly messages: readonly Message[];
  /** How far each message of one's own got. */
  readonly deliveries: ReadonlyMap<string, DeliveryState | null>;
  /** Of all that is shown, in one order, and of the rows that it is read from. */
  readonly digest: string;
  /** Per conversation: how far it is read. */
  readonly readUpTo: ReadonlyMap<string, string>;
}

/** The rows of the view: docs/spec/inbox.md, "View". */
const VIEW_ROWS = "moeurcsdtpqy";

const NO_LOGS: ReadonlySet<string> = new Set();
const ALL = { limit: 100_000, before: null, deleted: true };

export interface Beside {
  /** A conversation that is left out, and the totals with it. */
  readonly beside?: string;
  /** Messages whose texts are not on every device, since some have evicted them: of these only what all have makes the digest. */
  readonly apart?: ReadonlySet<MessageId>;
}

const NONE_APART: ReadonlySet<MessageId> = new Set();

export async function inboxOf(
  machine: Machine,
  { beside, apart = NONE_APART }: Beside = {},
): Promise<SeenInbox | undefined> {
  return machine.observe(async ({ replica }) => {
    const inbox = new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
    const messages: Message[] = [];
    const deliveries = new Map<string, DeliveryState | null>();
    const readUpTo = new Map<string, string>();
    const pinned: string[] = [];
    const lines: string[] = [];
    for (const state of await inbox.conversations()) {
      const [line] = await readLines(replica, inbox, [state]);
      if (line!.conversation === beside) continue;
      const ordered = await inbox.ordered(state.conversation, ALL);
      const shown = await shownMessages(inbox, ordered, state);
      messages.push(...shown);
      const ids = new Set(shown.map(({ id }) => id));
      const read = ordered.filter(({ id }) => ids.has(id));
      for (const { id, delivery } of read) deliveries.set(id, delivery);
      if (state.pin?.on === true) pinned.push(state.conversation);
      const { stamp, id } = state.readUpTo ?? { stamp: { ms: 0, counter: 0 }, id: "" };
      readUpTo.set(
        state.conversation,
        `${String(stamp.ms).padStart(15, "0")} ${String(stamp.counter).padStart(6, "0")} ${id}`,
      );
      const pasts = await Promise.all(
        read.filter(({ edited }) => edited).map((message) => inbox.marks.edits(message.id)),
      );
      // Until when it is muted stands in the rows; whether it is by now each clock says for itself.
      const { muted: _, mutedUntil: __, ...described } = line!;
      const newest = read.findLast(({ deleted }) => !deleted);
      const common =
        newest === undefined || !apart.has(newest.id)
          ? described
          : { ...described, last: lastWithoutPayload(described.last, newest), service: null };
      lines.push(
        JSON.stringify([
          state.conversation,
          common,
          shown.map((message) => (apart.has(message.id as MessageId) ? withoutPayload(message) : message)),
          pasts,
        ]),
      );
    }
    const names = [...(await inbox.deviceNames())].map((pair) => pair.join(" "));
    const settings = await new SettingsReader(replica, inbox.opener).all();
    const whole = JSON.stringify([
      lines.toSorted(),
      pinned,
      names.toSorted(),
      settings,
      beside === undefined ? [await inbox.totals(), viewOf(machine)] : null,
    ]);
    return { messages, deliveries, readUpTo, digest: createHash("sha256").update(whole).digest("hex") };
  });
}

function lastWithoutPayload(last: Conversation["last"], { edited }: OrderedMessage): object | null {
  return last && { id: last.id, text: edited ? last.text : "" };
}

/** What is shown of a message wherever its text is. */
function withoutPayload(message: Message): Partial<Message> {
  const { sender: _, service: __, sentAt: ___, receivedAt: ____, replyTo: _____, ...rest } = message;
  const { text, editedAt, stored } = message;
  return { ...rest, text: editedAt === null ? "" : text, stored: { ...stored, here: true } };
}

/** What is shown of one message; undefined where it is not shown, or its text is elsewhere. */
export async function shownText({ replica }: Running, id: MessageId): Promise<string | undefined> {
  const inbox = new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
  const read = await inbox.byId(id);
  return read === undefined ? undefined : textOf(read);
}

/**
 * The same, from memory where nothing has changed since it was last asked in which a reader looks: the program that runs, its disk, the
 * members and the keys that it knows. Asked while nothing is on its way to the disk and nothing on it is damaged; what is asked in the
 * end of a run is read anew.
 */
export async function inboxAtRest(machine: Machine, options: Beside = {}): Promise<SeenInbox | undefined> {
  const { replica } = machine.running!;
  const { members, keys, viewsBuilt } = replica;
  const epochs = [...members.epochs.keys()].filter((epoch) => keys.has(epoch)).length;
  const { version, rows } = machine.disk!.state;
  const apart = [...(options.apart ?? NONE_APART)].toSorted().join(" ");
  const basis = [replica, version, rows.version, members, keys.indexKey, viewsBuilt, epochs, apart];
  const known = inboxByMachine.get(machine);
  if (known !== undefined && areSame(known.basis, basis)) return known.inbox;
  const inbox = await inboxOf(machine, options);
  if (inbox !== undefined) inboxByMachine.set(machine, { basis, inbox });
  return inbox;
}

const inboxByMachine = new WeakMap<
  Machine,
  { readonly basis: readonly unknown[]; readonly inbox: SeenInbox }
>();

/** Of the rows on the disk: asked while nothing is on its way there. */
function viewOf(machine: Machine): string {
  const { rows } = machine.disk!.state;
  const known = viewByVersion.get(rows.version);
  if (known !== undefined) return known;
  const view = viewDigest(rows.inOrder().filter(([key]) => VIEW_ROWS.includes(key[0]!)));
  viewByVersion.set(rows.version, view);
  return view;
}

/** Follows from the rows alone, which are often the same from one comparison to the next. */
const viewByVersion = new WeakMap<object, string>();

/** The messages of a conversation on the disk, sent and taken in; with `of` those in the bin alone. */
export function messagesIn(machine: Machine, conversation: ConversationId, of?: "bin"): readonly MessageId[] {
  const rows = [...(machine.disk?.state.rows ?? [])].filter(([key, row]) => {
    if (!key.startsWith("m")) return false;
    const { content, register } = decodeMessageRow(row);
    return content?.conversation === conversation && (of === undefined || register?.deleted === true);
  });
  return rows.map(([key]) => messageOfKey(key));
}

/** False for a moment while the program takes damage away by itself: what the disk has forgotten the replica still counts. */
export function isAsOnDisk(machine: Machine, replica: Replica): boolean {
  const { logs } = machine.disk!.state;
  for (const [log, { held }] of replica.frontier) {
    const stored = logs.get(log)?.state.held ?? [];
    // Mostly the very same: ranges are never changed in place.
    if (stored !== held && JSON.stringify(stored) !== JSON.stringify(held)) return false;
  }
  return true;
}

/** As the replica says it, which walks over all logs; asked again only where one of their states, or the members, are others. */
export function fingerprintOf(replica: Replica): string {
  const { members } = replica;
  const states = [...replica.frontier.values()];
  const known = printByReplica.get(replica);
  if (known?.members === members && areSame(known.states, states)) return known.print;
  const print = replica.fingerprint();
  printByReplica.set(replica, { members, states, print });
  return print;
}

const printByReplica = new WeakMap<
  Replica,
  { readonly members: MemberView; readonly states: readonly LogState[]; readonly print: string }
>();

/** Which entries of which logs of known owners are taken in, by their leaves; those of the logs `beside` are left out. */
export function setOf(machine: Machine, replica: Replica, beside: ReadonlySet<string> = NO_LOGS): string {
  if (beside !== NO_LOGS) return digestOfSet(machine, replica, beside);
  const { members } = replica;
  const { state: disk } = machine.disk!;
  const states = [...disk.logs.values()].map(({ state }) => state);
  const known = setByDisk.get(disk);
  if (known?.members === members && areSame(known.states, states)) return known.set;
  const set = digestOfSet(machine, replica, beside);
  setByDisk.set(disk, { members, states, set });
  return set;
}

/** A set follows from the states of the logs on the disk, which are others with every commit to them, and from whose logs are known. */
const setByDisk = new WeakMap<
  MemoryState,
  { readonly members: MemberView; readonly states: readonly LogState[]; readonly set: string }
>();

function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((each, at) => each === others[at]);
}

function digestOfSet(machine: Machine, replica: Replica, beside: ReadonlySet<string>): string {
  const hash = createHash("sha256");
  const { logs } = machine.disk!.state;
  const known = [...logs.keys()]
    .filter((log) => replica.members.logs.has(log) && !beside.has(log))
    .toSorted();
  for (const log of known) {
    const stored = logs.get(log)!;
    if (stored.state.held.length > 0) hash.update(digestOfLog(log, stored));
  }
  return hash.digest("hex");
}

/** A log's state is another with every commit to it, and sets are asked for many times between two commits. */
const digestByState = new WeakMap<LogState, string>();

function digestOfLog(log: LogId, stored: MemoryLog): string {
  const known = digestByState.get(stored.state);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  addLog(hash, log, stored);
  const digest = hash.digest("hex");
  digestByState.set(stored.state, digest);
  return digest;
}

function addLog(hash: ReturnType<typeof createHash>, log: LogId, { state, leaves }: MemoryLog): void {
  hash.update(log);
  for (const { from, to } of state.held) {
    hash.update(`${from}-${to}`);
    for (let at = from; at < to; at++) hash.update(leaves.get(at)!);
  }
}
