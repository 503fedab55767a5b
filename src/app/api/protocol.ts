/**
 * The local API as types and numbers: every method with what it takes, gives and tells. Spec: docs/spec/api.md. Code that checks and
 * runs the methods: methods.ts.
 */
import type { EvictResult, RetentionResult } from "../node/evict-types.ts";
import type {
  Conversation,
  DeliveryStatus,
  Device,
  EventKind,
  Finding,
  ImportResult,
  KinlogEvent,
  Message,
  PastText,
  SearchResult,
  Setting,
  SettingScope,
  Status,
  VerifyResult,
} from "../node/types.ts";
import type { Purge } from "../node/purge-types.ts";

/** Of a line, its end included. A message of 65,536 bytes, each escaped to six, still fits with room for its fields. */
export const LINE_BYTES_MAX = 1024 * 1024;
/** Requests under way at once on one connection. */
export const IN_FLIGHT_MAX = 256;

export interface ProgressEvent {
  readonly event: "progress";
  readonly at: string;
  readonly what: string;
  readonly done: number;
  readonly total: number | null;
}

export type LinkEvent =
  | {
      readonly event: "code";
      readonly at: string;
      readonly code: string;
      readonly uri: string;
      readonly expiresAt: string;
    }
  | { readonly event: "request"; readonly at: string; readonly device: string; readonly name: string };

export interface LinesEvent {
  readonly event: "lines";
  readonly lines: readonly string[];
}

/** Of a search, before what it found. */
export interface PageEvent extends Omit<SearchResult, "messages"> {
  readonly event: "page";
}

interface Named {
  readonly device: string;
  readonly name: string;
}

interface Done {
  readonly done: number;
}

interface InConversation {
  readonly conversation: string;
}

type Nothing = Readonly<Record<never, never>>;

interface Method<Params, Result, Event = never> {
  readonly params: Params;
  readonly result: Result;
  readonly event: Event;
}

