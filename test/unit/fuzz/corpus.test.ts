/** The stored corpus of the fuzzer, input by input: what broke a promise once does so no more. */
import { equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { hex } from "../../../src/core/base/bytes.ts";
import { readCorpus, readShelf } from "../../fuzz/corpus.ts";
import { brokenPromise } from "../../fuzz/decoder.ts";
import { allDecoders } from "../../fuzz/decoders/all.ts";
import { vectorPath } from "../../support/paths.ts";

const INPUTS_MAX = 200;
const INPUT_BYTES_MAX = 16 * 1024;

describe("every decoder of bytes from outside and from the disk", () => {
  for (const decoder of allDecoders) {
    it(`U1: ${decoder.name} keeps its promises on good inputs and on its corpus`, async () => {
      const samples = decoder.samples(1);
      ok(samples.length > 0);
      for (const input of [...samples, ...readCorpus(decoder.name)])
        equal(await brokenPromise(decoder, input), undefined, hex(input).slice(0, 400));
    });
  }

  it("takes one good input at least", async () => {
    for (const { name, samples, read, codes } of allDecoders) {
      let taken = 0;
      for (const input of samples(1)) {
        try {
          await read(input);
          taken++;
        } catch (error) {
          ok(codes.length > 0, `${name}: ${String(error)}`);
        }
      }
      ok(taken > 0, name);
    }
  });

  it("has a name of its own, and no corpus without a decoder", () => {
    const names = new Set(allDecoders.map(({ name }) => name));
    equal(names.size, allDecoders.length);
    const files = readdirSync(vectorPath("corpus"), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((each) => each.endsWith(".hex")))
      ok(names.has(file.replace(/^.*\//, "").replace(/\.hex$/, "")), file);
  });

  it("has a corpus that is small", () => {
    for (const { name } of allDecoders) {
      const kept = readShelf(name, "kept");
      ok(kept.length <= INPUTS_MAX, name);
      ok(
        kept.every(({ length }) => length <= INPUT_BYTES_MAX),
        name,
      );
    }
  });
});
