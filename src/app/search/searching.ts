/**
 * Searches: joins the segments by time, opens each message that they give, and holds it against the query. Changes nothing.
 * Spec: docs/spec/search.md, "Searching". Tests: test/integration/app/search.test.ts.
 */
import type { ConversationId, MessageId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import { compareOrder } from "../../core/inbox/stamp.ts";
import type { OrderKey } from "../../core/inbox/types.ts";
import type { FoundMessage } from "../../core/inbox/view.ts";
import type { Place } from "../../core/log/rows.ts";
import { newestOf, pendingOf, type Segment } from "../../core/search/index-state.ts";
import { answers, type Query, termsToFind } from "../../core/search/query.ts";
import { conversationTerm } from "../../core/search/terms.ts";
import { searchTokenOf } from "../../core/crypto/derive.ts";
import type { IndexRows, ReadState } from "./index-rows.ts";
import { SegmentSearch } from "./segment-search.ts";
import type { TextOf, Texts } from "./texts.ts";

/** Messages opened together. */
const TOGETHER = 64;
const OPENED_MAX = 4_096;
/** Segments read together at most: of a frequent word the first has enough, of a rare one all are asked. */
const SEGMENTS_TOGETHER_MAX = 32;
const ANY_ID = "f".repeat(32) as MessageId;
const COUNTER_MAX = 65_535;

export interface Search {
  readonly query: Query;
  readonly conversation: ConversationId | null;
  readonly limit: number;
  /** Only messages before it. */
  readonly before: OrderKey | null;
}

export interface FoundMessages {
  /** Newest first. */
  readonly found: readonly FoundMessage[];
  /** Where the search goes on; null where all was found. */
  readonly next: OrderKey | null;
}

/** A segment does not hold what the state says of it. */
export class SegmentDamaged extends Error {
  readonly segment: number;

  constructor(segment: number, cause: unknown) {
    super("a segment of the search index cannot be read", { cause });
    this.segment = segment;
  }
}

export class Searching {
  readonly #rows: IndexRows;
  readonly #texts: Texts;
  readonly #pendingMax: number;

  constructor(parts: { readonly rows: IndexRows; readonly texts: Texts; readonly pendingMax: number }) {
    this.#rows = parts.rows;
    this.#texts = parts.texts;
    this.#pendingMax = parts.pendingMax;
  }

  /** @throws SegmentDamaged; EngineError as reading throws. */
  async run({ state }: ReadState, search: Search): Promise<FoundMessages> {
    const found = new Map<MessageId, FoundMessage>();
    const take = (texts: readonly TextOf[]): void => {
      for (const { id, text, found: message } of texts)
        if (isWanted(message, search) && answers(search.query, text)) found.set(id, message);
    };
    await this.#lookAtPending(state, take);
    const merge = new Merge(this.#rows, this.#terms(search), state.segments, search.before);
    let opened = 0;
    for (;;) {
      const nextMs = await merge.nextMs();
      if (nextMs === null) return cut(found, search.limit, null);
      const sure = countNewer(found, nextMs);
      if (sure > search.limit) return cut(found, search.limit, null);
      const isEnough = opened >= OPENED_MAX;
      // Those of one millisecond are looked at together, so that the answer ends between two.
      if (isEnough && merge.lastMs !== nextMs) return cut(found, search.limit, nextMs);
      const places = await merge.take(TOGETHER, isEnough ? nextMs : 0);
      opened += places.length;
      take(await this.#texts.at(places));
    }
  }

  async #lookAtPending(state: ReadState["state"], take: (texts: readonly TextOf[]) => void): Promise<void> {
    const pending = newestOf(pendingOf(this.#rows.held(), state), this.#pendingMax);
    for (const [log, ranges] of pending)
      for (const { from, to } of ranges) take((await this.#texts.in(log, from, to)).texts);
  }

  #terms({ query, conversation }: Search): readonly number[] {
    const terms = [...termsToFind(query), ...(conversation === null ? [] : [conversationTerm(conversation)])];
    return terms.map((term) => searchTokenOf(this.#rows.indexKey, term));
  }
}

/** The documents of all segments as one list, the newest first. */
class Merge {
  readonly #rows: IndexRows;
  readonly #tokens: readonly number[];
  readonly #beforeMs: number;
  /** The newest first. */
  readonly #closed: Segment[];
  readonly #open: SegmentSearch[] = [];
  #together = 1;
  lastMs: number | null = null;

  constructor(
    rows: IndexRows,
    tokens: readonly number[],
    segments: readonly Segment[],
    before: OrderKey | null,
  ) {
    this.#rows = rows;
    this.#tokens = tokens;
    this.#beforeMs = before?.stamp.ms ?? Number.POSITIVE_INFINITY;
    this.#closed = segments
      .filter(({ documents, oldestMs }) => documents > 0 && oldestMs <= this.#beforeMs)
      .sort((a, b) => b.newestMs - a.newestMs);
  }

  /** Of the document that comes next; null at the end. */
  async nextMs(): Promise<number | null> {
    const best = await this.#best();
    return best?.ms ?? null;
  }

  /** The next `count` places that are not older than `oldestMs`, or fewer at the end. */
  async take(count: number, oldestMs: number): Promise<readonly Place[]> {
    const places: Place[] = [];
    while (places.length < count) {
      const best = await this.#best();
      if (best === null || best.ms === null || best.ms < oldestMs) break;
      this.lastMs = best.ms;
      places.push(best.place);
      await whole(best.segment, () => best.advance());
    }
    return places;
  }

  async #best(): Promise<SegmentSearch | null> {
    for (;;) {
      let best: SegmentSearch | null = null;
      let bestMs = -1;
      for (const each of this.#open) {
        const { ms } = each;
        if (ms === null || ms <= bestMs) continue;
        best = each;
        bestMs = ms;
      }
      const next = this.#closed[0];
      if (next === undefined || Math.min(next.newestMs, this.#beforeMs) < bestMs) return best;
      await this.#openMore();
    }
  }

  async #openMore(): Promise<void> {
    const segments = this.#closed.splice(0, this.#together);
    this.#together = Math.min(SEGMENTS_TOGETHER_MAX, this.#together * 4);
    this.#open.push(
      ...(await Promise.all(
        segments.map((segment) =>
          whole(segment.number, () =>
            SegmentSearch.open({ rows: this.#rows, segment, tokens: this.#tokens, beforeMs: this.#beforeMs }),
          ),
        ),
      )),
    );
  }
}

async function whole<Result>(segment: number, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    throw new SegmentDamaged(segment, error);
  }
}

function isWanted(message: FoundMessage, { conversation, before }: Search): boolean {
  if (message.deleted || message.unsent) return false;
  if (conversation !== null && message.conversation !== conversation) return false;
  return before === null || compareOrder(message.order, before) < 0;
}

function countNewer(found: ReadonlyMap<MessageId, FoundMessage>, ms: number): number {
  let count = 0;
  for (const { order } of found.values()) if (order.stamp.ms > ms) count++;
  return count;
}

/** The newest of what was found; with `stoppedMs` nothing of that time or older has been looked at to its end. */
function cut(
  found: ReadonlyMap<MessageId, FoundMessage>,
  limit: number,
  stoppedMs: number | null,
): FoundMessages {
  const sorted = [...found.values()]
    .filter(({ order }) => stoppedMs === null || order.stamp.ms > stoppedMs)
    .sort((a, b) => compareOrder(b.order, a.order));
  const last = sorted[limit - 1];
  if (sorted.length > limit && last !== undefined) return { found: sorted.slice(0, limit), next: last.order };
  const next = stoppedMs === null ? null : { stamp: { ms: stoppedMs, counter: COUNTER_MAX }, id: ANY_ID };
  return { found: sorted, next };
}
