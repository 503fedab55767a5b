/** The strings of src/core/crypto/labels.ts keep their distance from each other. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { concat, hex, utf8 } from "../../../src/core/base/bytes.ts";
import { labelled, labels } from "../../../src/core/crypto/labels.ts";

describe("labels", () => {
  const all = Object.values(labels);

  it("C11: no two uses share a label, and every one names its version", () => {
    equal(new Set(all).size, all.length);
    deepEqual(
      all.filter((label) => !/^kinlog\/v1\/[a-z-]+$/.test(label)),
      [],
    );
  });

  it("C11: what is labelled for one use is never the beginning of what is labelled for another", () => {
    const encoded = all.map((label) => hex(labelled(label)));
    for (const [a, first] of encoded.entries()) {
      for (const [b, second] of encoded.entries()) {
        if (a !== b) ok(!second.startsWith(first), `${all[a]} and ${all[b]}`);
      }
    }
  });

  it("stand behind their length and before the parts as they are", () => {
    const expected = concat(Uint8Array.of(14), utf8("kinlog/v1/head"), Uint8Array.of(1, 2, 3));
    deepEqual(labelled(labels.head, Uint8Array.of(1), Uint8Array.of(2, 3)), expected);
    deepEqual(labelled("other"), concat(Uint8Array.of(5), utf8("other")));
  });

  it("have 1 to 255 bytes", () => {
    throws(() => labelled(""), /invariant broken/);
    throws(() => labelled("é".repeat(128)), /invariant broken/);
    equal(labelled("x".repeat(255)).length, 256);
  });
});
