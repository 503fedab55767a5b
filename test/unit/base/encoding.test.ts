import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { type ErrorCode, isEngineError } from "../../../src/core/base/errors.ts";
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";

const MAX = Number.MAX_SAFE_INTEGER;

/** A field as the specification's table names it, with a value and how it is read back. */
type Field =
  | { readonly kind: "u8" | "u16" | "u48" | "uint"; readonly value: number }
  | { readonly kind: "raw" | "blob"; readonly value: Uint8Array }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "flag"; readonly value: boolean }
  | { readonly kind: "list"; readonly value: readonly number[] };

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.nat(2 ** 8 - 1).map((value): Field => ({ kind: "u8", value })),
  fc.nat(2 ** 16 - 1).map((value): Field => ({ kind: "u16", value })),
  fc.maxSafeNat().map((value): Field => ({ kind: "u48", value: value % 2 ** 48 })),
  fc.oneof(fc.nat(300), fc.maxSafeNat()).map((value): Field => ({ kind: "uint", value })),
  fc.uint8Array({ maxLength: 300 }).map((value): Field => ({ kind: "raw", value })),
  fc.uint8Array({ maxLength: 300 }).map((value): Field => ({ kind: "blob", value })),
  fc.string({ unit: "grapheme" }).map((value): Field => ({ kind: "text", value })),
  fc.boolean().map((value): Field => ({ kind: "flag", value })),
  fc.array(fc.maxSafeNat(), { maxLength: 20 }).map((value): Field => ({ kind: "list", value })),
);

function write(writer: ByteWriter, { kind, value }: Field): void {
  switch (kind) {
    case "u8":
    case "u16":
    case "u48":
    case "uint":
      writer[kind](value);
      break;
    case "raw":
    case "blob":
      writer[kind](value);
      break;
    case "text":
      writer.text(value);
      break;
    case "flag":
      writer.u8(value ? 1 : 0);
      break;
    case "list":
      writer.list(value, (item) => writer.uint(item));
      break;
  }
}

function read(reader: ByteReader, { kind, value }: Field): Field["value"] {
  switch (kind) {
    case "u8":
      return reader.u8();
    case "u16":
      return reader.u16();
    case "u48":
      return reader.u48();
    case "uint":
      return reader.uint(MAX);
    case "raw":
      return reader.raw(value.length);
    case "blob":
      return reader.blob(300);
    case "text":
      return reader.text(MAX);
    case "flag":
      return reader.flag();
    case "list":
      return reader.list(20, () => reader.uint(MAX));
  }
}

function refuses(
  bytes: string | Uint8Array,
  attempt: (reader: ByteReader) => unknown,
  code: ErrorCode,
): void {
  const reader = new ByteReader(typeof bytes === "string" ? hexToBytes(bytes) : bytes);
  throws(
    () => attempt(reader),
    (error) => isEngineError(error, code),
  );
}

describe("the encodings", () => {
  it("give back what was written, field by field, with nothing left", () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        const writer = new ByteWriter(1);
        for (const some of fields) write(writer, some);
        const bytes = writer.finish();
        equal(writer.size, bytes.length);
        const reader = new ByteReader(bytes);
        for (const some of fields) deepEqual(read(reader, some), some.value);
        equal(reader.left, 0);
        equal(reader.at, bytes.length);
        reader.end();
      }),
      { numRuns: 500 },
    );
  });

  it("are refused cut off at any byte, whatever the fields", () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), fc.nat(), (fields, pick) => {
        const writer = new ByteWriter();
        for (const some of fields) write(writer, some);
        const bytes = writer.finish();
        if (bytes.length === 0) return;
        const reader = new ByteReader(bytes.subarray(0, pick % bytes.length));
        throws(
          () => {
            for (const some of fields) read(reader, some);
          },
          (error) => isEngineError(error, "WIRE_TRUNCATED"),
        );
      }),
    );
  });

  it("have the bytes of docs/spec/encoding.md", () => {
    const written = (fill: (writer: ByteWriter) => ByteWriter): string =>
      hex(fill(new ByteWriter()).finish());
    equal(
      written((writer) => writer.u8(0xab)),
      "ab",
    );
    equal(
      written((writer) => writer.u16(0x0102)),
      "0102",
    );
    equal(
      written((writer) => writer.u48(0x0102_0304_0506)),
      "010203040506",
    );
    equal(
      written((writer) => writer.uint(0)),
      "00",
    );
    equal(
      written((writer) => writer.uint(127)),
      "7f",
    );
    equal(
      written((writer) => writer.uint(128)),
      "8001",
    );
    equal(
      written((writer) => writer.uint(2 ** 32)),
      "8080808010",
    );
    equal(
      written((writer) => writer.uint(MAX)),
      "ffffffffffffff0f",
    );
    equal(
      written((writer) => writer.blob(Uint8Array.of(7, 8))),
      "020708",
    );
    equal(
      written((writer) => writer.text("é")),
      "02c3a9",
    );
    // The ranges [0, 3) and [5, 300).
    const ranges = [0, 3, 2, 295];
    equal(
      written((writer) => ranges.reduce((rest, number) => rest.uint(number), writer.uint(2))),
      "02000302a702",
    );
  });
});

