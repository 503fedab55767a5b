import { deepEqual, equal, throws } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { countPlaces, type Mutant, plantInto } from "../../mutants/mutant.ts";
import { register } from "../../mutants/register.ts";
import { repositoryRoot } from "../../support/paths.ts";

const MUTANT: Mutant = {
  id: "log-a",
  file: "src/a.ts",
  find: "a < b",
  put: "a $& b",
  bug: "",
  breaks: "",
  by: { kind: "tests", files: [] },
};

describe("the register of planted bugs", () => {
  it("applies to the source: what each bug replaces stands there exactly once", () => {
    const outdated = register
      .map((mutant) => ({
        id: mutant.id,
        places: countPlaces(mutant, readFileSync(join(repositoryRoot, mutant.file), "utf8")),
      }))
      .filter(({ places }) => places !== 1);
    deepEqual(outdated, []);
  });

  it("names only tests that there are", () => {
    const named = register.flatMap(({ by }) => (by.kind === "tests" ? by.files : [by.file]));
    deepEqual(
      named.filter((file) => !file.endsWith(".test.ts") || !existsSync(join(repositoryRoot, file))),
      [],
    );
  });

  it("has an id for each bug, and says of each what it is and what it breaks", () => {
    equal(new Set(register.map(({ id }) => id)).size, register.length);
    const poor = register.filter(
      ({ id, find, put, bug, breaks }) =>
        !/^[a-z]+(?:-[a-z]+)+$/.test(id) || bug === "" || breaks === "" || find === put,
    );
    deepEqual(poor, []);
  });

  it("holds the 40 that a release asks for", () => {
    equal(register.length >= 40, true);
  });
});

describe("planting a bug", () => {
  it("replaces the text as it is, whatever characters it has", () => {
    equal(plantInto("if (a < b) return;", MUTANT), "if (a $& b) return;");
  });

  it("refuses a text in which there is no place for it, or more than one", () => {
    throws(() => plantInto("if (a > b) return;", MUTANT), /stands 0 times in src\/a\.ts/);
    throws(() => plantInto("a < b || a < b", MUTANT), /stands 2 times/);
  });
});
