/** Whose operations count, and until when. docs/spec/membership.md, "What counts". */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { ControlEntry } from "../../../src/core/membership/types.ts";
import { bodies, deviceOf, openKeyOf, rootKeyOf, TestAccount } from "../../support/membership.ts";

const reasonOf = (account: TestAccount, entry: ControlEntry): string | undefined =>
  account.view().refused.get(entry.id);

const NO_MEMBER = "its author was no member";
const REVOKED = "its author is revoked, and the revocation did not come after it";

describe("admissions", () => {
  it("make members of members, generation after generation", () => {
    const account = new TestAccount();
    account.link("a", "b");
    account.link("b", "c");
    account.link("c", "d");
    equal(account.states("abcd"), "a:active b:active c:active d:active");
    const { devices } = account.view();
    deepEqual(
      ["a", "b", "c", "d"].map((name) => devices.get(deviceOf(name))?.admittedBy),
      [null, deviceOf("a"), deviceOf("b"), deviceOf("c")],
    );
    deepEqual([...devices.keys()], [...devices.keys()].toSorted());
  });

  it("C9: count from nobody who was not admitted itself before", () => {
    const account = TestAccount.of("a", "b");
    const early = account.write("x", bodies.admit("y"), { after: [account.genesis] });
    account.tell("a", "x");
    account.write("a", bodies.admit("x"), { after: [] });
    equal(reasonOf(account, early), NO_MEMBER);
    account.tell("a", "x");
    account.write("x", bodies.admit("z"));
    equal(account.states("xyz"), "x:active y:none z:active");
  });

  it("C9: count from no earlier than an admission that counts, where an earlier one does not", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("b", bodies.admit("x"));
    account.tell("b", "x");
    const early = account.write("x", bodies.admit("y"));
    account.write("a", bodies.admit("x"));
    account.tell("a", "x");
    account.write("x", bodies.admit("z"));
    account.write("a", bodies.revoke("b"), { after: [] });
    account.write("b", bodies.revoke("a"));
    account.write("c", bodies.admit("x"));
    account.tell("c", "x");
    account.write("x", bodies.admit("v"));
    equal(account.states("abxyzv"), "a:revoked b:revoked x:active y:none z:none v:active");
    equal(reasonOf(account, early), NO_MEMBER);
  });

  it("C9: count by the phrase of this account only", () => {
    const account = TestAccount.of("a", "b");
    const forged = account.write("b", bodies.admit("x"), { root: rootKeyOf("stolen") });
    equal(reasonOf(account, forged), "no root in force signed it");
    account.write("b", bodies.admit("y"), { root: account.phrase });
    equal(account.states("xy"), "x:none y:active");
    equal(account.view().devices.get(deviceOf("y"))?.admittedBy, null);
  });

  it("C9: put no other key under the name of a device that has written", () => {
    const account = TestAccount.of("a", "b", "c");
    const other = openKeyOf("of the thief");
    const swapped = account.write("b", bodies.admit("c", ["e"], other), { after: [] });
    equal(reasonOf(account, swapped), "the device came after another open key");
    const founder = account.write("b", bodies.admit("a", [], other));
    equal(reasonOf(account, founder), "the device came after another open key");
    deepEqual(account.view().devices.get(deviceOf("c"))?.openKey, openKeyOf("c"));
    account.write("a", bodies.revoke("b"));
    deepEqual(account.view().devices.get(deviceOf("c"))?.openKey, openKeyOf("c"));
  });

  it("C9: of several before the device has written, the first gives the key, and the phrase's goes before it", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.admit("c"));
    account.tell("a", "b");
    const second = account.write("b", bodies.admit("c", [], openKeyOf("other")));
    deepEqual(account.view().devices.get(deviceOf("c"))?.openKey, openKeyOf("c"));
    equal(reasonOf(account, second), "another open key stands for the device");
    account.write("b", bodies.admit("c", [], openKeyOf("third")), { root: account.phrase });
    deepEqual(account.view().devices.get(deviceOf("c"))?.openKey, openKeyOf("third"));
  });

  it("are told by the one that the device itself came after, whichever was first", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.admit("x"));
    for (let at = 0; at < 3; at++) account.write("b", bodies.cloud(`wss://${at}.example`));
    account.link("b", "x");
    equal(account.view().devices.get(deviceOf("x"))?.admittedBy, deviceOf("b"));
  });

  it("by another member later, with the same key, give epochs", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.epoch("e", ["a", "b"]));
    account.meet("a", "b");
    account.write("b", bodies.admit("c", ["e"]));
    const view = account.view();
    ok(view.epochs.get(bodies.epoch("e", []).epoch)?.recipients.has(deviceOf("c")));
    equal(view.sealing, bodies.epoch("e", []).epoch);
  });
});

