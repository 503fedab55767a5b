/**
 * CRC-32 (ISO 3309) and CRC-32C (Castagnoli; RFC 3720, appendix B.4), eight bytes at a time (Kounavis and Berry, "A systematic
 * approach to building high performance software-based CRC generators", 2005). Node has no CRC-32C, which LevelDB uses; its CRC-32 costs
 * 0.3 µs before it begins, and every row has one. Tests: test/unit/store/table-check.test.ts, test/unit/store/row-check.test.ts.
 */
import { crc32 as nodeCrc32 } from "node:zlib";

/** From here on Node's own is faster: 0.2 µs for 150 bytes here, 0.3 µs there. */
const SHORT_BYTES_MAX = 192;

const ISO_3309 = tablesOf(0xedb88320);
const CASTAGNOLI = tablesOf(0x82f63b78);

/** Of `bytes[from, to)`; `before` is the CRC of what comes before it. */
export function crc32(bytes: Uint8Array, from: number, to: number, before = 0): number {
  if (to - from > SHORT_BYTES_MAX) return nodeCrc32(bytes.subarray(from, to), before);
  return ~advance(ISO_3309, ~before, { bytes, from, to }) >>> 0;
}

export function crc32c(bytes: Uint8Array): number {
  return ~advance(CASTAGNOLI, -1, { bytes, from: 0, to: bytes.length }) >>> 0;
}

/** Eight tables of 256 one after the other: table k gives what a byte makes of the register k bytes later. */
function tablesOf(polynomial: number): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[byte] = value;
  }
  for (let at = 256; at < tables.length; at++) {
    const value = tables[at - 256]!;
    tables[at] = (value >>> 8) ^ tables[value & 255]!;
  }
  return tables;
}

function advance(
  t: Int32Array,
  register: number,
  { bytes, from, to }: { readonly bytes: Uint8Array; readonly from: number; readonly to: number },
): number {
  let r = register;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    r ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    const first = t[1792 + (r & 255)]! ^ t[1536 + ((r >>> 8) & 255)]! ^ t[1280 + ((r >>> 16) & 255)]!;
    const middle = t[1024 + (r >>> 24)]! ^ t[768 + bytes[at + 4]!]! ^ t[512 + bytes[at + 5]!]!;
    r = first ^ middle ^ t[256 + bytes[at + 6]!]! ^ t[bytes[at + 7]!]!;
  }
  for (; at < to; at++) r = (r >>> 8) ^ t[(r ^ bytes[at]!) & 255]!;
  return r;
}