describe("numbers from outside", () => {
  it("are refused padded with zeroes, however long", () => {
    for (const bytes of ["8000", "808000", "ff00", "80808080808000", "8080808080808000"]) {
      refuses(bytes, (reader) => reader.uint(MAX), "WIRE_NOT_CANONICAL");
    }
  });

  it("have one encoding each: what is read is what would be written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 10 }), (bytes) => {
        const reader = new ByteReader(bytes);
        let value: number;
        try {
          value = reader.uint(MAX);
        } catch (error) {
          return ok(isEngineError(error) && error.code.startsWith("WIRE_"));
        }
        ok(Number.isSafeInteger(value) && value >= 0);
        equal(hex(new ByteWriter().uint(value).finish()), hex(bytes.subarray(0, reader.at)));
      }),
      { numRuns: 2000 },
    );
  });

  it("are refused over their limit, over 2^53 - 1, and without end", () => {
    equal(new ByteReader(hexToBytes("8001")).uint(128), 128);
    refuses("8001", (reader) => reader.uint(127), "WIRE_LIMIT_EXCEEDED");
    equal(new ByteReader(hexToBytes("ffffffffffffff0f")).uint(MAX), MAX);
    refuses("8080808080808010", (reader) => reader.uint(MAX), "WIRE_LIMIT_EXCEEDED");
    refuses("ffffffffffffffff7f", (reader) => reader.uint(MAX), "WIRE_LIMIT_EXCEEDED");
    refuses(new Uint8Array(1000).fill(0x80), (reader) => reader.uint(MAX), "WIRE_LIMIT_EXCEEDED");
    refuses(new Uint8Array(1000).fill(0xff), (reader) => reader.uint(MAX), "WIRE_LIMIT_EXCEEDED");
    refuses("ffff", (reader) => reader.uint(MAX), "WIRE_TRUNCATED");
    refuses("", (reader) => reader.uint(MAX), "WIRE_TRUNCATED");
  });

  it("that count or measure are bounded before anything is read or reserved", () => {
    // A blob of 2^52 bytes in a message of eight.
    refuses("8080808080808008", (reader) => reader.blob(MAX), "WIRE_TRUNCATED");
    refuses("8080808080808008", (reader) => reader.blob(1000), "WIRE_LIMIT_EXCEEDED");
    refuses("03aabb", (reader) => reader.blob(3), "WIRE_TRUNCATED");
    let items = 0;
    const count = (reader: ByteReader): number => {
      items++;
      return reader.u8();
    };
    refuses("0501020304", (reader) => reader.list(4, () => count(reader)), "WIRE_LIMIT_EXCEEDED");
    equal(items, 0);
    refuses("ffffffff0f01", (reader) => reader.list(MAX, () => count(reader)), "WIRE_TRUNCATED");
    equal(items, 2);
  });
});

describe("other fields from outside", () => {
  it("are refused where a flag is neither 0 nor 1", () => {
    equal(new ByteReader(Uint8Array.of(1)).flag(), true);
    equal(new ByteReader(Uint8Array.of(0)).flag(), false);
    refuses("02", (reader) => reader.flag(), "WIRE_NOT_CANONICAL");
    refuses("ff", (reader) => reader.flag(), "WIRE_NOT_CANONICAL");
  });

  it("are refused where text is not UTF-8 or over its limit in bytes", () => {
    refuses("02c080", (reader) => reader.text(10), "TEXT_NOT_UTF8");
    refuses("02c3a9", (reader) => reader.text(1), "WIRE_LIMIT_EXCEEDED");
  });

  it("are refused where bytes follow the end", () => {
    refuses("00", (reader) => reader.end(), "WIRE_TRAILING_BYTES");
  });

  it("are views of the input, and what was written is a copy", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    equal(new ByteReader(bytes).raw(2).buffer, bytes.buffer);
    equal(new ByteReader(bytes.subarray(1)).raw(1)[0], 2);
    const writer = new ByteWriter().raw(bytes);
    const first = writer.finish();
    writer.u8(9);
    bytes[0] = 7;
    deepEqual([...first], [1, 2, 3]);
    deepEqual([...writer.finish()], [1, 2, 3, 9]);
  });

  it("that this side writes are in range, or a bug", () => {
    for (const value of [-1, 0.5, 2 ** 48, Number.NaN]) {
      throws(() => new ByteWriter().u48(value), /invariant broken/);
    }
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
      throws(() => new ByteWriter().uint(value), /invariant broken/);
    }
  });
});
