/** The writer for what is encoded once per message writes what the general one writes. */
import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../../src/core/base/bytes.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import { ScratchWriter, uintSize } from "../../../src/core/inbox/scratch-writer.ts";

const MAX = 2_000;

describe("the scratch writer", () => {
  const writer = new ScratchWriter(10_000);

  it("writes numbers and bytes as ByteWriter does", () => {
    const numbers = fc.tuple(fc.nat(255), fc.nat(65_535), fc.maxSafeNat(), fc.maxSafeNat());
    fc.assert(
      fc.property(numbers, fc.uint8Array({ maxLength: 99 }), ([byte, short, long, any], bytes) => {
        const u48 = long % 2 ** 48;
        const expected = new ByteWriter().u8(byte).u16(short).u48(u48).uint(any).raw(bytes).finish();
        deepEqual(writer.begin().u8(byte).u16(short).u48(u48).uint(any).raw(bytes).finish(), expected);
        equal(new ByteWriter().uint(any).finish().length, uintSize(any));
      }),
    );
  });

  it("writes texts as ByteWriter does, short and long, ASCII and not", () => {
    const ascii = fc.string({ maxLength: 300 });
    const any = fc.string({ unit: "grapheme", maxLength: 300 });
    fc.assert(
      fc.property(fc.oneof(ascii, any), ascii, (text, after) => {
        equal(writer.begin().text(text, MAX), utf8(text).length);
        writer.text(after, MAX);
        deepEqual(writer.finish(), new ByteWriter().text(text).text(after).finish());
      }),
    );
  });

  it("writes nothing of a text that is too long, and says how long it is", () => {
    writer.begin().u8(7);
    equal(writer.text("ü".repeat(6), 11), 12);
    equal(writer.text("x".repeat(12), 11), 12);
    deepEqual(writer.finish(), Uint8Array.of(7));
  });

  it("hands out results that the next value does not touch", () => {
    const first = writer.begin().u8(1).finish();
    writer.begin().u8(2).finish();
    deepEqual(first, Uint8Array.of(1));
  });

  it("breaks an invariant rather than writing out of range", () => {
    const small = new ScratchWriter(4);
    throws(() => small.begin().raw(new Uint8Array(5)), /invariant broken/);
    throws(() => small.begin().u48(1), /invariant broken/);
    throws(() => writer.begin().u48(2 ** 48), /invariant broken/);
    throws(() => writer.begin().u16(-1), /invariant broken/);
    throws(() => writer.begin().uint(2 ** 53), /invariant broken/);
  });
});
