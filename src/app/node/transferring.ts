/**
 * History in and history out. What is read becomes operations with ids that follow from the content, so importing again, here or on another
 * device, adds nothing. Readers and writers of formats: src/io/gateways, through the ports below.
 */
import type { ConversationId } from "../../core/base/ids.ts";
import { stampOfWall } from "../../core/inbox/stamp.ts";
import type {
  ImportFormat,
  ImportRecord,
  ImportSource,
  TakenInMessage,
} from "../../core/inbox/import-types.ts";
import type { Draft, Fold, Stamp } from "../../core/inbox/types.ts";
import { EngineError } from "../../core/base/errors.ts";
import type { Replica } from "../replica/replica.ts";
import type { AppendResult } from "../replica/turn.ts";
import { freshDraft } from "./fresh-draft.ts";
import { ExportedRecords, messageDraftOf } from "./import-exported.ts";
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
  readonly #exported: ExportedRecords;
  readonly #titles = new Map<ConversationId, string>();
  readonly #ahead: Promise<void>[] = [];
  #failure: Error | null = null;

  constructor(replica: Replica, inbox: InboxReader, fold: Fold) {
    this.#replica = replica;
    this.#inbox = inbox;
    this.#fold = fold;
    this.#exported = new ExportedRecords(replica, inbox, fold);
  }

  /** Appends go on while the next records are read; a failure of one of them is thrown at the next call. */
  async take(records: readonly ImportRecord[]): Promise<void> {
    const messages: Draft[] = [];
    const others: Draft[] = [];
    for (const record of records) {
      if (record.kind === "taken-in") messages.push(this.#takenIn(record));
      else {
        if (record.kind === "message") messages.push(messageDraftOf(record));
        // What it says is compared with what stands here, and that may be on its way.
        else if (record.kind === "conversation") await Promise.all(this.#ahead);
        others.push(...(await this.#exported.draftsOf(record)));
      }
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
      titles.push(freshDraft(this.#replica, { kind: "title", conversation, title }));
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

  /** Its own time, never later than now: what is taken in moves no clock. */
  #ownTime(timeMs: number): Stamp {
    return stampOfWall(Math.min(timeMs, this.#replica.ports.clock.wallMs()));
  }
}
