/**
 * Sets of positions as bytes: `ranges` of docs/spec/encoding.md. Sorted and disjoint by construction, so there is one encoding
 * of each set. Tests: test/unit/wire/ranges-codec.test.ts.
 */
import type { ByteReader } from "../base/byte-reader.ts";
import type { ByteWriter } from "../base/byte-writer.ts";
import { EngineError } from "../base/errors.ts";
import type { Range, Ranges } from "../log/ranges.ts";

export function writeRanges(writer: ByteWriter, ranges: Ranges): void {
  let end = 0;
  writer.list(ranges, ({ from, to }) => {
    writer.uint(from - end).uint(to - from);
    end = to;
  });
}

/**
 * At most `countMax` ranges of positions below `limit`.
 *
 * @throws EngineError with a code that begins with `WIRE_`.
 */
export function readRanges(
  reader: ByteReader,
  bounds: { readonly countMax: number; readonly limit: number },
): Ranges {
  let end = 0;
  let isFirst = true;
  return reader.list(bounds.countMax, (): Range => {
    const gap = reader.uint(bounds.limit - end);
    if (gap === 0 && !isFirst) throw new EngineError("WIRE_NOT_CANONICAL", "two ranges touch");
    const from = end + gap;
    const size = reader.uint(bounds.limit - from);
    if (size === 0) throw new EngineError("WIRE_NOT_CANONICAL", "a range is empty");
    isFirst = false;
    end = from + size;
    return { from, to: end };
  });
}
