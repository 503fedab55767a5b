/** Operations that did not know each other, in every order. docs/spec/membership.md, "What counts", rules 2 to 5. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { ControlEntry } from "../../../src/core/membership/types.ts";
import { bodies, describeView, permutations, TestAccount } from "../../support/membership.ts";

/** The states that any order of the last `count` entries comes to; asserts that it is one. */
function statesInEveryOrder(account: TestAccount, count: number, names: string): string {
  const begun = account.entries.slice(0, -count);
  const expected = describeView(account.view());
  for (const order of permutations(account.entries.slice(-count))) {
    deepEqual(describeView(account.view([...order, ...begun])), expected);
    // One after the other, as they would arrive: what is known in between never changes where it ends.
    for (let known = 0; known < count; known++) account.view([...begun, ...order.slice(0, known)]);
  }
  return account.states(names);
}

describe("revocations that did not know each other", () => {
  it("P10: remove both devices, in any order, and leave the rest alone", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    equal(statesInEveryOrder(account, 2, "abc"), "a:revoked b:revoked c:active");
  });

  it("P10: remove every device of a longer circle", () => {
    const account = TestAccount.of("a", "b", "c", "d");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("c"));
    account.write("c", bodies.revoke("a"));
    equal(statesInEveryOrder(account, 3, "abcd"), "a:revoked b:revoked c:revoked d:active");
  });

  it("P10: count in order where one knew the other", () => {
    const account = TestAccount.of("a", "b", "c");
    const first = account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"), { after: [first] });
    equal(statesInEveryOrder(account, 2, "abc"), "a:active b:revoked c:active");
  });

  it("P10: void what the removed device did to others at the same time", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("c"));
    equal(statesInEveryOrder(account, 2, "abc"), "a:active b:revoked c:active");
  });

  it("P10: of a circle void what its devices did beside it", () => {
    const account = TestAccount.of("a", "b", "c", "d");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    account.write("b", bodies.revoke("c"));
    account.write("a", bodies.admit("x"));
    equal(statesInEveryOrder(account, 4, "abcdx"), "a:revoked b:revoked c:active d:active x:none");
  });

  it("P10: keep whom a removed device had admitted, if the one who removed it had seen that, and only then", () => {
    const account = TestAccount.of("a", "b");
    account.link("b", "c");
    account.tell("b", "a");
    account.link("b", "d");
    account.write("a", bodies.revoke("b"));
    equal(statesInEveryOrder(account, 5, "abcd"), "a:active b:revoked c:active d:none");
  });

  it("P10: count as a circle also where an admission is the link", () => {
    // b admits c, a removes b unseen, c removes a: whoever counts first would void the other.
    const account = TestAccount.of("a", "b");
    account.link("b", "c");
    account.write("c", bodies.revoke("a"));
    account.write("a", bodies.revoke("b"));
    equal(statesInEveryOrder(account, 4, "abc"), "a:revoked b:revoked c:none");
  });

  it("P10: of a device by several, and of those by it, remove all of them", () => {
    const account = TestAccount.of("a", "b", "c", "d");
    account.write("a", bodies.revoke("b"));
    account.write("c", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    account.write("b", bodies.revoke("c"));
    equal(statesInEveryOrder(account, 4, "abcd"), "a:revoked b:revoked c:revoked d:active");
  });

  it("P10: do not protect a device by another that is removed for good", () => {
    // d removes c, who had removed b at the same time; b stays, since nobody who counts removed it.
    const account = TestAccount.of("a", "b", "c", "d");
    account.write("c", bodies.revoke("b"));
    account.write("d", bodies.revoke("c"));
    account.write("b", bodies.admit("x"));
    equal(statesInEveryOrder(account, 3, "abcdx"), "a:active b:active c:revoked d:active x:active");
  });

  it("P10: one circle decides before the next begins", () => {
    const account = TestAccount.of("a", "b", "c", "d", "e");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    account.write("b", bodies.revoke("c"));
    account.write("c", bodies.revoke("d"));
    account.write("d", bodies.revoke("c"));
    equal(statesInEveryOrder(account, 5, "abcde"), "a:revoked b:revoked c:revoked d:revoked e:active");
  });

  it("P10: two circles stay apart where only a spare admission would join them", () => {
    const account = TestAccount.of("a", "b", "c", "d");
    account.write("b", bodies.admit("c"));
    account.tell("b", "c");
    account.write("c", bodies.revoke("d"));
    account.write("d", bodies.revoke("c"));
    const beside = account.write("d", bodies.revoke("a"));
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    equal(statesInEveryOrder(account, 5, "abcd"), "a:revoked b:revoked c:revoked d:revoked");
    ok(account.view().refused.has(beside.id));
  });

  it("P10: leaving at the same time as being removed is being removed", () => {
    const account = TestAccount.of("a", "b");
    const leave = account.write("b", bodies.revoke("b"));
    const revocation = account.write("a", bodies.revoke("b"));
    equal(statesInEveryOrder(account, 2, "ab"), "a:active b:revoked");
    const { refused } = account.view();
    ok(refused.has(leave.id) && !refused.has(revocation.id));
  });

  it("P10: the phrase ends every circle it knows nothing of", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    account.write("b", bodies.revoke("c"));
    account.write("c", bodies.revoke("b"), { root: account.phrase });
    equal(statesInEveryOrder(account, 4, "abc"), "a:active b:revoked c:active");
  });
});

