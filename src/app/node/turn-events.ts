/** Turns that became durable, told as the events that people and applications watch. Makes only what somebody reads. */
import type { ConversationId, DeviceId } from "../../core/base/ids.ts";
import type { Change, PlacedOperation } from "../../core/inbox/types.ts";
import type { ConversationState } from "../../core/inbox/view.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { Replica } from "../replica/replica.ts";
import type { Published } from "../replica/turn.ts";
import type { DeviceNames } from "./device-names.ts";
import type { EventHub } from "./event-hub.ts";
import { type InboxReader } from "./inbox-reader.ts";
import { messageBodyOf } from "./read-message.ts";
import { NO_MARKS } from "./marks-reader.ts";
import { type PurgeChange, type PurgeNews, PurgesSeen } from "./purge-news.ts";

/** A new device's name stands in a log that comes a moment after its admission; without it, the event comes after this. */
const NAME_WITHIN_MS = 5_000;
/** Changes of a message that is there. */
const LATER_WORDS: ReadonlySet<string> = new Set(["restored", "edited", "unsent", "reaction", "status"]);

interface Teller {
  readonly replica: Replica;
  readonly hub: EventHub;
  readonly inbox: InboxReader;
  readonly names: DeviceNames;
  readonly isCatchingUp: () => boolean;
  readonly alarm: (code: string, text: string, evidence: string | null) => void;
}

/** Devices that were linked and have no name yet. */
type Unnamed = Set<DeviceId>;

/** Subscribes to the replica for as long as it lives. */
export function tellChanges(teller: Teller): void {
  let known = new Map([...teller.replica.members.devices].map(([device, { state }]) => [device, state]));
  const unnamed: Unnamed = new Set();
  const purges = new PurgesSeen(teller.replica);
  teller.replica.subscribe((published) => {
    if (published.members) known = tellMembers(teller, known, unnamed);
    const news = purges.of(published);
    tell(teller, published, { unnamed, purges, news }).catch((error: unknown) => {
      // Reading for an event may meet a closed or damaged store; those who need it say so themselves.
      if (!isEngineError(error)) throw error;
    });
  });
}

async function tell(
  teller: Teller,
  { origin, changes, operations }: Published,
  {
    unnamed,
    purges,
    news,
  }: { readonly unnamed: Unnamed; readonly purges: PurgesSeen; readonly news: PurgeNews },
): Promise<void> {
  if (changes.some((change) => change.kind === "device-name")) {
    teller.names.set(await teller.inbox.deviceNames());
    for (const device of unnamed)
      if (teller.names.known(device) !== null) tellLinked(teller, device, unnamed);
  }
  const catchUp = origin === "remote" && teller.isCatchingUp();
  if (teller.hub.wants("message")) await tellMessages(teller, { origin, changes, operations, catchUp });
  // While it catches up, progress and one `synced` at the end say what these would say a thousand times.
  if (catchUp) return;
  // What was deleted only to be purged is told once.
  const isToldOnce = (change: Change): boolean =>
    change.kind === "message-changed" && news.named.has(change.id);
  for (const change of changes) if (!isToldOnce(change)) await tellChange(teller, change, origin);
  if (!teller.hub.wants("message-changed")) return;
  for (const change of await purges.changes(news)) await tellChange(teller, change, origin);
}

async function tellMessages(
  { hub, inbox }: Teller,
  turn: Pick<Published, "origin" | "changes" | "operations"> & { readonly catchUp: boolean },
): Promise<void> {
  const fresh = new Map<string, ConversationId>();
  const marked = new Set<string>();
  for (const change of turn.changes) {
    if (change.kind === "message") fresh.set(change.id, change.conversation);
    if (change.kind === "message-changed" || (change.kind === "message" && change.isMarked))
      marked.add(change.id);
  }
  // Purged in the same turn: whether it is shown says the store as well.
  for (const { operation } of turn.operations)
    if (operation.body.kind === "tombstone")
      for (const { message } of operation.body.named) marked.add(message);
  const states = new Map<ConversationId, ConversationState | undefined>();
  for (const placed of turn.operations) {
    const { id } = placed.operation;
    const conversation = fresh.get(id);
    if (conversation === undefined) continue;
    // How far it was read may be known already: what others have read while this device was away is no news.
    if (!states.has(conversation)) states.set(conversation, await inbox.conversation(conversation));
    const state = states.get(conversation);
    // What was said of it before it came stands in the store; all else stands in its operation.
    const message = marked.has(id)
      ? await messageInStore(inbox, placed, state)
      : messageOf(inbox, placed, { conversation, state });
    if (message !== null) hub.emit({ event: "message", message, origin: turn.origin, catchUp: turn.catchUp });
  }
}

