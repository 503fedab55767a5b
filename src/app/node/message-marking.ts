/**
 * What people say of a message that is there: another text, that it is taken back, a reaction, how far it got. Each call checks what it was
 * given and resolves when it is durable. Tests: test/integration/app/inbox.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import { validateAddress, validateText } from "../../core/inbox/address.ts";
import { DELIVERY_STATES, type OperationBody } from "../../core/inbox/types.ts";
import type { OrderedMessage } from "../../core/inbox/view.ts";
import type { Replica } from "../replica/replica.ts";
import { evictedAmong } from "./shown-messages.ts";
import { type InboxReader, timeText } from "./inbox-reader.ts";
import { textOf } from "./read-message.ts";
import { readReactionText } from "./reaction-text.ts";
import { freshDraft } from "./fresh-draft.ts";
import type { DeliveryStatus, KinlogNode, PastText } from "./types.ts";

type Done = { readonly done: number };
type Marking = Pick<KinlogNode["messages"], "edit" | "unsend" | "react" | "setStatus" | "history">;

const NOTHING: Done = { done: 0 };

export class MessageMarking implements Marking {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;

  constructor(replica: Replica, inbox: InboxReader) {
    this.#replica = replica;
    this.#inbox = inbox;
  }

  async edit(argument: string, text: string): Promise<Done> {
    validateText(text);
    const found = await this.#own(argument);
    if (found.unsent) throw new EngineError("MESSAGE_UNSENT", "this message was unsent");
    if (found.later) throw new EngineError("WIRE_UNKNOWN_KIND", "only a newer Kinlog can edit this message");
    const read = await this.#inbox.byId(found.id);
    if (read !== undefined && textOf(read) === text) return NOTHING;
    return this.#write({ kind: "edit", ...targetOf(found), text });
  }

  async unsend(argument: string): Promise<Done> {
    const found = await this.#own(argument);
    return found.unsent ? NOTHING : this.#write({ kind: "unsend", ...targetOf(found) });
  }

  async react(
    argument: string,
    given: string,
    options: { readonly remove?: boolean; readonly from?: string } = {},
  ): Promise<Done> {
    const { remove: removed = false, from: sender = null } = options;
    const emoji = readReactionText(given);
    if (sender !== null) validateAddress(sender);
    const found = await this.#inbox.findMessage(argument);
    const { fold } = this.#replica;
    const body = { kind: "reaction" as const, ...targetOf(found), sender, emoji, removed };
    const standing = fold === null ? null : await this.#inbox.marks.reaction(fold, body);
    return (standing?.removed ?? true) === removed ? NOTHING : this.#write(body);
  }

  async setStatus(argument: string, state: DeliveryStatus): Promise<Done> {
    const found = await this.#own(argument);
    const reached = found.delivery === null ? -1 : DELIVERY_STATES.indexOf(found.delivery);
    if (DELIVERY_STATES.indexOf(state) <= reached) return NOTHING;
    return this.#write({ kind: "delivery", ...targetOf(found), state });
  }

  async history(argument: string): Promise<readonly PastText[]> {
    const found = await this.#inbox.findMessage(argument);
    if (found.unsent) return [];
    const read = await this.#inbox.byId(found.id);
    const [evicted] = read === undefined ? await evictedAmong(this.#inbox, [found]) : [];
    if (read === undefined && evicted === undefined) return [];
    const edits = found.edited ? await this.#inbox.marks.edits(found.id) : [];
    return [
      // As `show` shows one whose text is on another device.
      {
        text: read?.operation.body.text ?? "",
        at: timeText(read?.operation.body.sentAtMs ?? found.order.stamp.ms),
      },
      ...edits.map((edit) => ({ text: edit.text, at: timeText(edit.order.stamp.ms) })),
    ];
  }

  /** Nobody edits or takes back what others wrote. */
  async #own(argument: string): Promise<OrderedMessage> {
    const found = await this.#inbox.findMessage(argument);
    if (found.direction === "out") return found;
    throw new EngineError("NOT_YOURS", "this message was written by somebody else");
  }

  async #write(body: OperationBody): Promise<Done> {
    await this.#replica.writer.append([freshDraft(this.#replica, body)]);
    return { done: 1 };
  }
}

function targetOf({
  conversation,
  id,
}: OrderedMessage): Pick<Extract<OperationBody, { kind: "unsend" }>, "conversation" | "message"> {
  return { conversation, message: id };
}
