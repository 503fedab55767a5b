/** A device on which people write, edit, unsend and throw away, and its search index beside the slow way of looking for the same. */
import { deepEqual, equal } from "node:assert/strict";
import { currentTexts } from "../../src/app/node/message-search.ts";
import { InboxReader } from "../../src/app/node/inbox-reader.ts";
import { MessageIndex } from "../../src/app/search/message-index.ts";
import type { ConversationId, MessageId } from "../../src/core/base/ids.ts";
import { compareOrder } from "../../src/core/inbox/stamp.ts";
import type { Draft, OrderKey } from "../../src/core/inbox/types.ts";
import { messageRowKey, readMessageRow } from "../../src/core/inbox/view.ts";
import type { Row, RowKey } from "../../src/core/log/rows.ts";
import {
  decodeIndexState,
  INDEX_KEYS,
  INDEX_STATE_KEY,
  type IndexState,
} from "../../src/core/search/index-state.ts";
import type { StepSizes } from "../../src/core/search/next-step.ts";
import { parseQuery } from "../../src/core/search/query.ts";
import { keysOfSegment } from "../../src/core/search/segment-rows.ts";
import { Random } from "../../simulations/doubles/random.ts";
import { ManualClock } from "./manual-clock.ts";
import { draftOf, messageBody, TestDevice } from "./replicas.ts";

export const SMALL: StepSizes = { pendingMin: 3, positionsMax: 24, commitBytes: 1 };
/** What texts are made of, and for each how it is asked for. */
const WORDS = ["kin", "Kinlog", "kindly", "train", "Größe", "42", "👍", "北京", "京都", "東京", "กรุงเทพ"];
const CONVERSATIONS = ["Ana", "+4930123", "Bea"];

