/** The tags of src/core/crypto/discovery.ts, against vectors made without it. */
import { equal, match, notEqual, throws } from "node:assert/strict";
import { hexToBytes } from "../../../src/core/base/bytes.ts";
import { discoveryTag, linkTag } from "../../../src/core/crypto/discovery.ts";
import { assertCode } from "../../support/assert-code.ts";
import { readVectors } from "../../support/wycheproof.ts";

const vectors = readVectors<{
  readonly discoveryTags: readonly { readonly key: string; readonly hour: number; readonly expect: string }[];
  readonly linkTags: readonly { readonly code: number; readonly expect: string }[];
}>("derivations/derivations.json");

describe("tags", () => {
  it("of an hour and of a link code are those of the vectors", () => {
    for (const { key, hour, expect } of vectors.discoveryTags)
      equal(discoveryTag(hexToBytes(key), hour), expect);
    for (const { code, expect } of vectors.linkTags) equal(linkTag(code), expect);
    equal(vectors.discoveryTags.length + vectors.linkTags.length, 6);
  });

  it("N1: have one form, and say nothing of each other from hour to hour or key to key", () => {
    const key = new Uint8Array(32).fill(7);
    const tags = new Set<string>();
    for (let hour = 480_000; hour < 480_500; hour++) {
      const tag = discoveryTag(key, hour);
      match(tag, /^_[a-z2-7]{15}$/);
      tags.add(tag);
    }
    for (let code = 0; code < 500; code++) tags.add(linkTag(code));
    equal(tags.size, 1_000);
    notEqual(discoveryTag(new Uint8Array(32), 480_000), discoveryTag(key, 480_000));
  });

  it("K9: need a key of 32 bytes and a whole number", () => {
    assertCode(() => discoveryTag(new Uint8Array(31), 1), "CRYPTO_KEY_INVALID");
    for (const wrong of [-1, 0.5, Number.NaN]) {
      throws(() => discoveryTag(new Uint8Array(32), wrong), /invariant broken/);
      throws(() => linkTag(wrong), /invariant broken/);
    }
  });
});
