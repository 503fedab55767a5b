/**
 * The lines of the list of conversations, as people see them. All are read together: each step asks the store once for what all lines
 * need, since asking for each line alone takes longer than reading. Changes nothing.
 */
import type { MessageId } from "../../core/base/ids.ts";
import { MUTED_FOR_EVER, type Operation } from "../../core/inbox/types.ts";
import { type ConversationState, isMuted } from "../../core/inbox/view.ts";
import type { Place } from "../../core/log/rows.ts";
import type { Replica } from "../replica/replica.ts";
import { type InboxReader, nameIn, type ReadMessage, textOf, timeText } from "./inbox-reader.ts";
import type { Conversation } from "./types.ts";

/** Operations that name something about each conversation; null where nobody did, or it cannot be read. */
interface Named {
  readonly name: Operation | null;
  readonly title: Operation | null;
  readonly draft: Operation | null;
  readonly participants: Operation | null;
}

/** In the order of the states. */
export async function readLines(
  replica: Replica,
  inbox: InboxReader,
  states: readonly ConversationState[],
): Promise<readonly Conversation[]> {
  const [named, last, unread] = await Promise.all([
    readNamed(inbox, states),
    readLast(inbox, states),
    Promise.all(states.map((state) => inbox.unread(state))),
  ]);
  const nowMs = replica.ports.clock.wallMs();
  return states.map((state, at) =>
    lineOf({ state, named: named[at]!, last: last[at] ?? null, unread: unread[at]! }, nowMs),
  );
}

async function readNamed(
  inbox: InboxReader,
  states: readonly ConversationState[],
): Promise<readonly Named[]> {
  const places = states.flatMap(({ name, title, draft, participants }) => [
    name?.place ?? null,
    title?.place ?? null,
    draft === null || draft.isEmpty ? null : draft.place,
    participants?.place ?? null,
  ]);
  const operations = await operationsAt(inbox, places);
  return states.map((_, at) => {
    const [name, title, draft, participants] = operations.slice(4 * at, 4 * at + 4);
    return {
      name: name ?? null,
      title: title ?? null,
      draft: draft ?? null,
      participants: participants ?? null,
    };
  });
}

async function operationsAt(
  inbox: InboxReader,
  places: readonly (Place | null)[],
): Promise<readonly (Operation | null)[]> {
  const found = await inbox.opener.readableAt(places.filter((place) => place !== null));
  let at = 0;
  return places.map((place) => (place === null ? null : (found[at++] ?? null)));
}

/** The newest message of each that is not in the bin; null where there is none, or it cannot be read now. */
async function readLast(
  inbox: InboxReader,
  states: readonly ConversationState[],
): Promise<readonly (ReadMessage | null)[]> {
  const newest = await Promise.all(
    states.map(async ({ conversation }) => {
      const [message] = await inbox.ordered(conversation, { limit: 1, before: null, deleted: false });
      return message;
    }),
  );
  const read = new Map<MessageId, ReadMessage>();
  for (const message of await inbox.open(newest.filter((found) => found !== undefined)))
    read.set(message.ordered.id, message);
  return newest.map((message) => (message === undefined ? null : (read.get(message.id) ?? null)));
}

function lineOf(
  line: {
    readonly state: ConversationState;
    readonly named: Named;
    readonly last: ReadMessage | null;
    readonly unread: number;
  },
  nowMs: number,
): Conversation {
  const { state, named, last, unread } = line;
  const { mute } = state;
  const muted = isMuted(state, nowMs);
  const participants = named.participants?.body;
  return {
    conversation: nameIn(named.name) ?? "",
    title: nameIn(named.title),
    service: last?.operation.body.service ?? "kinlog",
    unread,
    pinned: state.pin?.on ?? false,
    muted,
    mutedUntil: muted && mute !== null && mute.untilMs !== MUTED_FOR_EVER ? timeText(mute.untilMs) : null,
    archived: state.archive?.on ?? false,
    draft: nameIn(named.draft),
    participants: participants?.kind === "participants" ? participants.participants : [],
    last: last === null ? null : lastOf(last),
  };
}

function lastOf(read: ReadMessage): NonNullable<Conversation["last"]> {
  const { ordered, operation } = read;
  const { sender, sentAtMs } = operation.body;
  return { id: ordered.id, sender, text: textOf(read), sentAt: timeText(sentAtMs) };
}
