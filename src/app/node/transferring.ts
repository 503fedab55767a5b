/**
 * History in and history out. What is read becomes operations with ids that follow from the content, so importing again, here or on another
 * device, adds nothing. Readers and writers of formats: src/io/gateways, through the ports below.
 */
import type { ConversationId, MessageId } from "../../core/base/ids.ts";
import { bytesToId } from "../../core/base/ids.ts";
import { stampOfWall } from "../../core/inbox/stamp.ts";
import type {
  ExportedConversation,
  ExportedMessage,
  ImportFormat,
  ImportRecord,
  ImportSource,
  TakenInMessage,
} from "../../core/inbox/import-types.ts";
import type { Draft, Fold, OperationBody, Stamp } from "../../core/inbox/types.ts";
import { EngineError } from "../../core/base/errors.ts";
import type { Replica } from "../replica/replica.ts";
import type { AppendResult } from "../replica/turn.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { ImportResult, OnProgress } from "./types.ts";

/** Appends under way while the next records are read. */
const AHEAD_MAX = 1;
const PROGRESS_EVERY_MS = 250;

/** Opens a file for import; the format by its content where none is given. Messages from outside get ids by the index key. */
export type OpenImport = (options: {
  readonly path: string;
  readonly format: ImportFormat | undefined;
  readonly indexKey: Uint8Array;
}) => Promise<ImportSource>;

/** @throws EngineError `IMPORT_*`, `EPOCH_KEY_MISSING`, and what appending throws. */
export async function importFile(input: {
  readonly replica: Replica;
  readonly inbox: InboxReader;
  readonly openImport: OpenImport;
  readonly path: string;
  readonly format: ImportFormat | undefined;
  readonly onProgress: OnProgress | undefined;
}): Promise<ImportResult> {
  const { replica, inbox, openImport, path, format } = input;
  const { fold } = replica;
  const { indexKey } = replica.keys;
  if (fold === null || indexKey === null)
    throw new EngineError("EPOCH_KEY_MISSING", "this device has no key yet");
  const source = await openImport({ path, format, indexKey });
  const importer = new Importer(replica, inbox, fold);
  const { clock } = replica.ports;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const tell = (now: boolean): void => {
    if (!now && clock.monotonicMs() - toldAtMs < PROGRESS_EVERY_MS) return;
    toldAtMs = clock.monotonicMs();
    const { bytesRead, bytesTotal } = source;
    input.onProgress?.({ what: "import", done: bytesRead, total: bytesTotal > 0 ? bytesTotal : null });
  };
  try {
    for await (const records of source) {
      await importer.take(records);
      tell(false);
    }
  } finally {
    // What was read before a bad place is kept; importing the mended file adds the rest.
    await importer.finish();
  }
  tell(true);
  const { imported, duplicates } = importer;
  const { skipped, problems } = source;
  return { imported, duplicates, skipped, problems };
}

class Importer {
  imported = 0;
  duplicates = 0;
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  readonly #fold: Fold;
  readonly #titles = new Map<ConversationId, string>();
  readonly #ahead: Promise<void>[] = [];
  #failure: Error | null = null;

  constructor(replica: Replica, inbox: InboxReader, fold: Fold) {
    this.#replica = replica;
    this.#inbox = inbox;
    this.#fold = fold;
  }

