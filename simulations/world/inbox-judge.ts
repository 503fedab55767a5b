/**
 * Holds what devices show against what people said (words.ts). During a run: whoever was told that it is done sees it, what is unsent or
 * in the bin stays there, and delivery only climbs. In the end: everything that was done stands, or something that may stand instead.
 */
import { isEngineError } from "../../src/core/base/errors.ts";
import { DELIVERY_STATES, type DeliveryState, MUTED_FOR_EVER } from "../../src/core/inbox/types.ts";
import type { MessageId } from "../../src/core/base/ids.ts";
import type { Conversation } from "../../src/app/node/types.ts";
import { InboxReader } from "../../src/app/node/inbox-reader.ts";
import { type ReadMessage, textOf } from "../../src/app/node/read-message.ts";
import type { MemoryDisk } from "../doubles/memory-disk.ts";
import type { Machine, Running } from "./machine.ts";
import type { SeenInbox } from "./seen.ts";
import { hold } from "./violation.ts";
import type { Witness } from "./witness.ts";
import { lastWords, type Register, showable, type Subject, type Word, type Words } from "./words.ts";

/** What only grows on one disk. */
interface Seen {
  readonly unsent: Set<string>;
  readonly binned: Set<string>;
  readonly delivery: Map<string, number>;
}

const LINES_MAX = 1_000;

const INITIAL: Readonly<Record<Register["of"], string>> = {
  bin: "out",
  reaction: "gone",
  title: "",
  pin: "off",
  mute: "0",
  archive: "off",
  draft: "",
  participants: "[]",
  unread: "read",
  setting: "",
};

export class InboxJudge {
  readonly #witness: Witness;
  readonly #words: Words;
  /** By disk: what was copied earlier and put back may show what it showed then. */
  readonly #seen = new WeakMap<MemoryDisk, Seen>();

  constructor(witness: Witness) {
    this.#witness = witness;
    this.#words = witness.words;
  }

  /** 8: the reader sees its own writes. */
  async checkOwnWords(): Promise<void> {
    for (const word of this.#words.takeFresh()) {
      const { machine } = word;
      if (machine.running === null || machine.isRepairing) continue;
      if (!machine.isDiskQuiet || machine.disk!.damagedCount > 0) continue;
      if (this.#isHidden(machine, word.subject)) continue;
      const stands = await machine.observe((running) => this.#stands(running, word));
      hold(
        8,
        stands !== false,
        () => `${machine.name} does not show what it was told to: ${described(word)}`,
      );
    }
  }

  /** 8: nothing comes back that was taken away, unless somebody asked for it, and no delivery goes back. */
  checkGrowth(machine: Machine, { messages, deliveries }: SeenInbox): void {
    const seen = this.#seenOn(machine.disk!);
    for (const { id, deleted, unsentAt } of messages) {
      hold(8, unsentAt !== null || !seen.unsent.has(id), () => `${machine.name} shows again what was unsent`);
      if (unsentAt !== null) seen.unsent.add(id);
      const isAskedFor = (): boolean =>
        this.#words.about({ of: "bin", message: id }).some(({ value }) => value === "out");
      hold(
        8,
        deleted || !seen.binned.has(id) || isAskedFor(),
        () => `${machine.name} shows again what is in the bin, and nobody asked for it`,
      );
      if (deleted) seen.binned.add(id);
      const state = rankOf(deliveries.get(id) ?? null);
      hold(8, state >= (seen.delivery.get(id) ?? -1), () => `a delivery went back on ${machine.name}`);
      seen.delivery.set(id, state);
    }
  }

  /** Once all is everywhere: of each thing stands what somebody said last. */
  async checkEnd(machine: Machine): Promise<void> {
    await machine.observe(async (running) => {
      const wrong = await running.replica.countWrongRows();
      hold(6, wrong === 0, () => `${wrong} rows of ${machine.name} do not say what its logs say`);
      for (const said of this.#words.all()) {
        const [first] = said;
        if (first === undefined || isOfOther(first.subject, machine)) continue;
        if (this.#isHidden(machine, first.subject)) continue;
        const isGood = await this.#isLast(running, first.subject, said);
        hold(
          8,
          isGood,
          () => `in the end ${machine.name} shows what nobody said last: ${said.map(described).join(", ")}`,
        );
      }
    });
  }

  /** Of what is purged nothing is shown, whatever was said of it. */
  #isHidden(machine: Machine, subject: Subject): boolean {
    return "message" in subject && this.#witness.purges.mayBeHidden(machine, subject.message as MessageId);
  }

  #seenOn(disk: MemoryDisk): Seen {
    const known = this.#seen.get(disk);
    if (known !== undefined) return known;
    const seen: Seen = { unsent: new Set(), binned: new Set(), delivery: new Map() };
    this.#seen.set(disk, seen);
    return seen;
  }

  /** What was done stands on its own device, or what came behind it. */
  async #stands(running: Running, word: Word): Promise<boolean> {
    const { subject, value, what } = word;
    switch (subject.of) {
      case "text": {
        const { isUnsent, texts } = await textsOf(running, subject.message);
        return isUnsent || (what === "edit" && texts.includes(value));
      }
      case "delivery":
        return (await deliveryOf(running, subject.message)) >= rankOf(value as DeliveryState);
      default: {
        const shown = await shownOf(running, subject);
        return showable(this.#words.about(subject), word).some((other) => matches(other.value, shown));
      }
    }
  }

  async #isLast(running: Running, subject: Subject, said: readonly Word[]): Promise<boolean> {
    const done = said.filter(({ doneAt }) => doneAt !== null);
    switch (subject.of) {
      case "text": {
        const { isUnsent, texts, shown } = await textsOf(running, subject.message);
        const isOf = (what: string) => (word: Word) => word.what === what;
        if (isUnsent) return shown === "" && said.some(isOf("unsend"));
        if (done.some(isOf("unsend"))) return false;
        const edits = said.filter(isOf("edit"));
        const isComplete = done.every(({ value }) => texts.includes(value));
        const original = this.#witness.promised.get(subject.message as MessageId)?.text;
        const mayBeOriginal = done.length === 0 && shown === original;
        return isComplete && (mayBeOriginal || lastWords(edits).some(({ value }) => value === shown));
      }
      case "delivery": {
        const shown = await deliveryOf(running, subject.message);
        const ranks = said.map(({ value }) => rankOf(value as DeliveryState));
        const isHigh = done.every(({ value }) => rankOf(value as DeliveryState) <= shown);
        return isHigh && (shown === -1 || ranks.includes(shown));
      }
      default: {
        const shown = await shownOf(running, subject);
        if (done.length === 0 && shown === INITIAL[subject.of]) return true;
        return lastWords(said).some(({ value }) => matches(value, shown));
      }
    }
  }
}

