/** Which conversation is meant in the calls that take one. */
import type { ConversationId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { normaliseAddress } from "../../core/inbox/address.ts";
import type { Fold } from "../../core/inbox/types.ts";
import type { ConversationState } from "../../core/inbox/view.ts";
import type { Place } from "../../core/log/rows.ts";

/** What is read of the inbox for it. */
interface Conversations {
  readonly conversation: (id: ConversationId) => Promise<ConversationState | undefined>;
  readonly conversations: () => Promise<readonly ConversationState[]>;
  readonly namesAt: (places: readonly (Place | null)[]) => Promise<readonly (string | null)[]>;
  readonly addresses: (states: readonly ConversationState[]) => Promise<readonly (string | null)[]>;
}

/** By its address in any form, or its title; null where there is none. @throws EngineError `AMBIGUOUS`. */
export async function conversationOfArgument(
  inbox: Conversations,
  fold: Fold | null,
  argument: string,
): Promise<ConversationId | null> {
  const direct = fold?.conversationOf(argument);
  if (direct !== undefined && (await inbox.conversation(direct))?.name) return direct;
  const states = await inbox.conversations();
  const titles = await inbox.namesAt(states.map((state) => state.title?.place ?? null));
  const wanted = normaliseAddress(argument);
  const titled = states.filter((_, at) => titles[at] !== null && normaliseAddress(titles[at]!) === wanted);
  if (titled.length > 1) {
    const addresses = await inbox.addresses(titled);
    throw new EngineError("AMBIGUOUS", `several conversations are called that: ${addresses.join(", ")}`);
  }
  return titled[0]?.conversation ?? null;
}
