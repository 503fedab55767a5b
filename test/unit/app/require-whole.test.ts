import { doesNotThrow, throws } from "node:assert/strict";
import { requireWhole } from "../../../src/app/replica/own-turns.ts";
import { Ledger } from "../../../src/app/replica/ledger.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { LogId } from "../../../src/core/base/ids.ts";

describe("What a device must have whole before it writes", () => {
  const isHeldBack = (error: unknown): boolean => isEngineError(error, "STORE_DAMAGED");

  it("holds nothing back where nothing is lost", () => {
    const ledger = new Ledger([]);
    doesNotThrow(() => requireWhole({ ledger }, false));
    doesNotThrow(() => requireWhole({ ledger }, true));
  });

  it("S9: holds everything back while control entries are lost", () => {
    const ledger = new Ledger([]);
    ledger.lost = new Map([["ab".repeat(32) as LogId, [{ from: 0, to: 1 }]]]);
    throws(() => requireWhole({ ledger }, false), isHeldBack);
    throws(() => requireWhole({ ledger }, true), isHeldBack);
  });

  it("I4: lets an earlier store go on only with the logs of its next incarnation", () => {
    const ledger = new Ledger([]);
    ledger.isUnsettled = true;
    throws(() => requireWhole({ ledger }, false), isHeldBack);
    doesNotThrow(() => requireWhole({ ledger }, true));
  });
});
