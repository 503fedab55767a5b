/** The command line of the fuzzer. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { parseOptions } from "../../fuzz/options.ts";

const known = new Set(["wire", "frame", "batch"]);
const parse = (...args: readonly string[]): ReturnType<typeof parseOptions> => parseOptions(args, known);

describe("The fuzzer's options", () => {
  it("take names, seconds and a seed", () => {
    const { names, seconds, seed, save } = parse("frame", "wire", "--seconds", "300", "--seed", "7");
    deepEqual([names, seconds, seed, save], [["frame", "wire"], 300, 7, false]);
    deepEqual(parse().names, []);
    deepEqual(parse("frame", "--input", "00ff").input, Uint8Array.of(0, 255));
  });

  it("refuse what they do not know, with a sentence", () => {
    throws(() => parse("fram"), /no decoder or group fram/);
    throws(() => parse("--second", "5"), /--second/);
    for (const seconds of ["0", "-1", "1e3", "x", "86401", ""])
      throws(() => parse("--seconds", seconds), seconds);
    throws(() => parse("--seed", "4294967296"), /--seed takes/);
    throws(() => parse("--input", "00"), /exactly one/);
    throws(() => parse("frame", "--input", "0"), /hex/);
    equal(parse("--list").list, true);
  });
});