function messageOf(
  inbox: InboxReader,
  { operation, place }: PlacedOperation,
  {
    conversation,
    state,
  }: { readonly conversation: ConversationId; readonly state: ConversationState | undefined },
): ReturnType<InboxReader["message"]> | null {
  const { id, stamp } = operation;
  const body = messageBodyOf(operation.body);
  if (body === null) return null;
  const ordered = {
    id,
    conversation,
    order: { stamp, id },
    place,
    direction: body.direction,
    readAtSource: body.readAtSource,
    takenIn: body.takenIn,
    deleted: false,
    later: operation.body.kind === "later-message",
    edited: false,
    unsent: false,
    reacted: false,
    delivery: null,
    named: false,
  };
  return inbox.message({ ordered, operation: { ...operation, body }, marks: NO_MARKS }, state);
}

async function messageInStore(
  inbox: InboxReader,
  { operation }: PlacedOperation,
  state: ConversationState | undefined,
): Promise<ReturnType<InboxReader["message"]> | null> {
  const read = await inbox.byId(operation.id);
  return read === undefined ? null : inbox.message(read, state);
}

async function tellChange(
  { replica, hub, inbox, alarm }: Teller,
  change: Change | PurgeChange,
  origin: "local" | "remote",
): Promise<void> {
  switch (change.kind) {
    case "message":
    case "device-name":
    case "setting":
      return;
    case "message-changed": {
      if (!hub.wants("message-changed")) return;
      // What comes later for a message that is purged is no news to anybody.
      if (LATER_WORDS.has(change.change) && (await replica.purged.among([change.id])).size > 0) return;
      const state = await inbox.conversation(change.conversation);
      const [conversation] = await inbox.addresses([state]);
      hub.emit({
        event: "message-changed",
        id: change.id,
        conversation: conversation ?? "",
        change: change.change === "status" ? "stored" : change.change,
        origin,
      });
      return;
    }
    case "read":
    case "conversation": {
      if (!hub.wants(change.kind)) return;
      const state = await inbox.conversation(change.conversation);
      if (state?.name === undefined || state.name === null) return;
      const [conversation] = await inbox.addresses([state]);
      const [title] = await inbox.namesAt([state.title?.place ?? null]);
      if (change.kind === "read")
        hub.emit({ event: "read", conversation: conversation ?? "", unread: await inbox.unread(state) });
      else hub.emit({ event: "conversation", conversation: conversation ?? "", title: title ?? null });
      return;
    }
    case "conflict":
      alarm("conflict", "two contents came under one message id; only one of them is shown", change.id);
      return;
  }
}

function tellMembers(
  teller: Teller,
  known: ReadonlyMap<DeviceId, string>,
  unnamed: Unnamed,
): Map<DeviceId, "active" | "revoked" | "suspended"> {
  const { replica, hub, names } = teller;
  const now = new Map([...replica.members.devices].map(([device, { state }]) => [device, state]));
  for (const [device, state] of now) {
    if (known.get(device) === state) continue;
    if (state === "active") {
      unnamed.add(device);
      if (names.known(device) !== null) tellLinked(teller, device, unnamed);
      else replica.ports.clock.after(NAME_WITHIN_MS, () => tellLinked(teller, device, unnamed));
    } else if (state === "revoked") hub.emit({ event: "device-revoked", device, name: names.of(device) });
  }
  return now;
}

/** Once for each device, whichever of its name and its time comes first. */
function tellLinked({ replica, hub, names }: Teller, device: DeviceId, unnamed: Unnamed): void {
  if (!unnamed.delete(device)) return;
  const by = replica.members.devices.get(device)?.admittedBy ?? null;
  hub.emit({
    event: "device-linked",
    device,
    name: names.of(device),
    by: by === null ? null : names.of(by),
  });
}
