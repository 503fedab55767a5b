/**
 * What the index covers: its segments, and which positions each stands for. Spec: docs/spec/search.md, "Segments".
 * Tests: test/unit/search/index-state.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import { ByteWriter } from "../base/byte-writer.ts";
import { EngineError } from "../base/errors.ts";
import { contains, NO_RANGES, type Range, type Ranges, subtract, union } from "../log/ranges.ts";
import type { Place, Row, RowKey } from "../log/rows.ts";
import { BITS_MAX, DOCUMENTS_MAX, readPlain } from "./segment-rows.ts";

/** Raised whenever folding, terms or rows change: then the index is built again. */
const INDEX_VERSION = 1;

export const INDEX_STATE_KEY = "xs" as RowKey;
/** Keys of all rows of the index. */
export const INDEX_KEYS = { from: "x" as RowKey, to: "y" as RowKey } as const;

const SEGMENTS_MAX = 4_096;
const LOGS_MAX = 65_536;
const RANGES_MAX = 65_536;
const NUMBER_MAX = 2 ** 32 - 1;
const POSITION_MAX = 2 ** 48;

/** Positions by the number of their log. */
export type Coverage = ReadonlyMap<number, Ranges>;

export interface Segment {
  readonly number: number;
  /** Its lists lie in 2^bits rows. */
  readonly bits: number;
  /** Something that it lists is to be gone. */
  readonly again: boolean;
  readonly documents: number;
  readonly newestMs: number;
  readonly oldestMs: number;
  readonly coverage: Coverage;
}

export interface IndexState {
  /** Of the next segment. No number is given twice while rows of it may be there. */
  readonly next: number;
  readonly segments: readonly Segment[];
}

export function encodeIndexState({ next, segments }: IndexState): Row {
  const writer = new ByteWriter(1_024).u8(INDEX_VERSION).uint(next);
  writer.list(segments, (segment) => {
    writer
      .uint(segment.number)
      .u8(segment.bits)
      .u8(segment.again ? 1 : 0)
      .uint(segment.documents);
    writer.u48(segment.newestMs).u48(segment.oldestMs);
    writer.list([...segment.coverage], ([log, ranges]) => {
      let end = 0;
      writer.uint(log).list(ranges, ({ from, to }) => {
        writer.uint(from - end).uint(to - from);
        end = to;
      });
    });
  });
  return writer.finish();
}

/** @throws EngineError `STORE_DAMAGED` where the bytes are none that this version writes. */
export function decodeIndexState(row: Row): IndexState {
  return readPlain(row, (reader) => {
    const next = reader.uint(NUMBER_MAX);
    const segments = reader.list(SEGMENTS_MAX, (): Segment => {
      const number = reader.uint(NUMBER_MAX);
      const bits = reader.u8();
      const again = reader.flag();
      const documents = reader.uint(DOCUMENTS_MAX);
      const [newestMs, oldestMs] = [reader.u48(), reader.u48()];
      if (number >= next || bits > BITS_MAX)
        throw new EngineError("WIRE_NOT_CANONICAL", "a segment is none of these");
      const coverage = readCoverage(reader);
      return { number, bits, again, documents, newestMs, oldestMs, coverage };
    });
    return { next, segments };
  });
}

function readCoverage(reader: ByteReader): Coverage {
  const logs = reader.list(LOGS_MAX, () => {
    let end = 0;
    const log = reader.uint(NUMBER_MAX);
    const ranges = reader.list(RANGES_MAX, (): Range => {
      const from = end + reader.uint(POSITION_MAX);
      const to = from + reader.uint(POSITION_MAX);
      if (to === from || (end > 0 && from === end))
        throw new EngineError("WIRE_NOT_CANONICAL", "ranges are apart");
      end = to;
      return { from, to };
    });
    return [log, ranges] as const;
  });
  const coverage = new Map(logs);
  if (coverage.size < logs.length) throw new EngineError("WIRE_NOT_CANONICAL", "a log is named twice");
  return coverage;
}

/** Positions in either. */
export function joinCoverage(a: Coverage, b: Coverage): Coverage {
  const joined = new Map(a);
  for (const [log, ranges] of b) joined.set(log, union(joined.get(log) ?? NO_RANGES, ranges));
  return joined;
}

/** What of `held` no segment covers. */
export function pendingOf(held: Coverage, { segments }: IndexState): Coverage {
  let covered: Coverage = new Map();
  for (const segment of segments) covered = joinCoverage(covered, segment.coverage);
  const pending = new Map<number, Ranges>();
  for (const [log, ranges] of held) {
    const rest = subtract(ranges, covered.get(log) ?? NO_RANGES);
    if (rest.length > 0) pending.set(log, rest);
  }
  return pending;
}

export function sizeOfCoverage(coverage: Coverage): number {
  let size = 0;
  for (const ranges of coverage.values()) for (const { from, to } of ranges) size += to - from;
  return size;
}

/** At most `count` positions, of each log the highest first. */
export function newestOf(coverage: Coverage, count: number): Coverage {
  const newest = new Map<number, Ranges>();
  let left = count;
  for (const [log, ranges] of coverage) {
    const taken: Range[] = [];
    for (const { from, to } of ranges.toReversed()) {
      if (left === 0) break;
      const begin = Math.max(from, to - left);
      left -= to - begin;
      taken.unshift({ from: begin, to });
    }
    if (taken.length > 0) newest.set(log, taken);
  }
  return newest;
}

/** The state with every segment that covers one of the places to be built again; the same where none does. */
export function markAgain(state: IndexState, places: readonly Place[]): IndexState {
  const isHit = ({ again, coverage }: Segment): boolean =>
    !again &&
    places.some(({ logNumber, position }) => contains(coverage.get(logNumber) ?? NO_RANGES, position));
  if (!state.segments.some(isHit)) return state;
  return {
    ...state,
    segments: state.segments.map((segment) => (isHit(segment) ? { ...segment, again: true } : segment)),
  };
}
