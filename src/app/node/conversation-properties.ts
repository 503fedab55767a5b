/**
 * What people set for a conversation: title, pin, mute, archive, draft, participants. Each call checks what it was given and resolves when
 * it is durable; what is so already is not written again. Tests: test/integration/app/inbox.test.ts.
 */
import type { ConversationId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { validateAddress, validateText } from "../../core/inbox/address.ts";
import { MUTED_FOR_EVER, PARTICIPANTS_MAX, type OperationBody } from "../../core/inbox/types.ts";
import { type ConversationState, isMuted } from "../../core/inbox/view.ts";
import type { Replica } from "../replica/replica.ts";
import { DraftPace } from "./draft-pace.ts";
import type { InboxReader } from "./inbox-reader.ts";
import { freshDraft } from "./fresh-draft.ts";
import type { KinlogNode } from "./types.ts";

type Done = { readonly done: number };
type Properties = Omit<KinlogNode["conversations"], "list" | "read" | "unread" | "delete">;

const RANK_MAX = 2 ** 48 - 1;
const NOTHING: Done = { done: 0 };

export class ConversationProperties implements Properties {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  readonly #drafts: DraftPace;
  /** The last draft of which it is being looked whether it stands already: each waits for the one before, or an earlier one might stay. */
  #taking: Promise<unknown> = Promise.resolve();

  constructor(replica: Replica, inbox: InboxReader) {
    this.#replica = replica;
    this.#inbox = inbox;
    this.#drafts = new DraftPace(replica.ports.clock, async (conversation, text) => {
      await this.#write({ kind: "draft", conversation, text });
    });
  }

  async title(argument: string, title: string): Promise<Done> {
    if (title !== "") validateAddress(title);
    const { conversation, title: place } = await this.#state(argument);
    const [standing = null] = await this.#inbox.namesAt([place?.place ?? null]);
    return (standing ?? "") === title ? NOTHING : this.#write({ kind: "title", conversation, title });
  }

  async pin(argument: string, { rank }: { readonly rank?: number } = {}): Promise<Done> {
    const { conversation, pin } = await this.#state(argument);
    if (pin?.on === true && (rank === undefined || rank === pin.rank)) return NOTHING;
    return this.#write({ kind: "pin", conversation, on: true, rank: rank ?? (await this.#lastRank()) + 1 });
  }

  async unpin(argument: string): Promise<Done> {
    const { conversation, pin } = await this.#state(argument);
    return pin?.on === true ? this.#write({ kind: "pin", conversation, on: false, rank: 0 }) : NOTHING;
  }

  async mute(argument: string, { until }: { readonly until?: string } = {}): Promise<Done> {
    const untilMs = until === undefined ? MUTED_FOR_EVER : Date.parse(until);
    if (!(untilMs > this.#replica.ports.clock.wallMs() && untilMs <= MUTED_FOR_EVER)) {
      throw new EngineError("REQUEST_INVALID", "until is no time to come", {
        remedy: "Write it as 2030-01-31T12:00:00Z.",
      });
    }
    const { conversation, mute } = await this.#state(argument);
    return mute?.untilMs === untilMs ? NOTHING : this.#write({ kind: "mute", conversation, untilMs });
  }

  async unmute(argument: string): Promise<Done> {
    const state = await this.#state(argument);
    if (!isMuted(state, this.#replica.ports.clock.wallMs())) return NOTHING;
    return this.#write({ kind: "mute", conversation: state.conversation, untilMs: 0 });
  }

  archive(argument: string): Promise<Done> {
    return this.#archive(argument, { on: true });
  }

  unarchive(argument: string): Promise<Done> {
    return this.#archive(argument, { on: false });
  }

  async draft(argument: string, text: string): Promise<Done> {
    validateText(text);
    const taking = this.#taking.then(() => this.#takeDraft(argument, text));
    this.#taking = taking.catch(() => undefined);
    const taken = await taking;
    if (taken === null) return NOTHING;
    await taken.durable;
    return { done: 1 };
  }

  async participants(argument: string, participants: readonly string[]): Promise<Done> {
    if (participants.length > PARTICIPANTS_MAX) {
      throw new EngineError("REQUEST_INVALID", `a conversation has at most ${PARTICIPANTS_MAX} participants`);
    }
    for (const participant of participants) validateAddress(participant);
    const { conversation } = await this.#state(argument);
    return this.#write({ kind: "participants", conversation, participants });
  }

  /** What waits, and what is on its way to waiting, is written before the node ends. */
  async flush(): Promise<void> {
    await this.#taking;
    await this.#drafts.flush();
  }

  /** Null where it stands already. Once this is settled the draft waits, or is on its way to the disk. */
  async #takeDraft(argument: string, text: string): Promise<{ readonly durable: Promise<void> } | null> {
    const { conversation, draft } = await this.#state(argument);
    const [standing = null] = await this.#inbox.namesAt([draft?.place ?? null]);
    if (!this.#drafts.isWaiting(conversation) && (standing ?? "") === text) return null;
    const durable = this.#drafts.take(conversation, text);
    // Whoever gave it hears of a failure, in its own time.
    durable.catch(() => undefined);
    return { durable };
  }

  async #archive(argument: string, { on }: { readonly on: boolean }): Promise<Done> {
    const { conversation, archive } = await this.#state(argument);
    return (archive?.on ?? false) === on ? NOTHING : this.#write({ kind: "archive", conversation, on });
  }

  /** Of all pinned ones the largest; 0 where none is. */
  async #lastRank(): Promise<number> {
    let last = 0;
    for (const { pin } of await this.#inbox.conversations()) {
      if (pin?.on === true) last = Math.max(last, pin.rank);
    }
    return Math.min(last, RANK_MAX - 1);
  }

  /** @throws EngineError `NOT_FOUND`, `AMBIGUOUS`: only `send` begins a conversation. */
  async #state(argument: string): Promise<ConversationState & { readonly conversation: ConversationId }> {
    const state = await this.#inbox.conversation(await this.#inbox.findConversation(argument));
    if (state === undefined) throw new EngineError("NOT_FOUND", "there is no such conversation");
    return state;
  }

  async #write(body: OperationBody): Promise<Done> {
    await this.#replica.writer.append([freshDraft(this.#replica, body)]);
    return { done: 1 };
  }
}