describe("revocations", () => {
  it("P9: leave what they knew, and end everything else, whatever it claims to have come after", () => {
    const account = TestAccount.of("a", "b", "c");
    const known = account.write("b", bodies.admit("x"));
    account.tell("b", "a");
    const revocation = account.write("a", bodies.revoke("b"));
    const backdated = account.write("b", bodies.admit("y"));
    const later = account.write("b", bodies.admit("z"), { after: [revocation] });
    equal(account.states("abcxyz"), "a:active b:revoked c:active x:active y:none z:none");
    equal(reasonOf(account, known), undefined);
    equal(reasonOf(account, backdated), REVOKED);
    equal(reasonOf(account, later), REVOKED);
  });

  it("P9: hold for every kind of operation but the opening of logs", () => {
    const account = TestAccount.of("a", "b", "c");
    const purge = account.write("c", bodies.purge(account.log("c", "messages"), 0));
    account.meet("a", "b", "c");
    account.write("a", bodies.revoke("b"));
    const late = [
      bodies.admit("x"),
      bodies.revoke("c"),
      bodies.epoch("e", ["b"]),
      bodies.purge(account.log("b", "messages"), 1),
      bodies.countersign(purge),
      bodies.void(purge),
      bodies.cloud("wss://x.example"),
      bodies.setRecovery(rootKeyOf("thief")),
    ].map((body) => account.write("b", body));
    for (const entry of late) equal(reasonOf(account, entry), REVOKED, entry.operation.body.kind);
    const { purges, cloud, epochs, rootSign } = account.view();
    deepEqual([purges.map(({ state }) => state), cloud, epochs.size], [["open"], null, 0]);
    equal(rootSign, account.phrase.publicKey);
    const opening = account.write("b", bodies.openLog(1), { incarnation: 1 });
    equal(reasonOf(account, opening), undefined);
  });

  it("P9: need every one of several to have known an operation", () => {
    const account = TestAccount.of("a", "b", "c");
    const admission = account.write("b", bodies.admit("x"));
    account.tell("b", "a");
    account.write("a", bodies.revoke("b"));
    equal(account.states("bx"), "b:revoked x:active");
    account.write("c", bodies.revoke("b"));
    equal(account.states("bx"), "b:revoked x:none");
    equal(reasonOf(account, admission), REVOKED);
  });

  it("of oneself are leaving: what came before stays, what comes after is nothing", () => {
    const account = TestAccount.of("a", "b");
    account.write("b", bodies.admit("x"));
    const leave = account.write("b", bodies.revoke("b"));
    account.write("b", bodies.admit("y"));
    equal(account.states("abxy"), "a:active b:revoked x:active y:none");
    equal(reasonOf(account, leave), undefined);
    deepEqual(account.view().revocations.get(deviceOf("b")), [leave.id]);
  });

  it("are for ever: the key never comes back, by a member or by the phrase", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.epoch("e", ["a", "b", "c"]));
    account.write("a", bodies.revoke("b"));
    const again = account.write("a", bodies.admit("b", ["e"]));
    account.tell("a", "c");
    account.write("c", bodies.admit("b"), { root: account.phrase });
    equal(account.states("b"), "b:revoked");
    equal(reasonOf(account, again), "it admits a revoked key");
    account.tell("a", "b");
    account.write("b", bodies.admit("x"));
    equal(account.states("bx"), "b:revoked x:none");
  });

  it("P12: take along whom the device admitted unseen, and tell them why", () => {
    const account = TestAccount.of("a", "b", "c");
    account.link("b", "x");
    account.link("x", "y");
    const revocation = account.write("a", bodies.revoke("b"));
    const { revocations } = account.view();
    equal(account.states("abcxy"), "a:active b:revoked c:active x:none y:none");
    for (const name of ["b", "x", "y"]) deepEqual(revocations.get(deviceOf(name)), [revocation.id], name);
    ok(!revocations.has(deviceOf("c")));
  });

  it("need to know the device that they remove", () => {
    const account = new TestAccount();
    account.link("a", "b");
    const unseen = account.write("b", bodies.revoke("x"));
    account.write("a", bodies.admit("x"));
    equal(reasonOf(account, unseen), "it does not know the device");
    equal(account.states("bx"), "b:active x:active");
  });

  it("of the first device need its genesis only", () => {
    const account = TestAccount.of("a", "b");
    account.write("b", bodies.revoke("a"));
    equal(account.states("ab"), "a:revoked b:active");
    account.write("b", bodies.admit("c"));
    equal(account.states("c"), "c:active");
  });
});

