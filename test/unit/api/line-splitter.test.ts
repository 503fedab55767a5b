/** Lines of a stream: however it is cut, whatever it holds, and never more of it in memory than a line. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { type Line, LineSplitter } from "../../../src/app/api/line-splitter.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function split(parts: readonly Uint8Array[], bytesMax = 1_000): readonly Line[] {
  const splitter = new LineSplitter(bytesMax);
  return [...parts.flatMap((part) => [...splitter.take(part)]), ...splitter.end()];
}

const texts = (lines: readonly Line[]): readonly string[] =>
  lines.map((line) => (line.kind === "line" ? line.text : line.kind));

describe("The line splitter", () => {
  it("gives the same lines however the bytes are cut", () => {
    const line = fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => text.replaceAll(/[\r\n]/g, ""));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (lines, cuts) => {
        const bytes = encode(lines.map((each) => `${each}\n`).join(""));
        const places = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b),
          bytes.length,
        ];
        const parts = places.slice(1).map((to, at) => bytes.slice(places[at], to));
        deepEqual(texts(split(parts)), lines);
      }),
    );
  });

  it("takes CRLF as an end, and a last line without any", () => {
    deepEqual(texts(split([encode("a\r\nb\n\nc")])), ["a", "b", "", "c"]);
  });

  it("keeps what was given although its memory is used again", () => {
    const splitter = new LineSplitter(100);
    const shared = encode("abc");
    deepEqual([...splitter.take(shared)], []);
    shared.fill(0x78);
    deepEqual([...splitter.take(encode("d\n"))], [{ kind: "line", text: "abcd" }]);
  });

  it("U4: tells bytes that are not UTF-8 and goes on with the next line", () => {
    const bad = [0x61, 0xff, 0x0a, 0xc0, 0xaf, 0x0a, 0xed, 0xa0, 0x80, 0x0a];
    deepEqual(texts(split([Uint8Array.from(bad), encode("good\n")])), [
      "not-utf8",
      "not-utf8",
      "not-utf8",
      "good",
    ]);
  });

  it("N9: ends at a line over the limit, with its end or without, in one piece or in many", () => {
    deepEqual(texts(split([encode(`${"x".repeat(9)}\nnext\n`)], 10)), ["xxxxxxxxx", "next"]);
    deepEqual(texts(split([encode(`${"x".repeat(10)}\nnext\n`)], 10)), ["too-long"]);
    deepEqual(texts(split([encode("x".repeat(10))], 10)), ["too-long"]);
    const drops = Array.from({ length: 50 }, () => encode("x"));
    deepEqual(texts(split([...drops, encode("\nnext\n")], 10)), ["too-long"]);
  });

  it("keeps a byte order mark: texts are not its matter", () => {
    const [line] = split([encode("\ufeff{}\n")]);
    equal(line?.kind === "line" && line.text, "\ufeff{}");
  });
});
