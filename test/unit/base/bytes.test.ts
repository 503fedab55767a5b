import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  compareBytes,
  concat,
  equalBytes,
  hex,
  hexToBytes,
  u64,
  utf8,
  utf8ToText,
} from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { bytesToId, idBytes, type LogId } from "../../../src/core/base/ids.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

describe("bytes", () => {
  it("compare as LevelDB compares keys, and equal where nothing differs", () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        equal(Math.sign(compareBytes(a, b)), Math.sign(Buffer.compare(a, b)));
        equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
        equal(compareBytes(a, a.slice()), 0);
        ok(equalBytes(a, a.slice()));
      }),
    );
    ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0);
    ok(compareBytes(Uint8Array.of(0x80), Uint8Array.of(0x7f)) > 0);
  });

  it("join in order, into memory of their own", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
        const whole = concat(...parts);
        deepEqual(
          [...whole],
          parts.flatMap((part) => [...part]),
        );
        for (const part of parts) ok(part.length === 0 || part.buffer !== whole.buffer);
      }),
    );
  });

  it("become lower-case hex and come back", () => {
    fc.assert(
      fc.property(bytes, (some) => {
        equal(hex(some), Buffer.from(some).toString("hex"));
        deepEqual([...hexToBytes(hex(some))], [...some]);
      }),
    );
    for (const text of ["A0", "0", "0g", "0x00", " 00", "00 ", "é0", "000"]) {
      throws(
        () => hexToBytes(text),
        (error) => isEngineError(error, "WIRE_NOT_CANONICAL"),
      );
    }
  });

  it("of an id are the id's digits", () => {
    const id = "0123456789abcdef".repeat(4) as LogId;
    equal(idBytes(id).length, 32);
    equal(bytesToId<LogId>(idBytes(id)), id);
  });

  it("of a u64 have the most significant first, up to 2^53 - 1", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const expected = Buffer.alloc(8);
        expected.writeBigUInt64BE(BigInt(value));
        equal(hex(u64(value)), expected.toString("hex"));
      }),
    );
    equal(hex(u64(2 ** 53 - 1)), "001fffffffffffff");
  });
});

describe("text", () => {
  it("of well-formed UTF-8 comes back byte for byte, also after a byte order mark", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        equal(utf8ToText(utf8(text)), text);
      }),
    );
    equal(utf8ToText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)), "\ufeffA");
    equal(utf8ToText(Uint8Array.of(0)), "\0");
  });

  it("is refused where the bytes are not UTF-8, never repaired", () => {
    const hostile = [
      [0xc0, 0x80], // NUL in two bytes.
      [0xe0, 0x80, 0xaf], // A slash in three.
      [0xed, 0xa0, 0x80], // A lone surrogate.
      [0xf4, 0x90, 0x80, 0x80], // Beyond U+10FFFF.
      [0xe2, 0x82], // Cut off.
      [0x80],
      [0xff],
    ];
    for (const some of hostile) {
      throws(
        () => utf8ToText(Uint8Array.from(some)),
        (error) => isEngineError(error, "TEXT_NOT_UTF8"),
      );
    }
    fc.assert(
      fc.property(bytes, (some) => {
        try {
          equal(hex(utf8(utf8ToText(some))), hex(some));
        } catch (error) {
          ok(isEngineError(error, "TEXT_NOT_UTF8"), String(error));
        }
      }),
    );
  });
});