  /** Appends go on while the next records are read; a failure of one of them is thrown at the next call. */
  async take(records: readonly ImportRecord[]): Promise<void> {
    const messages: Draft[] = [];
    const others: Draft[] = [];
    for (const record of records) {
      if (record.kind === "taken-in") messages.push(this.#takenIn(record));
      else if (record.kind === "message") others.push(...(await this.#exported(record, messages)));
      else others.push(...(await this.#conversation(record)));
    }
    if (messages.length > 0) this.#append(messages, true);
    if (others.length > 0) this.#append(others, false);
    while (this.#ahead.length > AHEAD_MAX) await this.#ahead.shift();
    if (this.#failure !== null) throw this.#failure;
  }

  async finish(): Promise<void> {
    await Promise.all(this.#ahead);
    if (this.#failure !== null) throw this.#failure;
    const titles: Draft[] = [];
    for (const [conversation, title] of this.#titles) {
      // A name given here, or imported before, stays.
      if ((await this.#inbox.conversation(conversation))?.title !== null) continue;
      titles.push(this.#fresh({ kind: "title", conversation, title }));
    }
    if (titles.length > 0) await this.#replica.writer.append(titles);
  }

  #append(drafts: readonly Draft[], counted: boolean): void {
    this.#ahead.push(
      this.#replica.writer.append(drafts).then(
        (results) => {
          if (counted) this.#count(results);
        },
        (error: Error) => {
          this.#failure ??= error;
        },
      ),
    );
  }

  #count(results: readonly AppendResult[]): void {
    const fresh = results.filter((result) => result.appended).length;
    this.imported += fresh;
    this.duplicates += results.length - fresh;
  }

  #takenIn(record: TakenInMessage): Draft {
    const { id, service, box, address, timeMs, text, contactName } = record;
    if (contactName !== null) {
      const conversation = this.#fold.conversationOf(address);
      if (!this.#titles.has(conversation)) this.#titles.set(conversation, contactName);
    }
    return {
      id,
      author: this.#replica.self,
      stamp: this.#ownTime(timeMs),
      body: {
        kind: "message",
        conversation: address,
        direction: box,
        service,
        sender: box === "out" ? null : record.sender,
        text,
        sentAtMs: record.sentAtMs,
        receivedAtMs: record.receivedAtMs,
        replyTo: null,
        takenIn: true,
        readAtSource: record.read,
      },
    };
  }

  /** A message of Kinlog's own export keeps its id, author and stamp. */
  async #exported(record: ExportedMessage, messages: Draft[]): Promise<readonly Draft[]> {
    const { id, author, stamp, conversation, direction, service, sender, text, sentAtMs, receivedAtMs } =
      record;
    const { replyTo, takenIn, readAtSource } = record;
    const body: OperationBody = {
      kind: "message",
      conversation,
      direction,
      service,
      sender,
      text,
      sentAtMs,
      receivedAtMs,
      replyTo,
      takenIn,
      readAtSource,
    };
    messages.push({ id, author, stamp, body });
    const { deletedBy } = record;
    // Whatever was last said here about deleting it stands; so importing again adds nothing.
    if (deletedBy === null || (await this.#inbox.lastWord(id)) !== null) return [];
    const conversationId = this.#fold.conversationOf(conversation);
    return [
      {
        id: deletedBy.id,
        author,
        stamp: deletedBy.stamp,
        body: { kind: "delete", conversation: conversationId, messages: [id] },
      },
    ];
  }

  /** What the export says of a conversation and is not so here already. */
  async #conversation(record: ExportedConversation): Promise<readonly Draft[]> {
    const conversation = this.#fold.conversationOf(record.conversation);
    await Promise.all(this.#ahead);
    const state = await this.#inbox.conversation(conversation);
    const drafts: Draft[] = [];
    if (record.title !== null && (state?.title ?? null) === null) {
      const { text, order, author } = record.title;
      drafts.push({
        id: order.id,
        author,
        stamp: order.stamp,
        body: { kind: "title", conversation, title: text },
      });
    }
    if (record.readUpTo !== null && (state?.readUpTo ?? null) === null) {
      drafts.push(this.#fresh({ kind: "read", conversation, upTo: record.readUpTo }));
    }
    if (record.markedUnread && state?.markedUnread !== true)
      drafts.push(this.#fresh({ kind: "unread", conversation }));
    return drafts;
  }

  /** Its own time, never later than now: what is taken in moves no clock. */
  #ownTime(timeMs: number): Stamp {
    return stampOfWall(Math.min(timeMs, this.#replica.ports.clock.wallMs()));
  }

  #fresh(body: OperationBody): Draft {
    return freshDraft(this.#replica, body);
  }
}

/** A new operation of this device: a random id, its stamp given in the writer's turn. */
export function freshDraft(replica: Replica, body: OperationBody): Draft {
  return {
    id: bytesToId<MessageId>(replica.ports.entropy.bytes(16)),
    author: replica.self,
    stamp: null,
    body,
  };
}
