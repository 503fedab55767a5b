/**
 * Builds the search index step by step: each step opens messages, makes a segment of them, and puts it in the place of smaller ones. Broken
 * off anywhere, what the state names is whole. Spec: docs/spec/search.md, "Building". Tests: test/integration/app/search.test.ts.
 */
import type { MessageId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import { compareOrder } from "../../core/inbox/stamp.ts";
import { NO_RANGES, type Range, rangeOf, type Ranges, subtract, union } from "../../core/log/ranges.ts";
import type { Place, Row, RowKey } from "../../core/log/rows.ts";
import {
  type Coverage,
  type IndexState,
  markAgain,
  pendingOf,
  type Segment,
  sizeOfCoverage,
} from "../../core/search/index-state.ts";
import { nextStep, type Step, type StepSizes } from "../../core/search/next-step.ts";
import { SegmentMaker } from "../../core/search/segment-maker.ts";
import { keysOfSegment } from "../../core/search/segment-rows.ts";
import { type IndexRows, NO_INDEX, type ReadState } from "./index-rows.ts";
import type { Pace } from "./pace.ts";
import type { Listed, Texts } from "./texts.ts";

/** Entries opened in one piece. */
const PIECE = 64;
/** UTF-16 units of the texts that are held at once. */
const TEXT_UNITS_MAX = 4 * 1024 * 1024;

/** How much of what is held has been looked at, in positions. */
export interface Covered {
  readonly done: number;
  readonly total: number;
}

export class IndexBuilding {
  readonly #rows: IndexRows;
  readonly #texts: Texts;
  readonly #pace: Pace;
  readonly #sizes: StepSizes;
  /** Entries that cannot be read now: not asked for again before the next start, or before the index begins anew. */
  #damaged = new Map<number, Ranges>();
  /** Rows of the next number may lie there. */
  #mayHaveUnnamed = true;

  constructor(parts: { rows: IndexRows; texts: Texts; pace: Pace; sizes: StepSizes }) {
    this.#rows = parts.rows;
    this.#texts = parts.texts;
    this.#pace = parts.pace;
    this.#sizes = parts.sizes;
  }

  async covered(): Promise<Covered> {
    const held = this.#rows.held();
    const total = sizeOfCoverage(held);
    const read = await this.#rows.state();
    if (read === null) return { done: 0, total };
    const pending = sizeOfCoverage(pendingOf(held, read.state));
    // So few are looked at by every search.
    return { done: pending <= this.#sizes.pendingMin ? total : total - pending, total };
  }

  /**
   * One step. False where there is nothing to do.
   *
   * @throws EngineError `NODE_CLOSED`, `DISK_FULL`, `STORE_*`.
   */
  async step(): Promise<boolean> {
    const read = (await this.#rows.state()) ?? (await this.#afterClearing());
    const step = nextStep(read.state, this.#readable(), this.#sizes);
    if (step === null) return false;
    if (read.ground.row === null) {
      // Which number the first segment bears is known before any row of it lies there, so that a crash leaves none that nobody finds.
      this.#damaged = new Map();
      const state = { next: this.#rows.firstNumber(), segments: [] };
      await this.#rows.replace(read, { state, rows: new Map(), gone: [] });
      return true;
    }
    if (this.#mayHaveUnnamed) await this.#rows.clearUnnamed(read);
    this.#mayHaveUnnamed = true;
    if (await this.#build(read, step)) this.#mayHaveUnnamed = false;
    return true;
  }

  /** What stands at these places is to leave the index: its segments are built again in the next steps. */
  async forget(places: readonly Place[]): Promise<void> {
    for (;;) {
      const read = await this.#rows.state();
      if (read === null) return;
      const state = markAgain(read.state, places);
      if (state === read.state || (await this.#rows.replace(read, { state, rows: new Map(), gone: [] })))
        return;
    }
  }

  /** A segment that cannot be read is given up: its positions are pending from then on. */
  async giveUp(number: number): Promise<void> {
    for (;;) {
      const read = await this.#rows.state();
      const segment = read?.state.segments.find((each) => each.number === number);
      if (read === null || segment === undefined) return;
      const state = { ...read.state, segments: read.state.segments.filter((each) => each !== segment) };
      if (await this.#rows.replace(read, { state, rows: new Map(), gone: keysOfSegment(segment) })) return;
    }
  }

  /** Nothing of an index whose state cannot be read is of use. */
  async #afterClearing(): Promise<ReadState> {
    try {
      await this.#rows.clear();
    } catch (error) {
      // Rows that cannot be read stay until the daily look deletes them; no number of theirs is given again.
      if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    }
    return (await this.#rows.state()) ?? NO_INDEX;
  }

  #readable(): Coverage {
    const readable = new Map<number, Ranges>();
    for (const [log, ranges] of this.#rows.held())
      readable.set(log, subtract(ranges, this.#damaged.get(log) ?? NO_RANGES));
    return readable;
  }

  async #build(read: ReadState, step: Step): Promise<boolean> {
    const { texts, coverage } = await this.#read(step.coverage);
    const edited = new Set(texts.flatMap(({ id, isEdited }) => (isEdited ? [id] : [])));
    // Sorting is done in one piece; of this many it takes some milliseconds.
    const sorted = texts
      .filter(({ id, isEdited }) => isEdited || !edited.has(id))
      .sort((a, b) => compareOrder(b.order, a.order));
    await this.#pace.breathe();
    const maker = new SegmentMaker(this.#rows.indexKey);
    for (const text of sorted) {
      maker.add(text);
      await this.#pace.breathe();
    }
    return this.#write(read, step, { maker, coverage });
  }

  /** What to list, of edits of one message only one, and which positions were looked at for it. */
  async #read(wanted: Coverage): Promise<{ readonly texts: readonly Listed[]; readonly coverage: Coverage }> {
    const texts: Listed[] = [];
    const edited = new Set<MessageId>();
    const coverage = new Map<number, Ranges>();
    let units = 0;
    for (const [log, ranges] of wanted) {
      for (const piece of piecesOf(ranges)) {
        if (units > TEXT_UNITS_MAX) return { texts, coverage };
        const found = await this.#texts.listedIn(log, piece.from, piece.to);
        coverage.set(log, union(coverage.get(log) ?? NO_RANGES, this.#looked(log, piece, found.damaged)));
        for (const text of found.texts) {
          if (text.isEdited && edited.has(text.id)) continue;
          if (text.isEdited) edited.add(text.id);
          units += text.text.length;
          texts.push(text);
        }
        await this.#pace.breathe();
      }
    }
    return { texts, coverage };
  }

  /** What of a piece could be read; the rest is not asked for again. */
  #looked(log: number, { from, to }: Range, damaged: readonly number[]): Ranges {
    let looked = rangeOf(from, to);
    for (const position of damaged) {
      const one = rangeOf(position, position + 1);
      looked = subtract(looked, one);
      this.#damaged.set(log, union(this.#damaged.get(log) ?? NO_RANGES, one));
    }
    return looked;
  }

  async #write(
    read: ReadState,
    { replaces }: Step,
    { maker, coverage }: { readonly maker: SegmentMaker; readonly coverage: Coverage },
  ): Promise<boolean> {
    const number = read.state.next;
    const { documents } = maker;
    let rows = new Map<RowKey, Row>();
    let bytes = 0;
    for (const row of documents.length === 0 ? [] : maker.rows(number)) {
      await this.#pace.breathe();
      if (row === null) continue;
      const sealed = this.#rows.sealed(row);
      rows.set(row.key, sealed);
      bytes += sealed.length;
      if (bytes < this.#sizes.commitBytes) continue;
      if (!(await this.#rows.write(rows, read))) return false;
      rows = new Map();
      bytes = 0;
    }
    const segment: Segment = {
      number,
      bits: documents.length === 0 ? 0 : maker.bits(),
      again: false,
      documents: documents.length,
      newestMs: documents[0]?.ms ?? 0,
      oldestMs: documents.at(-1)?.ms ?? 0,
      coverage,
    };
    const state: IndexState = {
      next: number + 1,
      segments: [...read.state.segments.filter((each) => !replaces.includes(each)), segment],
    };
    return this.#rows.replace(read, { state, rows, gone: replaces.flatMap((each) => keysOfSegment(each)) });
  }
}

/** Small ranges, the last first: what is newest is found soonest where a step ends early. */
function* piecesOf(ranges: Ranges): Generator<Range> {
  for (const { from, to } of ranges.toReversed()) {
    for (let end = to; end > from; end -= PIECE) yield { from: Math.max(from, end - PIECE), to: end };
  }
}
