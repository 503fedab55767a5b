/** UTF-8 in pieces. Threat U4. */
import { equal } from "node:assert/strict";
import fc from "fast-check";
import { NOT_UTF8, Utf8Stream } from "../../../src/io/gateways/utf8-stream.ts";

const inPieces = (bytes: Uint8Array, size: number): string => {
  const stream = new Utf8Stream();
  let text = "";
  for (let at = 0; at < bytes.length; at += size) text += stream.push(bytes.subarray(at, at + size));
  return text + stream.end();
};

describe("UTF-8 in pieces", () => {
  it("is the text, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        (text, size) => {
          const bytes = Buffer.from(text, "utf8");
          equal(inPieces(bytes, size), bytes.toString("utf8"));
        },
      ),
    );
    equal(inPieces(Buffer.from("\ufeffhi \ufffd"), 1), "\ufeffhi \ufffd");
  });

  it("U4: marks each byte that is none of it, and keeps all that is", () => {
    const bad: readonly (readonly [hex: string, text: string])[] = [
      ["61ff62", `a${NOT_UTF8}b`],
      ["c080", NOT_UTF8.repeat(2)], // Overlong NUL.
      ["e08080", NOT_UTF8.repeat(3)], // Overlong, three bytes.
      ["f0808080", NOT_UTF8.repeat(4)],
      ["eda0bdedb880", NOT_UTF8.repeat(6)], // Halves of a pair, as CESU-8 writes them.
      ["f4908080", NOT_UTF8.repeat(4)], // Over U+10FFFF.
      ["f5808080", NOT_UTF8.repeat(4)],
      ["80", NOT_UTF8],
      ["c3", NOT_UTF8], // Cut off at the end.
      ["f09f98", NOT_UTF8.repeat(3)],
      ["c361", `${NOT_UTF8}a`],
      ["e282c3bc", `${NOT_UTF8.repeat(2)}ü`],
      ["fc62", `${NOT_UTF8}b`], // Latin-1's ü.
    ];
    for (const [hex, text] of bad) {
      const bytes = Buffer.from(hex, "hex");
      for (const size of [1, 2, 3, 100]) equal(inPieces(bytes, size), text, `${hex} in pieces of ${size}`);
    }
  });

  it("U4: any bytes give one text, however they are cut", () => {
    const lead = fc.constantFrom(0x61, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff, 0x9f, 0xa0);
    fc.assert(
      fc.property(fc.array(lead, { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), (values, size) => {
        const bytes = Uint8Array.from(values);
        equal(inPieces(bytes, size), inPieces(bytes, 100));
        const valid = Buffer.from(bytes).toString("utf8");
        if (!valid.includes("\ufffd")) equal(inPieces(bytes, size), valid);
      }),
      { numRuns: 1_000 },
    );
  });
});
