import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { PcapParser } from "../../../simulations/wifi/pcap.ts";

function header({ magic = 0xa1b2c3d4, link = 1 } = {}): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt16LE(4, 6);
  bytes.writeUInt32LE(262_144, 16);
  bytes.writeUInt32LE(link, 20);
  return bytes;
}

function packet(frame: Buffer, { seconds = 7, fraction = 250_000, length = frame.length } = {}): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(seconds, 0);
  bytes.writeUInt32LE(fraction, 4);
  bytes.writeUInt32LE(frame.length, 8);
  bytes.writeUInt32LE(length, 12);
  return Buffer.concat([bytes, frame]);
}

describe("the reader of captures", () => {
  it("gives each packet with its time and says which ones are cut", () => {
    const whole = Buffer.from("a whole frame");
    const file = Buffer.concat([header(), packet(whole), packet(Buffer.from("cut"), { length: 900 })]);
    const [first, second] = new PcapParser().push(file);
    deepEqual(first, { atMs: 7_250, frame: whole, isCut: false });
    equal(second!.isCut, true);
  });

  it("reads times in nanoseconds where the file has them", () => {
    const file = Buffer.concat([
      header({ magic: 0xa1b23c4d }),
      packet(Buffer.from("frame"), { fraction: 250_000_000 }),
    ]);
    equal(new PcapParser().push(file)[0]!.atMs, 7_250);
  });

  it("gives the same packets for the same bytes in pieces of any size", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 40 }), (all, size) => {
        const file = Buffer.concat([header(), ...all.map((frame) => packet(Buffer.from(frame)))]);
        const parser = new PcapParser();
        const found: Buffer[] = [];
        for (let at = 0; at < file.length; at += size)
          found.push(...parser.push(file.subarray(at, at + size)).map(({ frame }) => Buffer.from(frame)));
        deepEqual(
          found,
          all.map((frame) => Buffer.from(frame)),
        );
      }),
    );
  });

  it("leaves out a packet whose end is not written yet", () => {
    const file = Buffer.concat([header(), packet(Buffer.from("first")), packet(Buffer.from("second"))]);
    equal(new PcapParser().push(file.subarray(0, file.length - 1)).length, 1);
  });

  it("refuses what is no capture of Ethernet", () => {
    throws(() => new PcapParser().push(Buffer.alloc(24)), /not a pcap file/);
    throws(() => new PcapParser().push(header({ link: 113 })), /not a capture of Ethernet/);
    const endless = packet(Buffer.alloc(0));
    endless.writeUInt32LE(2 ** 31, 8);
    throws(() => new PcapParser().push(Buffer.concat([header(), endless])), /too long/);
  });
});
