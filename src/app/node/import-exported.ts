/**
 * Lines of Kinlog's own export as operations, with the ids, stamps and authors that they had, so that importing them again adds nothing and
 * two devices that import them hold one of each. What is known here, or overruled by what stands here, is left out.
 * Format: docs/spec/export.md. Tests: test/integration/app/inbox.test.ts.
 */
import type { ConversationId, DeviceId } from "../../core/base/ids.ts";
import type {
  ExportedConversation,
  ExportedEdit,
  ExportedMessage,
  ExportedReaction,
  ExportedRecord,
  ExportedSetting,
} from "../../core/inbox/import-types.ts";
import { compareOrder } from "../../core/inbox/stamp.ts";
import {
  DELIVERY_STATES,
  type Draft,
  type Fold,
  type OperationBody,
  type OrderKey,
} from "../../core/inbox/types.ts";
import type { ConversationState } from "../../core/inbox/view.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";
import { freshDraft } from "./fresh-draft.ts";
import { SettingsReader } from "./settings-reader.ts";

export class ExportedRecords {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  readonly #fold: Fold;
  readonly #settings: SettingsReader;

  constructor(replica: Replica, inbox: InboxReader, fold: Fold) {
    this.#replica = replica;
    this.#inbox = inbox;
    this.#fold = fold;
    this.#settings = new SettingsReader(replica, inbox.opener);
  }

  /** What the record says beside a message itself, as far as it is not so here already. */
  async draftsOf(record: ExportedRecord): Promise<readonly Draft[]> {
    switch (record.kind) {
      case "message":
        return this.#aboutMessage(record);
      case "edit":
        return this.#edit(record);
      case "reaction":
        return this.#reaction(record);
      case "conversation":
        return this.#conversation(record);
      case "setting":
        return this.#setting(record);
    }
  }

  async #aboutMessage(record: ExportedMessage): Promise<readonly Draft[]> {
    const { id, author, deletedBy, unsent, delivery } = record;
    const drafts: Draft[] = [];
    const target = { conversation: this.#fold.conversationOf(record.conversation), message: id };
    // Whatever was last said here about deleting it stands; so importing again adds nothing.
    if (deletedBy !== null && (await this.#inbox.lastWord(id)) === null) {
      const { conversation } = target;
      drafts.push(as(deletedBy, author, { kind: "delete", conversation, messages: [id] }));
    }
    if (unsent !== null) {
      const first = (await this.#inbox.marks.unsend(id))?.order ?? null;
      if (first === null || compareOrder(unsent.order, first) < 0)
        drafts.push(as(unsent.order, unsent.author, { kind: "unsend", ...target }));
    }
    if (delivery !== null) {
      const reached = await this.#inbox.deliveryOf(id);
      if (reached === null || DELIVERY_STATES.indexOf(reached) < DELIVERY_STATES.indexOf(delivery))
        drafts.push(this.#fresh({ kind: "delivery", ...target, state: delivery }));
    }
    return drafts;
  }

  async #edit({ message, conversation, text, order, author }: ExportedEdit): Promise<readonly Draft[]> {
    if (await this.#inbox.marks.hasEdit(message, order)) return [];
    return [as(order, author, { kind: "edit", ...this.#target(message, conversation), text })];
  }

  async #reaction(record: ExportedReaction): Promise<readonly Draft[]> {
    const { message, conversation, sender, emoji, removed, order, author } = record;
    const target = this.#target(message, conversation);
    const body = { kind: "reaction" as const, ...target, sender, emoji, removed };
    const standing = await this.#inbox.marks.reaction(this.#fold, body);
    return isLater(order, standing?.order) ? [as(order, author, body)] : [];
  }

  async #setting({ name, value, order, author }: ExportedSetting): Promise<readonly Draft[]> {
    const standing = await this.#settings.one(name);
    return isLater(order, standing?.order) ? [as(order, author, { kind: "setting", name, value })] : [];
  }

  async #conversation(record: ExportedConversation): Promise<readonly Draft[]> {
    const conversation = this.#fold.conversationOf(record.conversation);
    const state = await this.#inbox.conversation(conversation);
    const drafts: Draft[] = [];
    if (record.title !== null && (state?.title ?? null) === null) {
      const { text, order, author } = record.title;
      drafts.push(as(order, author, { kind: "title", conversation, title: text }));
    }
    if (record.readUpTo !== null && (state?.readUpTo ?? null) === null) {
      drafts.push(this.#fresh({ kind: "read", conversation, upTo: record.readUpTo }));
    }
    if (record.markedUnread && state?.markedUnread !== true)
      drafts.push(this.#fresh({ kind: "unread", conversation }));
    return [...drafts, ...this.#properties(record, { conversation, state })];
  }

  #properties(
    { pin, mute, archive, draft, participants }: ExportedConversation,
    {
      conversation,
      state,
    }: { readonly conversation: ConversationId; readonly state: ConversationState | undefined },
  ): readonly Draft[] {
    const { self } = this.#replica;
    const drafts: Draft[] = [];
    if (pin !== null && isLater(pin.order, state?.pin?.order))
      drafts.push(as(pin.order, self, { kind: "pin", conversation, on: pin.on, rank: pin.rank }));
    if (mute !== null && isLater(mute.order, state?.mute?.order))
      drafts.push(as(mute.order, self, { kind: "mute", conversation, untilMs: mute.untilMs }));
    if (archive !== null && isLater(archive.order, state?.archive?.order))
      drafts.push(as(archive.order, self, { kind: "archive", conversation, on: archive.on }));
    if (draft !== null && isLater(draft.order, state?.draft?.order))
      drafts.push(as(draft.order, draft.author, { kind: "draft", conversation, text: draft.text }));
    if (participants !== null && isLater(participants.order, state?.participants?.order)) {
      const { order, author, list } = participants;
      drafts.push(as(order, author, { kind: "participants", conversation, participants: list }));
    }
    return drafts;
  }

  #target(
    message: ExportedEdit["message"],
    conversation: string,
  ): { readonly conversation: ConversationId; readonly message: ExportedEdit["message"] } {
    return { conversation: this.#fold.conversationOf(conversation), message };
  }

  #fresh(body: OperationBody): Draft {
    return freshDraft(this.#replica, body);
  }
}

/** A message keeps its id, author and stamp. */
export function messageDraftOf(record: ExportedMessage): Draft {
  const { id, author, stamp, conversation, direction, service, sender, text } = record;
  const { sentAtMs, receivedAtMs, replyTo, takenIn, readAtSource } = record;
  const given = { conversation, direction, service, sender, text, sentAtMs, receivedAtMs, replyTo };
  return { id, author, stamp, body: { kind: "message", ...given, takenIn, readAtSource } };
}

function as({ stamp, id }: OrderKey, author: DeviceId, body: OperationBody): Draft {
  return { id, author, stamp, body };
}

function isLater(order: OrderKey, standing: OrderKey | undefined): boolean {
  return standing === undefined || compareOrder(order, standing) > 0;
}