function described({ machine, what, value, begunAt, doneAt }: Word): string {
  return `${machine.name} ${what} "${value}" (${begunAt} to ${doneAt ?? "never"})`;
}

/** A pin of which nobody said the rank has any. */
function matches(value: string, shown: string): boolean {
  return value === shown || (value === "on" && shown.startsWith("on "));
}

function isOfOther(subject: Subject, machine: Machine): boolean {
  return subject.of === "setting" && subject.ofDevice !== null && subject.ofDevice !== machine.name;
}

function rankOf(state: DeliveryState | null): number {
  return state === null ? -1 : DELIVERY_STATES.indexOf(state);
}

function readerOf({ replica }: Running): InboxReader {
  return new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
}

async function deliveryOf(running: Running, message: string): Promise<number> {
  return rankOf(await readerOf(running).deliveryOf(message as MessageId));
}

async function textsOf(
  running: Running,
  message: string,
): Promise<{ readonly isUnsent: boolean; readonly texts: readonly string[]; readonly shown: string }> {
  const read = await readerOf(running).byId(message as MessageId);
  if (read === undefined) {
    const evicted = await evictedOf(running, message);
    const edits = evicted === undefined ? [] : await readerOf(running).marks.edits(evicted.ordered.id);
    return {
      isUnsent: evicted?.ordered.unsent ?? false,
      texts: edits.map(({ text }) => text),
      shown: evicted?.marks.edit?.text ?? "",
    };
  }
  const past = await running.node.messages.history(message);
  return { isUnsent: read.ordered.unsent, texts: past.map(({ text }) => text), shown: textOf(read) };
}

/** What is here of a message whose text is on another device; undefined where it is here, or nowhere. */
async function evictedOf(
  running: Running,
  message: string,
): Promise<Pick<ReadMessage, "ordered" | "marks"> | undefined> {
  const inbox = readerOf(running);
  const ordered = await inbox.findMessage(message).catch((error: unknown) => {
    if (!isEngineError(error, "NOT_FOUND")) throw error;
  });
  if (ordered === undefined) return undefined;
  const [isEvicted] = await inbox.opener.evictedAt([ordered.place]);
  return isEvicted === true ? { ordered, marks: await inbox.marks.of(ordered) } : undefined;
}

/** As a person is shown it in the list. */
async function lineOf({ node }: Running, conversation: string): Promise<Conversation | undefined> {
  const lines = [
    ...(await node.conversations.list({ limit: LINES_MAX })),
    ...(await node.conversations.list({ limit: LINES_MAX, archived: true })),
  ];
  return lines.find((line) => line.conversation === conversation);
}

async function shownOf(running: Running, subject: Register): Promise<string> {
  const inbox = readerOf(running);
  if (subject.of === "setting") {
    const scope = subject.ofDevice === null ? "account" : "device";
    return (await running.node.settings.get(subject.name, { scope })) ?? "";
  }
  if (subject.of === "bin" || subject.of === "reaction") {
    const read =
      (await inbox.byId(subject.message as MessageId)) ?? (await evictedOf(running, subject.message));
    if (subject.of === "bin") return read?.ordered.deleted === true ? "bin" : "out";
    const { emoji, sender } = subject;
    const isThere = read?.marks.reactions.some(
      (reaction) => reaction.emoji === emoji && reaction.sender === sender,
    );
    return isThere === true ? "there" : "gone";
  }
  const id = running.replica.fold!.conversationOf(subject.conversation);
  const state = await inbox.conversation(id);
  if (state === undefined) return INITIAL[subject.of];
  switch (subject.of) {
    case "pin":
      return state.pin?.on === true ? `on ${state.pin.rank}` : "off";
    case "mute":
      return state.mute?.untilMs === MUTED_FOR_EVER ? "for ever" : String(state.mute?.untilMs ?? 0);
    case "unread":
      return state.markedUnread ? "unread" : "read";
    case "archive":
      return state.archive?.on === true ? "on" : "off";
    default: {
      const line = await lineOf(running, subject.conversation);
      return subject.of === "participants"
        ? JSON.stringify(line?.participants ?? [])
        : ((subject.of === "title" ? line?.title : line?.draft) ?? "");
    }
  }
}
