/** Names of devices and the ways in which an argument may name one. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { DeviceId } from "../../../src/core/base/ids.ts";
import { DeviceNames } from "../../../src/app/node/device-names.ts";
import { assertCode } from "../../support/assert-code.ts";

const id = (start: string): DeviceId => start.padEnd(64, "0") as DeviceId;
const A = id("aaaa11");
const B = id("aaaa22");
const C = id("cccc33");

function namesOf(names: readonly (readonly [DeviceId, string])[]): DeviceNames {
  const made = new DeviceNames();
  made.set(new Map(names));
  return made;
}

describe("Names of devices", () => {
  it("a name that nobody has is free; one that is taken gets the next number", () => {
    const names = namesOf([
      [A, "laptop"],
      [B, "laptop 2"],
    ]);
    equal(names.free("phone", null), "phone");
    equal(names.free("laptop", null), "laptop 3");
    equal(names.free("laptop", A), "laptop");
    equal(names.free("caf\u0065\u0301", null), "caf\u00e9");
  });

  it("two that were given one name apart from each other are told apart, the same way everywhere", () => {
    const names = namesOf([
      [B, "laptop"],
      [A, "laptop"],
      [C, "laptop 2"],
    ]);
    deepEqual(
      [A, B, C].map((device) => names.of(device)),
      ["laptop", "laptop 3", "laptop 2"],
    );
  });

  it("no two devices ever show one name", () => {
    const name = fc.constantFrom("a", "a 2", "a 3", "a 2 2", "b", "e\u0301", "\u00e9");
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (given) => {
        const pairs = given.map((each, at) => [id(at.toString(16).padStart(6, "0")), each] as const);
        const names = namesOf(pairs);
        const shown = pairs.map(([device]) => names.of(device));
        equal(new Set(shown).size, shown.length);
        const backwards = namesOf(pairs.toReversed());
        deepEqual(
          pairs.map(([device]) => backwards.of(device)),
          shown,
        );
      }),
    );
  });

  it("a device without a name is called by its id, and is not known", () => {
    const names = namesOf([[A, "device aaaa22"]]);
    equal(names.of(B), "device aaaa2200");
    equal(names.known(B), null);
    equal(names.known(A), "device aaaa22");
  });

  it("what a device was called while linking stands until the account says its name", () => {
    const names = new DeviceNames(
      new Map([
        [A, "laptop"],
        [B, "phone"],
      ]),
    );
    equal(names.known(A), "laptop");
    names.set(new Map([[A, "desk"]]));
    deepEqual([names.known(A), names.known(B), names.known(C)], ["desk", "phone", null]);
  });

  it("finds by full id, then by exact name, then by a unique beginning of an id", () => {
    const names = namesOf([
      [A, "laptop"],
      [B, "aaaa11"],
    ]);
    const devices = [A, B, C];
    equal(names.find(A.toUpperCase(), devices), A);
    equal(names.find("laptop", devices), A);
    equal(names.find("aaaa11", devices), B, "a name goes before a beginning");
    equal(names.find("aaaa22", devices), B);
    equal(names.find("CCCC33", devices), C);
    equal(names.find("device cccc3300", devices), C);
  });

  it("nothing, too little and something else find nothing; several are ambiguous", () => {
    const names = namesOf([[A, "laptop"]]);
    const devices = [A, B, id("aaaa11b")];
    for (const argument of ["", "Laptop", "cccc", "aaaa1", "zzzzzz"]) {
      assertCode(() => names.find(argument, devices), "NOT_FOUND");
    }
    assertCode(() => names.find("aaaa11", devices), "AMBIGUOUS");
  });
});