/** What a method takes, what it gives, and the events that it tells before its result. */
export interface ApiMethods {
  readonly status: Method<Nothing, Status>;
  readonly doctor: Method<Nothing, readonly Finding[]>;
  readonly stop: Method<Nothing, { readonly stopped: true }>;
  readonly join: Method<
    { readonly code: string; readonly name: string; readonly address?: string },
    { readonly account: string; readonly device: string; readonly name: string; readonly linkedBy: string },
    ProgressEvent
  >;
  readonly "devices.list": Method<Nothing, readonly Device[]>;
  readonly "devices.rename": Method<Named, Named>;
  readonly "devices.link": Method<{ readonly timeoutMs?: number }, Named, LinkEvent>;
  readonly "devices.link.answer": Method<{ readonly accept: boolean }, Done>;
  readonly "messages.send": Method<
    {
      readonly conversation: string;
      readonly text: string;
      readonly from?: string;
      readonly replyTo?: string;
    },
    { readonly id: string; readonly conversation: string; readonly order: string }
  >;
  readonly "messages.show": Method<
    {
      readonly conversation: string;
      readonly limit?: number;
      readonly before?: string;
      readonly deleted?: boolean;
    },
    readonly Message[]
  >;
  readonly "messages.delete": Method<{ readonly ids: readonly string[]; readonly confirmed?: boolean }, Done>;
  readonly "messages.restore": Method<{ readonly ids: readonly string[] }, Done>;
  readonly "messages.purge": Method<{ readonly ids: readonly string[]; readonly confirmed?: boolean }, Done>;
  readonly "messages.search": Method<
    {
      readonly text: string;
      readonly conversation?: string;
      readonly limit?: number;
      readonly before?: string;
    },
    readonly Message[],
    PageEvent | ProgressEvent
  >;
  readonly "messages.edit": Method<{ readonly id: string; readonly text: string }, Done>;
  readonly "messages.unsend": Method<{ readonly id: string }, Done>;
  readonly "messages.react": Method<
    { readonly id: string; readonly emoji: string; readonly remove?: boolean; readonly from?: string },
    Done
  >;
  readonly "messages.setStatus": Method<{ readonly id: string; readonly status: DeliveryStatus }, Done>;
  readonly "messages.fetch": Method<{ readonly ids: readonly string[] }, Done>;
  readonly "messages.history": Method<{ readonly id: string }, readonly PastText[]>;
  readonly "conversations.list": Method<
    { readonly limit?: number; readonly archived?: boolean },
    readonly Conversation[]
  >;
  readonly "conversations.title": Method<{ readonly conversation: string; readonly title: string }, Done>;
  readonly "conversations.pin": Method<{ readonly conversation: string; readonly rank?: number }, Done>;
  readonly "conversations.unpin": Method<InConversation, Done>;
  readonly "conversations.mute": Method<{ readonly conversation: string; readonly until?: string }, Done>;
  readonly "conversations.unmute": Method<InConversation, Done>;
  readonly "conversations.archive": Method<InConversation, Done>;
  readonly "conversations.unarchive": Method<InConversation, Done>;
  readonly "conversations.draft": Method<{ readonly conversation: string; readonly text: string }, Done>;
  readonly "conversations.participants": Method<
    { readonly conversation: string; readonly participants: readonly string[] },
    Done
  >;
  readonly "purges.list": Method<Nothing, readonly Purge[]>;
  readonly "purges.approve": Method<{ readonly id: string }, Done>;
  readonly "purges.stop": Method<{ readonly id: string }, Done>;
  readonly "settings.get": Method<
    { readonly name: string; readonly scope?: SettingScope },
    { readonly value: string | null }
  >;
  readonly "settings.set": Method<
    { readonly name: string; readonly value: string; readonly scope?: SettingScope },
    Done
  >;
  readonly "settings.list": Method<{ readonly scope?: SettingScope }, readonly Setting[]>;
  readonly "conversations.read": Method<{ readonly conversation: string }, Done>;
  readonly "conversations.unread": Method<{ readonly conversation: string }, Done>;
  readonly "conversations.delete": Method<
    { readonly conversation: string; readonly before?: string; readonly confirmed?: boolean },
    Done
  >;
  readonly sync: Method<
    { readonly timeoutMs?: number },
    { readonly inSync: boolean; readonly fingerprint: string }
  >;
  readonly evict: Method<{ readonly olderThanDays?: number }, EvictResult>;
  /** Days 0: for ever. */
  readonly retention: Method<{ readonly days?: number }, RetentionResult>;
  readonly verify: Method<{ readonly repair?: boolean }, VerifyResult, ProgressEvent>;
  readonly connect: Method<{ readonly address: string }, Named>;
  readonly import: Method<{ readonly path: string; readonly format?: string }, ImportResult, ProgressEvent>;
  readonly export: Method<Nothing, { readonly exported: number }, LinesEvent | ProgressEvent>;
  readonly "recovery.show": Method<Nothing, { readonly recoveryPhrase: string }>;
  readonly events: Method<
    { readonly kinds?: readonly EventKind[]; readonly conversation?: string },
    Nothing,
    KinlogEvent
  >;
}

export type MethodName = keyof ApiMethods;

export interface CallOptions<Name extends MethodName> {
  /** Waited for before the next event of this call, so that a slow reader slows the teller and costs no memory. */
  readonly onEvent?: (event: ApiMethods[Name]["event"]) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** A node to ask: over the socket of a running one, or opened by this process itself. */
export interface ApiClient {
  /** True where another process runs the node. */
  readonly running: boolean;
  /** @throws EngineError of the node, `ABORTED` by the signal, `NODE_CLOSED` where the node ended first. */
  readonly call: <Name extends MethodName>(
    method: Name,
    params: ApiMethods[Name]["params"],
    options?: CallOptions<Name>,
  ) => Promise<ApiMethods[Name]["result"]>;
  readonly close: () => Promise<void>;
}
