/** The file of derivation vectors is what the formulas of docs/spec/crypto.md give. */
import { deepEqual } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { derivationVectors } from "../../support/derivation-vectors.ts";
import { vectorPath } from "../../support/paths.ts";
import { readVectors } from "../../support/wycheproof.ts";

const FILE = "derivations/derivations.json";

describe("derivation vectors", () => {
  it("are those of the formulas, worked out without src (UPDATE_VECTORS=1 writes them)", () => {
    if (process.env["UPDATE_VECTORS"] === "1") {
      writeFileSync(vectorPath(FILE), `${JSON.stringify(derivationVectors, null, 2)}\n`);
    }
    deepEqual(readVectors(FILE), derivationVectors);
  });
});
