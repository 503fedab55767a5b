/**
 * Unpacks one Snappy block, as LevelDB packs the blocks of its tables.
 * Format: google/snappy, format_description.txt. Tests: test/unit/store/table-check.test.ts.
 */

/** A block of a table is a few kilobytes; an index of a table of 8 MiB some ten. */
const UNPACKED_BYTES_MAX = 16 * 1024 * 1024;
/** No element gives more: a copy of 64 bytes takes three. So a size is not trusted before the bytes for it are there. */
const GROWTH_MAX = 64 / 3;

/** Undefined where the bytes are no Snappy block. */
export function unpackSnappy(packed: Uint8Array): Uint8Array | undefined {
  let at = 0;
  const next = (): number => packed[at++] ?? Number.NaN;
  let size = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = next();
    size += (byte % 128) * scale;
    if (!(size <= UNPACKED_BYTES_MAX)) return undefined;
    if (byte < 128) break;
  }
  if (size > GROWTH_MAX * packed.length) return undefined;
  const unpacked = new Uint8Array(size);
  let end = 0;
  while (at < packed.length) {
    const element = readElement(next);
    if (!(end + element.size <= size)) return undefined;
    if (element.back === 0) {
      if (at + element.size > packed.length) return undefined;
      unpacked.set(packed.subarray(at, at + element.size), end);
      at += element.size;
    } else {
      if (!(element.back <= end)) return undefined;
      // Byte by byte: a copy may reach into what it writes.
      for (let n = 0; n < element.size; n++) unpacked[end + n] = unpacked[end + n - element.back]!;
    }
    end += element.size;
  }
  return end === size ? unpacked : undefined;
}

/** A literal (`back` 0) or a copy from so far back. NaN where the bytes end. */
function readElement(next: () => number): { readonly size: number; readonly back: number } {
  const tag = next();
  const high = tag >>> 2;
  switch (tag % 4) {
    case 0: {
      // Sizes from 61 on stand in one to four bytes of their own.
      return { size: 1 + (high < 60 ? high : littleEndian(next, high - 59)), back: 0 };
    }
    case 1:
      return { size: 4 + (high % 8), back: (high >>> 3) * 256 + next() };
    default:
      return { size: 1 + high, back: littleEndian(next, tag % 4 === 2 ? 2 : 4) };
  }
}

function littleEndian(next: () => number, count: number): number {
  let value = 0;
  for (let n = 0, scale = 1; n < count; n++, scale *= 256) value += next() * scale;
  return value;
}