describe("operations that the phrase signs", () => {
  it("P10: beat what a device does at the same time", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("b", bodies.revoke("a"));
    account.write("a", bodies.revoke("b"), { root: account.phrase });
    equal(account.states("abc"), "a:active b:revoked c:active");
  });

  it("P10: protect a device that they admit from whoever revokes it unseen, not from who has seen it", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.admit("x"));
    account.tell("a", "b");
    const concurrent = account.write("b", bodies.revoke("x"));
    account.write("c", bodies.admit("x"), { root: account.phrase });
    equal(account.states("x"), "x:active");
    equal(reasonOf(account, concurrent), "the phrase admitted the device at the same time");
    account.meet("b", "c");
    account.write("b", bodies.revoke("x"));
    equal(account.states("x"), "x:revoked");
  });

  it("count whoever writes them, a revoked device too", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"), { root: account.phrase });
    account.write("b", bodies.admit("c"), { root: account.phrase });
    equal(account.states("abc"), "a:revoked b:active c:active");
  });

  it("C14: count once: nobody repeats the phrase's word when things are different", () => {
    const account = TestAccount.of("a", "b");
    const said = account.write("b", bodies.cloud("wss://old.example"), { root: account.phrase, after: [] });
    account.meet("a", "b");
    account.write("a", bodies.cloud("wss://new.example"));
    account.write("a", bodies.revoke("b"));
    const repeated = account.write("b", said.operation.body, { root: account.phrase, after: [] });
    equal(reasonOf(account, repeated), "no root in force signed it");
    equal(account.view().cloud?.address, "wss://new.example");
  });

  it("bring an account back of which nobody is left", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("a"));
    equal(account.states("ab"), "a:revoked b:revoked");
    account.write("r", bodies.admit("r"), { after: [], root: account.phrase });
    account.write("r", bodies.openLog());
    account.meet("a", "r");
    account.write("r", bodies.admit("s"));
    equal(account.states("abrs"), "a:revoked b:revoked r:active s:active");
  });
});

