/**
 * The lines of the list of conversations, as people see them. Those that are not known are read together: each step asks the store once
 * for what all of them need, since asking for each alone takes longer than reading. Those that are known are kept in memory, with their
 * texts, until what becomes durable says otherwise. Tests: test/integration/app/conversation-list.test.ts.
 */
import type { ConversationId, MessageId } from "../../core/base/ids.ts";
import { MUTED_FOR_EVER, type Operation } from "../../core/inbox/types.ts";
import { conversationOfKey } from "../../core/inbox/row-keys.ts";
import { type ConversationState, isMuted, type OrderedMessage } from "../../core/inbox/view.ts";
import type { Place } from "../../core/log/rows.ts";
import type { Replica } from "../replica/replica.ts";
import { type InboxReader, timeText } from "./inbox-reader.ts";
import { nameIn, type ReadMessage, textOf } from "./read-message.ts";
import { evictedAmong, evictedMessage } from "./shown-messages.ts";
import type { Conversation } from "./types.ts";

/** Of more lines than these nothing is kept: some 20 MB. */
const KEPT_MAX = 20_000;

/** Operations that name something about each conversation; null where nobody did, or it cannot be read. */
interface Named {
  /** The address as given. */
  readonly name: string | null;
  readonly title: Operation | null;
  readonly draft: Operation | null;
  readonly participants: Operation | null;
}

/** What a line says of its newest message. */
interface Last extends Pick<Conversation, "last" | "service"> {
  /** Evicted: its text may come back, and no row of the view changes then. */
  readonly isElsewhere: boolean;
}

const NO_LAST: Last = { last: null, service: "kinlog", isElsewhere: false };

/** What of a line is read for it; the rest is its state. */
interface Read extends Last {
  readonly named: Named;
  readonly unread: number;
}

/** Lines that were read once, until something becomes durable that could change them. */
export class ConversationLines {
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  readonly #read = new Map<ConversationId, Read>();
  /** When each was told of last, counted in turns: what was read before that is not kept. */
  readonly #changedAt = new Map<ConversationId, number>();
  #turns = 0;
  /** Calls of `of` that have not ended. */
  #reading = 0;
  #viewsBuilt = 0;
  #hiding: ReadonlySet<string> | null = null;

