/** The register of threats against the names of tests. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { kindOf, readNames } from "../../threats/names.ts";
import { readRegister } from "../../threats/register.ts";
import { sourceFile } from "../../support/source-files.ts";

const register = readRegister();
const carried = new Set(readNames().flatMap(({ ids }) => ids));

describe("The register of threats", () => {
  it("has every id once, without a gap", () => {
    const sizes = { S: 16, L: 16, C: 14, P: 16, N: 14, U: 16, K: 12 };
    const wanted = Object.entries(sizes).flatMap(([letter, size]) =>
      Array.from({ length: size }, (_, at) => `${letter}${at + 1}`),
    );
    deepEqual(
      register.map(({ id }) => id),
      wanted,
    );
  });

  it("knows every id that a name of a test carries", () => {
    const known = new Set(register.map(({ id }) => id));
    deepEqual(
      [...carried].filter((id) => !known.has(id)),
      [],
    );
  });

  it("says tested where a test carries the id, and only there", () => {
    const wrong = register.filter(({ id, waitsFor }) => (waitsFor === null) !== carried.has(id));
    deepEqual(
      wrong.map(({ id, waitsFor }) => [id, waitsFor ?? "tested"]),
      [],
    );
  });
});

describe("Names of tests", () => {
  it("carry the ids that they begin with, and no others", () => {
    const text = [
      'it("S3: a sync fails", () => {});',
      "it(`N6, N9: ${what} is refused`, () => {});",
      '// it("L1: is a comment", () => {});',
      'it("goes on as S4: said", () => {});',
      'equal(code, "U1");',
    ].join("\n");
    const names = readNames([
      sourceFile("test/unit/store/a.test.ts", text),
      sourceFile("test/support/b.ts", text),
    ]);
    deepEqual(
      names.map(({ ids, name }) => [ids, name]),
      [
        [["S3"], "S3: a sync fails"],
        [["N6", "N9"], "N6, N9: ${what} is refused"],
      ],
    );
    equal(kindOf("test/unit/store/a.test.ts"), "unit");
    equal(kindOf("simulations/wifi/scenarios/cuts.ts"), "wifi");
  });

  it("are refused by the register where it says neither tested nor what is waited for", () => {
    throws(() => readRegister("| S1 | a kill | perhaps |"), /neither tested nor waits/);
    deepEqual(readRegister("| S1 | a kill | waits for time |"), [
      { id: "S1", what: "a kill", waitsFor: "time" },
    ]);
  });
});