describe("a hostile device", () => {
  /** All that `b` may try: each with what it claims to have come after. */
  function attempts(account: TestAccount, claim: readonly ControlEntry[]): void {
    for (const body of [
      bodies.revoke("a"),
      bodies.admit("b"),
      bodies.admit("x"),
      bodies.revoke("c"),
      bodies.revoke("b"),
    ]) {
      account.write("b", body, { after: claim });
    }
  }

  it("P9: cannot bring itself back, whatever it claims to have known", () => {
    for (const claimed of [0, 1, 3, 5, 7]) {
      const account = TestAccount.of("a", "b", "c");
      account.write("a", bodies.revoke("b"));
      attempts(account, account.entries.slice(claimed, claimed + 1));
      ok(account.states("b") === "b:revoked", `claims ${claimed}`);
      ok(account.states("x") === "x:none", `claims ${claimed}`);
    }
  });

  it("P9: cannot bring itself back by taking away who admitted the one that removed it", () => {
    const account = new TestAccount();
    account.link("a", "b");
    account.link("a", "c");
    account.write("c", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"), { after: [account.entries[2]!] });
    equal(statesInEveryOrder(account, 2, "ab"), "a:revoked b:revoked");
  });

  it("P9: cannot bring itself back by a fork that takes away what others had seen through it", () => {
    const account = TestAccount.of("a", "b", "c");
    const hub = account.write("b", bodies.cloud("wss://hub.example"));
    account.meet("a", "b", "c");
    account.write("a", bodies.revoke("c"));
    equal(account.states("c"), "c:revoked");
    account.write("b", bodies.cloud("wss://other.example"), { position: hub.position, after: [] });
    equal(account.states("abc"), "a:active b:suspended c:revoked");
  });

  it("P9: with an accomplice takes away what its revoker did without the phrase, and nothing that the phrase did", () => {
    for (const [root, expected] of [
      [undefined, "a:revoked b:revoked c:active d:active"],
      ["phrase", "a:active b:revoked c:revoked d:active"],
    ] as const) {
      const account = TestAccount.of("a", "b", "c", "d");
      const options = root === undefined ? {} : { root: account.phrase };
      account.write("a", bodies.revoke("b"), options);
      account.write("a", bodies.revoke("c"), options);
      account.write("b", bodies.revoke("a"));
      equal(statesInEveryOrder(account, 3, "abcd"), expected);
    }
  });
});