  constructor(replica: Replica, inbox: InboxReader) {
    this.#replica = replica;
    this.#inbox = inbox;
    replica.subscribe(({ rows, changes }) => {
      this.#turns++;
      // An import or a first sync passes here with every message, mostly before anybody has asked for a line.
      if (this.#read.size === 0 && this.#reading === 0) return;
      for (const key of rows.keys()) if (key.startsWith("c")) this.#forget(conversationOfKey(key));
      for (const change of changes) if ("conversation" in change) this.#forget(change.conversation);
    });
  }

  /** In the order of the states, which are those of now. */
  async of(states: readonly ConversationState[]): Promise<readonly Conversation[]> {
    this.#reading++;
    try {
      return await this.#linesOf(states);
    } finally {
      this.#reading--;
    }
  }

  async #linesOf(states: readonly ConversationState[]): Promise<readonly Conversation[]> {
    const { viewsBuilt, purged } = this.#replica;
    // A purge that counts now, or no more, hides messages of any of them, or gives them back.
    if (this.#viewsBuilt !== viewsBuilt || this.#hiding !== purged.hiding || this.#read.size > KEPT_MAX) {
      this.#read.clear();
      this.#changedAt.clear();
      this.#viewsBuilt = viewsBuilt;
      this.#hiding = purged.hiding;
    }
    const since = this.#turns;
    const [built, hiding] = [this.#viewsBuilt, this.#hiding];
    const missing = states.filter(({ conversation }) => !this.#read.has(conversation));
    const fresh = new Map<ConversationId, Read>();
    for (const [at, read] of (await readAll(this.#inbox, missing)).entries()) {
      const { conversation } = missing[at]!;
      fresh.set(conversation, read);
      const isOfNow =
        !read.isElsewhere &&
        (this.#changedAt.get(conversation) ?? 0) <= since &&
        built === this.#replica.viewsBuilt &&
        hiding === purged.hiding;
      if (isOfNow) this.#read.set(conversation, read);
    }
    const nowMs = this.#replica.ports.clock.wallMs();
    return Promise.all(
      states.map(async (state) => {
        const { conversation } = state;
        const read = fresh.get(conversation) ?? this.#read.get(conversation);
        // Forgotten while others were read.
        return lineOf(state, read ?? (await readAll(this.#inbox, [state]))[0]!, nowMs);
      }),
    );
  }

  #forget(conversation: ConversationId): void {
    this.#read.delete(conversation);
    this.#changedAt.set(conversation, this.#turns);
  }
}

/** Lines of these states, in their order, with nothing kept. */
export async function readLines(
  replica: Replica,
  inbox: InboxReader,
  states: readonly ConversationState[],
): Promise<readonly Conversation[]> {
  const read = await readAll(inbox, states);
  const nowMs = replica.ports.clock.wallMs();
  return states.map((state, at) => lineOf(state, read[at]!, nowMs));
}

/** In the order of the states. */
async function readAll(inbox: InboxReader, states: readonly ConversationState[]): Promise<readonly Read[]> {
  const [named, ends] = await Promise.all([
    readNamed(inbox, states),
    Promise.all(states.map((state) => inbox.newestAndUnread(state))),
  ]);
  const last = await readLast(
    inbox,
    ends.map(({ newest }) => newest),
  );
  return states.map((_, at) => ({ ...last[at]!, named: named[at]!, unread: ends[at]!.unread }));
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
  const given = states.map((_, at) => nameIn(operations[4 * at] ?? null));
  const names = await inbox.withTombstones(states, given);
  return states.map((_, at) => {
    const [title, draft, participants] = operations.slice(4 * at + 1, 4 * at + 4);
    return {
      name: names[at] ?? null,
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

/** In the order of the messages; of none, or one that cannot be read now, nothing. */
async function readLast(
  inbox: InboxReader,
  newest: readonly (OrderedMessage | null)[],
): Promise<readonly Last[]> {
  const found = newest.filter((message) => message !== null);
  const lines = new Map<MessageId, Last>();
  for (const read of await inbox.open(found)) lines.set(read.ordered.id, lastOf(read));
  const evicted = await evictedAmong(
    inbox,
    found.filter(({ id }) => !lines.has(id)),
  );
  const elsewhere = await Promise.all(evicted.map((message) => lastElsewhere(inbox, message)));
  for (const [at, { id }] of evicted.entries()) lines.set(id, elsewhere[at]!);
  return newest.map((message) => (message && lines.get(message.id)) ?? NO_LAST);
}

function lineOf(
  state: ConversationState,
  { named, last, service, unread }: Read,
  nowMs: number,
): Conversation {
  const { mute } = state;
  const muted = isMuted(state, nowMs);
  const participants = named.participants?.body;
  return {
    conversation: named.name ?? "",
    title: nameIn(named.title),
    service,
    unread,
    pinned: state.pin?.on ?? false,
    muted,
    mutedUntil: muted && mute !== null && mute.untilMs !== MUTED_FOR_EVER ? timeText(mute.untilMs) : null,
    archived: state.archive?.on ?? false,
    draft: nameIn(named.draft),
    participants: participants?.kind === "participants" ? participants.participants : [],
    last,
  };
}

function lastOf(read: ReadMessage): Last {
  const { ordered, operation } = read;
  const { sender, sentAtMs, service } = operation.body;
  const last = { id: ordered.id, sender, text: textOf(read), sentAt: timeText(sentAtMs) };
  return { last, service, isElsewhere: false };
}

/** As `show` shows it. */
async function lastElsewhere(inbox: InboxReader, message: OrderedMessage): Promise<Last> {
  const { id, sender, text, sentAt, service } = await evictedMessage(inbox, message, {
    address: "",
    state: undefined,
  });
  return { last: { id, sender, text, sentAt }, service, isElsewhere: true };
}
