/** Questions to a resolved view. */
import { deepEqual, equal } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import {
  acceptedLength,
  activeDevices,
  isMember,
  nextIncarnation,
  ownerOf,
  revokingEntries,
} from "../../../src/core/membership/members.ts";
import { bodies, deviceOf, rootOf, TestAccount } from "../../support/membership.ts";

describe("a view of the members", () => {
  it("tells members from revoked devices and strangers; a suspended device is one", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("c"));
    const { position } = account.write("b", bodies.cloud("wss://left.example"));
    account.write("b", bodies.cloud("wss://right.example"), { position });
    const view = account.view();
    const names = ["a", "b", "c", "x"];
    deepEqual(
      names.map((name) => isMember(view, deviceOf(name))),
      [true, true, false, false],
    );
    deepEqual(
      activeDevices(view).map(({ device }) => device),
      [deviceOf("a")],
    );
  });

  it("C4, P12: names to a revoked device, and to whom it admitted, what ended them", () => {
    const account = TestAccount.of("a", "b", "c");
    account.link("b", "x");
    const revocation = account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("b"));
    const view = account.view();
    const names = ["a", "b", "c", "x", "y"];
    deepEqual(
      names.map((name) => revokingEntries(view, deviceOf(name))),
      [[], [revocation.id], [], [revocation.id], []],
    );
  });

  it("cuts what is accepted of a log where it ends, and accepts nothing of unknown logs", () => {
    const account = TestAccount.of("a", "b");
    const log = account.log("b", "messages");
    const unknown = "00".repeat(32) as LogId;
    equal(acceptedLength(account.view(), log, 9), 9);
    account.write("a", bodies.revoke("b", [{ log, length: 7, root: rootOf("x") }]));
    const view = account.view();
    deepEqual(
      [acceptedLength(view, log, 9), acceptedLength(view, log, 3), acceptedLength(view, unknown, 3)],
      [7, 3, 0],
    );
    deepEqual([ownerOf(view, log)?.device, ownerOf(view, unknown)], [deviceOf("b"), undefined]);
  });

  it("S13: counts a device's incarnations up to the last that it may open", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.admit("c"));
    const next = (name: string): number | undefined => nextIncarnation(account.view(), deviceOf(name));
    deepEqual([next("b"), next("c"), next("x")], [1, 0, undefined]);
    account.write("b", bodies.openLog(1), { incarnation: 1 });
    equal(next("b"), 2);
    for (let incarnation = 2; incarnation < 1_000; incarnation++) {
      account.write("b", bodies.openLog(incarnation), { incarnation, after: [] });
    }
    equal(next("b"), undefined);
  });
});
