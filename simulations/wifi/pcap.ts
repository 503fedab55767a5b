/**
 * Reads captures as tcpdump writes them: the classic pcap format, little-endian, Ethernet. Whole packets only; takes the file in
 * pieces of any size. Tests: test/unit/wifi/pcap.test.ts.
 */
import { closeSync, openSync, readSync } from "node:fs";

export interface CapturedPacket {
  readonly atMs: number;
  /** From the Ethernet header on. */
  readonly frame: Buffer;
  /** More bytes went over the network than were captured. */
  readonly isCut: boolean;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINK_ETHERNET = 1;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
/** Beyond what tcpdump captures of one packet; a length above it means that this is no capture. */
const PACKET_BYTES_MAX = 1 << 20;
const READ_BYTES = 1 << 20;

export class PcapParser {
  #rest: Buffer = Buffer.alloc(0);
  #ticksPerMs = 0;

  /** The packets that are complete with these bytes. Throws an Error for what is no such capture. */
  push(bytes: Buffer): readonly CapturedPacket[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const packets: CapturedPacket[] = [];
    let at = 0;
    if (this.#ticksPerMs === 0) {
      if (all.length < FILE_HEADER_BYTES) {
        this.#rest = all;
        return packets;
      }
      this.#readFileHeader(all);
      at = FILE_HEADER_BYTES;
    }
    while (at + PACKET_HEADER_BYTES <= all.length) {
      const length = all.readUInt32LE(at + 8);
      if (length > PACKET_BYTES_MAX) throw new Error("a packet of the capture is too long to be one");
      const from = at + PACKET_HEADER_BYTES;
      if (from + length > all.length) break;
      packets.push({
        atMs: all.readUInt32LE(at) * 1_000 + all.readUInt32LE(at + 4) / this.#ticksPerMs,
        frame: all.subarray(from, from + length),
        isCut: all.readUInt32LE(at + 12) > length,
      });
      at = from + length;
    }
    this.#rest = all.subarray(at);
    return packets;
  }

  #readFileHeader(bytes: Buffer): void {
    const magic = bytes.readUInt32LE(0);
    if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) throw new Error("not a pcap file");
    if (bytes.readUInt32LE(20) !== LINK_ETHERNET) throw new Error("not a capture of Ethernet");
    this.#ticksPerMs = magic === MAGIC_MICROSECONDS ? 1_000 : 1_000_000;
  }
}

/** All packets of a file. A packet that is not complete yet at its end is left out. */
export function* readCapture(path: string): Generator<CapturedPacket> {
  const file = openSync(path, "r");
  try {
    const parser = new PcapParser();
    for (;;) {
      const bytes = Buffer.alloc(READ_BYTES);
      const size = readSync(file, bytes, 0, READ_BYTES, null);
      if (size === 0) return;
      yield* parser.push(bytes.subarray(0, size));
    }
  } finally {
    closeSync(file);
  }
}