/** A word as the slow way of looking compares it, written without the code under test. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ["Kinlog", "kinlog"],
  ["Größe", "grosse"],
]);
const plain = (word: string): string => PLAIN.get(word) ?? word;

export interface Asked {
  readonly text: string;
  readonly answers: (words: readonly string[]) => boolean;
}

export const QUERIES: readonly Asked[] = [
  ...WORDS.map((word): Asked => ({ text: word, answers: (words) => words.includes(plain(word)) })),
  { text: "KIN*", answers: (words) => words.some((word) => word.startsWith("kin")) },
  { text: "kinlogs*", answers: () => false },
  { text: "gro* 42", answers: (words) => words.includes("grosse") && words.includes("42") },
  { text: "京", answers: (words) => words.some((word) => word.includes("京")) },
  { text: "train 北京", answers: (words) => words.includes("train") && words.includes("北京") },
  { text: "absent", answers: () => false },
];

export class Life {
  readonly random: Random;
  readonly clock = new ManualClock();
  device!: TestDevice;
  index!: MessageIndex;
  /** What each message says now, as whoever wrote it knows. */
  readonly texts = new Map<MessageId, readonly string[] | null>();
  readonly #bin = new Set<MessageId>();
  readonly #out = new Set<MessageId>();

  private constructor(seed: number) {
    this.random = new Random(seed);
  }

  static async begin(seed: number): Promise<Life> {
    const life = new Life(seed);
    life.device = await TestDevice.found(life.clock, seed + 1);
    life.open();
    return life;
  }

  get inbox(): InboxReader {
    return new InboxReader(this.device.replica, () => ({ here: true, devices: [], cloud: null }));
  }

  open(sizes = SMALL): void {
    this.index = new MessageIndex({
      replica: this.device.replica,
      current: currentTexts(this.inbox),
      tell: () => undefined,
      sizes,
    });
  }

  async crash(): Promise<void> {
    await this.device.restart();
    this.open();
  }

  async write(): Promise<void> {
    const kind = this.random.below(10);
    const known = [...this.texts.keys()];
    if (kind < 6 || known.length === 0) return this.#send();
    const id = known[this.random.below(known.length)]!;
    if (kind === 6 && this.#out.has(id)) return this.#edit(id);
    if (kind === 7 && this.#out.has(id) && this.random.below(3) === 0) return this.#unsend(id);
    return this.#throwAway(id);
  }

  async search(
    asked: Asked,
    options: { limit?: number; before?: OrderKey | null; conversation?: ConversationId } = {},
  ) {
    return this.index.search({
      query: parseQuery(asked.text),
      conversation: options.conversation ?? null,
      limit: options.limit ?? 1_000,
      before: options.before ?? null,
    });
  }

  /** The slow way: every message, its words compared one by one. */
  async looked({ answers }: Asked, conversation?: ConversationId): Promise<readonly MessageId[]> {
    const found: { readonly id: MessageId; readonly order: OrderKey }[] = [];
    for (const [id, words] of this.texts) {
      if (words === null || this.#bin.has(id) || !answers(words)) continue;
      const [row] = await this.device.replica.ports.store.rows([messageRowKey(id)]);
      const message = readMessageRow(id, row!)!;
      if (conversation === undefined || message.conversation === conversation) found.push(message);
    }
    return found.sort((a, b) => compareOrder(b.order, a.order)).map(({ id }) => id);
  }

  async check(what: string): Promise<void> {
    for (const asked of QUERIES) {
      const { found, next } = await this.search(asked);
      deepEqual(
        found.map(({ id }) => id),
        await this.looked(asked),
        `${asked.text} ${what}`,
      );
      equal(next, null);
    }
  }

  async rows(): Promise<readonly (readonly [RowKey, Row])[]> {
    const { store } = this.device.replica.ports;
    return store.rowRange({ ...INDEX_KEYS, reverse: false, limit: 100_000 });
  }

  async state(): Promise<IndexState> {
    const [row] = await this.device.replica.ports.store.rows([INDEX_STATE_KEY]);
    return decodeIndexState(row!);
  }

  /** As a disk would give back something else. */
  async put(key: RowKey, row: Row | null): Promise<void> {
    await this.device.replica.ports.store.commit({
      logs: [],
      puts: new Map(row === null ? [] : [[key, row]]),
      dels: new Set(row === null ? [key] : []),
      meta: new Map(),
    });
  }

  async #append(draft: Draft): Promise<void> {
    await this.device.replica.writer.append([draft]);
    this.clock.pass(this.random.below(3));
  }

  async #send(): Promise<void> {
    const words = this.#words();
    const isOut = this.random.below(2) === 0;
    const takenIn = this.random.below(4) === 0;
    const draft = draftOf(
      this.device,
      messageBody(this.#text(words), {
        conversation: CONVERSATIONS[this.random.below(CONVERSATIONS.length)]!,
        direction: isOut ? "out" : "in",
        takenIn,
      }),
      takenIn ? { stamp: { ms: this.clock.wallMs() - this.random.below(1_000), counter: 0 } } : {},
    );
    this.texts.set(draft.id, words.map(plain));
    if (isOut) this.#out.add(draft.id);
    await this.#append(draft);
  }

  async #edit(message: MessageId): Promise<void> {
    const words = this.#words();
    const conversation = await this.#conversationOf(message);
    if (this.texts.get(message) !== null) this.texts.set(message, words.map(plain));
    await this.#append(
      draftOf(this.device, { kind: "edit", conversation, message, text: this.#text(words) }),
    );
  }

  async #unsend(message: MessageId): Promise<void> {
    this.texts.set(message, null);
    const conversation = await this.#conversationOf(message);
    await this.#append(draftOf(this.device, { kind: "unsend", conversation, message }));
  }

  async #throwAway(message: MessageId): Promise<void> {
    const isThere = this.#bin.has(message);
    if (isThere) this.#bin.delete(message);
    else this.#bin.add(message);
    const conversation = await this.#conversationOf(message);
    const kind = isThere ? "restore" : "delete";
    await this.#append(draftOf(this.device, { kind, conversation, messages: [message] }));
  }

  async #conversationOf(id: MessageId): Promise<ConversationId> {
    const [row] = await this.device.replica.ports.store.rows([messageRowKey(id)]);
    return readMessageRow(id, row!)!.conversation;
  }

  #words(): readonly string[] {
    return Array.from({ length: 1 + this.random.below(4) }, () => WORDS[this.random.below(WORDS.length)]!);
  }

  #text(words: readonly string[]): string {
    return words.join([" ", ", ", "! "][this.random.below(3)]);
  }
}

/** Keys of rows that the state stands for, and its own. */
export async function named(life: Life): Promise<ReadonlySet<RowKey>> {
  const [row] = await life.device.replica.ports.store.rows([INDEX_STATE_KEY]);
  if (row === undefined) return new Set();
  return new Set([
    INDEX_STATE_KEY,
    ...decodeIndexState(row).segments.flatMap((segment) => keysOfSegment(segment)),
  ]);
}
