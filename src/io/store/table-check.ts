/**
 * LevelDB's tables against the checksums that LevelDB itself wrote into them and does not look at when it reads. It finds what no
 * reader of rows can: a bit that turns a row into a deletion, or hides it in an index or a filter.
 * Format: LevelDB's doc/table_format.md. Spec: docs/spec/storage.md, "Scrubbing". Tests: test/unit/store/table-check.test.ts.
 */
import { crc32c } from "./crc.ts";
import { unpackSnappy } from "./snappy.ts";

interface Block {
  readonly offset: number;
  readonly size: number;
}

/** Two block handles of at most 20 bytes each, padded, and the magic. */
const FOOTER_BYTES = 48;
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb] as const;
/** Behind every block: how it is packed, and its checksum. */
const TRAILER_BYTES = 5;
const PACKED_SNAPPY = 1;
/** At the end of a block: where its keys stand whole, and last how many such places there are. */
const RESTART_BYTES = 4;
/** LevelDB stores checksums turned and shifted, since data may itself hold checksums. */
const MASK_DELTA = 0xa282ead8;

/** How many blocks of the table are not what LevelDB wrote; a table whose index cannot be read counts as one. */
export function countDamagedBlocks(table: Uint8Array): number {
  const handles = readFooter(table);
  if (handles === undefined) return 1;
  const [metaindex, index] = handles;
  const meta = readBlock(table, metaindex);
  const data = readBlock(table, index);
  if (meta === undefined || data === undefined) return 1;
  return countDamaged(table, [...readHandles(meta), ...readHandles(data)]);
}

/**
 * The same of the blocks that say where rows are, or that there are none: the index, and the filter. `end` is the table without its first
 * `from` bytes; what begins in these is left to those who read all of it.
 */
export function countDamagedIndexes(end: Uint8Array, from: number): number {
  const handles = readFooter(end);
  if (handles === undefined) return 1;
  const within = ({ offset, size }: Block): Block => ({ offset: offset - from, size });
  const [metaindex, index] = [within(handles[0]), within(handles[1])];
  if (from > 0 && Math.min(metaindex.offset, index.offset) < 0) return 0;
  const meta = readBlock(end, metaindex);
  if (meta === undefined || !isWhole(end, index)) return 1;
  const filters = readHandles(meta).map((block) => block && within(block));
  return countDamaged(
    end,
    filters.filter((block) => block === undefined || from === 0 || block.offset >= 0),
  );
}

function countDamaged(table: Uint8Array, blocks: readonly (Block | undefined)[]): number {
  return blocks.filter((block) => block === undefined || !isWhole(table, block)).length;
}

function readFooter(table: Uint8Array): readonly [Block, Block] | undefined {
  const footer = table.subarray(Math.max(0, table.length - FOOTER_BYTES));
  const magicAt = FOOTER_BYTES - MAGIC.length;
  if (footer.length < FOOTER_BYTES || MAGIC.some((byte, at) => footer[magicAt + at] !== byte))
    return undefined;
  const reader = new VarintReader(footer);
  const handles = [reader.handle(), reader.handle()] as const;
  return handles[0] === undefined || handles[1] === undefined ? undefined : [handles[0], handles[1]];
}

/** A block's contents, unpacked, where its checksum is right. */
function readBlock(table: Uint8Array, block: Block): Uint8Array | undefined {
  if (!isWhole(table, block)) return undefined;
  const contents = table.subarray(block.offset, block.offset + block.size);
  return table[block.offset + block.size] === PACKED_SNAPPY ? unpackSnappy(contents) : contents;
}

function isWhole(table: Uint8Array, { offset, size }: Block): boolean {
  const end = offset + size + TRAILER_BYTES;
  if (offset < 0 || end > table.length - FOOTER_BYTES) return false;
  const at = end - 4;
  const stored = (table[at]! | (table[at + 1]! << 8) | (table[at + 2]! << 16) | (table[at + 3]! << 24)) >>> 0;
  const turned = (stored - MASK_DELTA) >>> 0;
  return crc32c(table.subarray(offset, at)) === ((turned << 15) | (turned >>> 17)) >>> 0;
}

/** The handles that the values of an index block are; undefined in the place of one that cannot be read. */
function readHandles(contents: Uint8Array): readonly (Block | undefined)[] {
  if (contents.length < RESTART_BYTES) return [undefined];
  const restartCount = new DataView(contents.buffer, contents.byteOffset, contents.length).getUint32(
    contents.length - RESTART_BYTES,
    true,
  );
  const entries = contents.subarray(0, Math.max(0, contents.length - RESTART_BYTES * (restartCount + 1)));
  const reader = new VarintReader(entries);
  const handles: (Block | undefined)[] = [];
  while (reader.left > 0) {
    reader.uint();
    const keySize = reader.uint();
    const valueSize = reader.uint();
    reader.skip(keySize);
    const end = reader.left - valueSize;
    const handle = reader.handle();
    handles.push(handle);
    if (handle === undefined || reader.left < end) break;
    reader.skip(reader.left - end);
  }
  return handles;
}

/** LevelDB's numbers, lenient: what makes no sense shows in the checksum of the block it names. */
class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint(): number {
    let value = 0;
    for (let scale = 1; this.left > 0; scale *= 128) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte % 128) * scale;
      if (byte < 128) break;
    }
    return value;
  }

  skip(size: number): void {
    this.#at = Math.min(this.#bytes.length, this.#at + size);
  }

  handle(): Block | undefined {
    if (this.left === 0) return undefined;
    const offset = this.uint();
    const size = this.uint();
    return Number.isSafeInteger(offset + size) ? { offset, size } : undefined;
  }
}
