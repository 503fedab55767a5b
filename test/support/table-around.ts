/** Tables of LevelDB around a given index, with right checksums. Format: LevelDB's doc/table_format.md. */
import { concat, utf8 } from "../../src/core/base/bytes.ts";
import { crc32c } from "../../src/io/store/crc.ts";

const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** A block with what LevelDB writes behind it: how it is packed, and its checksum, turned and shifted. */
function withTrailer(block: Uint8Array, packing: number): Uint8Array {
  const whole = concat(block, Uint8Array.of(packing));
  const sum = crc32c(whole);
  const masked = (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
  return concat(whole, Uint8Array.of(masked, masked >>> 8, masked >>> 16, masked >>> 24));
}

/** Where a block lies, as an index says it. */
export function handle(offset: number, size: number): Uint8Array {
  const uint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...uint(Math.floor(value / 128))];
  return Uint8Array.from([...uint(offset), ...uint(size)]);
}

/** A table whose checksums are right, whatever its index says. `packing`: 0 as it is, 1 by Snappy. */
export function tableAround(index: Uint8Array, packing = 0): Uint8Array {
  const data = withTrailer(utf8("some rows"), 0);
  const meta = withTrailer(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0), 0);
  const blocks = concat(data, meta, withTrailer(index, packing));
  const handles = concat(handle(data.length, 8), handle(data.length + meta.length, index.length));
  const footer = new Uint8Array(48);
  footer.set(handles.subarray(0, 40));
  footer.set(MAGIC, 40);
  return concat(blocks, footer);
}