describe("a device that forked its control log", () => {
  function forked(): TestAccount {
    const account = TestAccount.of("a", "b", "c");
    const { position } = account.write("b", bodies.cloud("left"));
    account.write("b", bodies.cloud("right"), { position });
    return account;
  }

  it("L9: is suspended until another device approves its new incarnation, and counts from then on", () => {
    const account = forked();
    const opening = account.write("b", bodies.openLog(1), { incarnation: 1 });
    const before = account.write("b", bodies.admit("x"), { incarnation: 1 });
    equal(account.states("bx"), "b:suspended x:none");
    equal(reasonOf(account, before), "its author is suspended");
    account.tell("b", "a");
    account.write("a", bodies.countersign(opening));
    equal(account.states("bx"), "b:active x:none");
    account.tell("a", "b");
    account.write("b", bodies.admit("y"), { incarnation: 1 });
    equal(account.states("by"), "b:active y:active");
    deepEqual(account.view().devices.get(deviceOf("b"))?.incarnations, [0, 1]);
  });

  it("L9: cannot approve itself, nor by a device that it admits meanwhile", () => {
    const account = forked();
    const opening = account.write("b", bodies.openLog(1), { incarnation: 1 });
    const own = account.write("b", bodies.countersign(opening), { incarnation: 1 });
    account.write("b", bodies.admit("x"), { incarnation: 1 });
    account.tell("b", "x");
    account.write("x", bodies.openLog());
    const accomplice = account.write("x", bodies.countersign(opening));
    equal(account.states("bx"), "b:suspended x:none");
    equal(reasonOf(account, own), "its author is suspended");
    equal(reasonOf(account, accomplice), NO_MEMBER);
  });

  it("L9: is approved by the phrase, in its own opening or by whoever has it", () => {
    const opened = forked();
    opened.write("b", bodies.openLog(1), { incarnation: 1, root: opened.phrase });
    opened.write("b", bodies.admit("x"), { incarnation: 1 });
    equal(opened.states("bx"), "b:active x:active");
    const countersigned = forked();
    const opening = countersigned.write("b", bodies.openLog(1), { incarnation: 1 });
    countersigned.write("b", bodies.countersign(opening), { incarnation: 1, root: countersigned.phrase });
    equal(countersigned.states("b"), "b:active");
  });

  it("L9: needs a new approval after each fork, and one is enough for all that follow", () => {
    const account = forked();
    const first = account.write("b", bodies.openLog(1), { incarnation: 1 });
    account.tell("b", "a");
    account.write("a", bodies.countersign(first));
    account.tell("a", "b");
    account.write("b", bodies.openLog(2), { incarnation: 2 });
    account.write("b", bodies.admit("x"), { incarnation: 2 });
    equal(account.states("bx"), "b:active x:active");
    const { position } = account.write("b", bodies.cloud("left"), { incarnation: 2 });
    account.write("b", bodies.cloud("right"), { incarnation: 2, position });
    const third = account.write("b", bodies.openLog(3), { incarnation: 3 });
    account.write("b", bodies.admit("y"), { incarnation: 3 });
    equal(account.states("bxy"), "b:suspended x:active y:none");
    account.tell("b", "c");
    account.write("c", bodies.countersign(third));
    equal(account.states("bxy"), "b:active x:active y:none");
  });

  it("L9: cannot approve itself beforehand, nor be approved by who has not seen its opening", () => {
    const account = TestAccount.of("a", "b", "c");
    const opening = account.write("b", bodies.openLog(1), { incarnation: 1 });
    account.write("b", bodies.countersign(opening));
    account.write("c", bodies.countersign(opening), { after: [] });
    const { position } = account.write("b", bodies.cloud("wss://left.example"));
    account.write("b", bodies.cloud("wss://right.example"), { position });
    equal(account.states("b"), "b:suspended");
  });

  it("P13: gains nothing by an approval from a device that is revoked without it", () => {
    const account = forked();
    const opening = account.write("b", bodies.openLog(1), { incarnation: 1 });
    account.tell("b", "c");
    account.write("c", bodies.countersign(opening));
    equal(account.states("b"), "b:active");
    account.write("a", bodies.revoke("c"));
    equal(account.states("b"), "b:suspended");
  });

  it("L11: keeps what it wrote in its other incarnations before", () => {
    const account = TestAccount.of("a", "b");
    account.write("b", bodies.admit("x"));
    account.write("b", bodies.openLog(1), { incarnation: 1 });
    const { position } = account.write("b", bodies.admit("y"), { incarnation: 1 });
    account.write("b", bodies.cloud("other"), { incarnation: 1, position });
    equal(account.states("bxy"), "b:suspended x:active y:none");
  });
});
