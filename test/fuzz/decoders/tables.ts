/** Fuzzed: LevelDB's own files, as far as this project reads them. Format: LevelDB's doc/table_format.md. */
import { concat, equalBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { unpackSnappy } from "../../../src/io/store/snappy.ts";
import { countDamagedBlocks } from "../../../src/io/store/table-check.ts";
import { handle, tableAround } from "../../support/table-around.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { type Decoder, promise } from "../decoder.ts";

/** No element of Snappy gives more than 64 bytes for three. */
const GROWTH_MAX = 64 / 3;

const snappy: Decoder = {
  name: "snappy",
  group: "store",
  codes: [],
  samples: (seed) => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => packed(random));
  },
  read: (input) => {
    const unpacked = unpackSnappy(input);
    if (unpacked !== undefined)
      promise(unpacked.length <= GROWTH_MAX * input.length, "a block unfolds in proportion");
  },
};

/** Literals and copies that are right. */
function packed(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let left = random.between(1, 6); left > 0; left--) {
    if (size === 0 || random.chance(50)) {
      const literal = random.bytes(random.between(1, 60));
      parts.push(Uint8Array.of((literal.length - 1) * 4), literal);
      size += literal.length;
    } else {
      const copied = random.between(1, 64);
      const back = random.between(1, size);
      parts.push(Uint8Array.of((copied - 1) * 4 + 2, back % 256, back >> 8));
      size += copied;
    }
  }
  const head = size < 128 ? [size] : [(size % 128) + 128, Math.floor(size / 128)];
  return concat(Uint8Array.from(head), ...parts);
}

const PACKED = 1;

/** One key of three bytes, and the handle of the block of rows. */
const goodIndex = concat(
  Uint8Array.of(0, 3, 2),
  utf8("key"),
  handle(0, 9),
  Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0),
);

/** The first byte: whether the bytes are a whole table, or an index whose checksum is made good. */
const table: Decoder = {
  name: "table",
  group: "store",
  codes: [],
  samples: () => [
    concat(Uint8Array.of(0), tableAround(goodIndex, 0)),
    concat(Uint8Array.of(1), goodIndex),
    concat(Uint8Array.of(2), packed(new Random(1))),
  ],
  read: (input) => {
    const mode = (input[0] ?? 0) % 3;
    const bytes = input.subarray(1);
    const whole = mode === 0 ? bytes : tableAround(bytes, mode === 2 ? PACKED : 0);
    const damaged = countDamagedBlocks(whole);
    promise(Number.isSafeInteger(damaged) && damaged >= 0, "damaged blocks are counted");
    if (mode === 1 && equalBytes(bytes, goodIndex)) promise(damaged === 0, "a good table is good");
  },
};

export const tableDecoders: readonly Decoder[] = [snappy, table];
