/** Every error says what happened, why, and what to do next: in words, in docs/errors.md, and over the API and back. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeError, errorOfDescription, isErrorCode } from "../../../src/app/api/errors.ts";
import { EngineError } from "../../../src/core/base/errors.ts";
import { repositoryRoot } from "../../support/paths.ts";

/** The codes as they stand in the source: the union itself is gone when this runs. */
function codesOfSource(): readonly string[] {
  const source = readFileSync(join(repositoryRoot, "src/core/base/errors.ts"), "utf8");
  const union = source.slice(
    source.indexOf("export type ErrorCode"),
    source.indexOf("export class EngineError"),
  );
  return [...union.matchAll(/\| "([A-Z0-9_]+)"/g)].map(([, code]) => code!);
}

describe("Errors", () => {
  const page = readFileSync(join(repositoryRoot, "docs/errors.md"), "utf8");
  const sections = new Map(
    page
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")), section.slice(section.indexOf("\n"))]),
  );

  it("have a heading in docs/errors.md for every code, with meaning, cause and remedy, and none beside", () => {
    const codes = codesOfSource();
    ok(codes.length > 50);
    deepEqual([...sections.keys()].toSorted(), [...codes].toSorted());
    for (const [code, text] of sections) {
      match(text, /^\n\n[A-Z`].*\.\n\n- Cause: .+\.\n- What to do: .+\./, code);
    }
  });

  it("carry code, message and remedy, their own before the general one", () => {
    const general = describeError(new EngineError("DISK_FULL", "no room"));
    equal(general.code, "DISK_FULL");
    equal(general.message, "no room");
    match(general.remedy, /[Mm]ake room/);
    equal(describeError(new EngineError("DISK_FULL", "no room", { remedy: "Sell it." })).remedy, "Sell it.");
  });

  it("that nobody foresaw are UNEXPECTED and keep their message", () => {
    for (const thrown of [new RangeError("out of it"), "text", undefined, { message: "x" }]) {
      equal(describeError(thrown).code, "UNEXPECTED");
      ok(describeError(thrown).message.length > 0);
    }
    equal(describeError(new RangeError("out of it")).message, "out of it");
  });

  it("of the system say what it was about", () => {
    const codeOf = (code: string): string => describeError(Object.assign(new Error("x"), { code })).code;
    deepEqual(["ENOSPC", "EACCES", "ENOTDIR", "EWHATEVER"].map(codeOf), [
      "DISK_FULL",
      "DIRECTORY_UNREADABLE",
      "DIRECTORY_MISSING",
      "UNEXPECTED",
    ]);
  });

  it("come back over the API as they went", () => {
    const error = new EngineError("AMBIGUOUS", "two of them", { remedy: "Name one." });
    const back = errorOfDescription(JSON.parse(JSON.stringify(describeError(error))));
    deepEqual([back.code, back.message, back.remedy], ["AMBIGUOUS", "two of them", "Name one."]);
  });

  it("of a newer node keep their message under UNEXPECTED, and nonsense does no harm", () => {
    const newer = errorOfDescription({ code: "MOON_TOO_NEAR", message: "look up" });
    deepEqual([newer.code, newer.message], ["UNEXPECTED", "look up"]);
    for (const nonsense of [null, 5, "x", [], { code: 5 }, { code: "__proto__", message: {} }]) {
      equal(errorOfDescription(nonsense).code, "UNEXPECTED");
    }
  });

  it("U3: no name of Object.prototype is a code", () => {
    for (const name of ["__proto__", "constructor", "toString", ""]) equal(isErrorCode(name), false);
  });
});
