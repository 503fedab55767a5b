import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import type { Ranges } from "../../../src/core/log/ranges.ts";
import { readRanges, writeRanges } from "../../../src/core/wire/ranges-codec.ts";
import { assertCode } from "../../support/assert-code.ts";
import { anyRanges } from "../../support/any-frame.ts";

function encode(ranges: Ranges): Uint8Array {
  const writer = new ByteWriter();
  writeRanges(writer, ranges);
  return writer.finish();
}

const decode = (bytes: Uint8Array, limit = 2 ** 48): Ranges =>
  readRanges(new ByteReader(bytes), { countMax: 1_024, limit });

describe("ranges on the wire", () => {
  it("are as the example of docs/spec/encoding.md", () => {
    const ranges = [
      { from: 0, to: 3 },
      { from: 5, to: 300 },
    ];
    equal(hex(encode(ranges)), "02000302a702");
    deepEqual(decode(hexToBytes("02000302a702")), ranges);
  });

  it("U1: survive encoding and decoding", () => {
    fc.assert(
      fc.property(anyRanges(2 ** 48), (ranges) => {
        deepEqual(decode(encode(ranges)), ranges);
      }),
    );
  });

  it("N9: end where their limit does, the last position included", () => {
    deepEqual(decode(encode([{ from: 4, to: 10 }]), 10), [{ from: 4, to: 10 }]);
    assertCode(() => decode(encode([{ from: 4, to: 11 }]), 10), "WIRE_LIMIT_EXCEEDED");
    assertCode(() => decode(encode([{ from: 11, to: 12 }]), 10), "WIRE_LIMIT_EXCEEDED");
    assertCode(() => decode(encode([{ from: 10, to: 11 }]), 10), "WIRE_LIMIT_EXCEEDED");
  });
});
