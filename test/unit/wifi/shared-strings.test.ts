import { deepEqual } from "node:assert/strict";
import { findSharedStrings } from "../../../simulations/wifi/shared-strings.ts";

const bytes = (...texts: readonly string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text));
const find = (...sets: readonly (readonly string[])[]): readonly string[] =>
  findSharedStrings(bytes(...sets[0]!), bytes(...sets[1]!), bytes(...(sets[2] ?? []))).map(String);

describe("strings that two sets of packets have in common", () => {
  it("gives them whole, at the beginning, in the middle and at the end", () => {
    deepEqual(find(["<the-same-name>"], ["the-same-name", "[the-same-name]", "(the-same-name"]), [
      "the-same-name",
    ]);
  });

  it("leaves out what everybody says and what is too short to name anyone", () => {
    deepEqual(find(["dnsaddr=/ip4/1 abcdefgh"], ["dnsaddr=/ip4/2 abcdefgh"], ["dnsaddr=/ip4/3"]), []);
  });

  it("leaves out chance beside what everybody says, and finds a port that stayed", () => {
    const known = ["/ip4/10.0.0.3/tcp/41234/p2p/12D3KooWabc"];
    deepEqual(find(["/tcp/38953/p2p/12D3KooWb"], ["/tcp/45153/p2p/12D3KooWc"], known), []);
    deepEqual(find(["/tcp/38953/p2p/12D3KooWb"], ["/tcp/38953/p2p/12D3KooWc"], known), [
      "/tcp/38953/p2p/12D3",
    ]);
  });

  it("tells two strings of one packet apart", () => {
    deepEqual(find(["first-string second-string"], ["first-string/second-string"]), [
      "first-string",
      "second-string",
    ]);
  });

  it("finds nothing in nothing", () => {
    deepEqual(find([], ["something long"]), []);
    deepEqual(find([""], [""]), []);
  });
});
