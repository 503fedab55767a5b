/** Who holds which epoch, and under which to seal. docs/spec/membership.md, "Epochs". */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { EpochId } from "../../../src/core/base/ids.ts";
import type { MemberView } from "../../../src/core/membership/types.ts";
import { bodies, bytesOf, deviceOf, epochOf, permutations, TestAccount } from "../../support/membership.ts";

const smallest = (...names: readonly string[]): EpochId => names.map(epochOf).toSorted()[0]!;

function recipientsOf(view: MemberView, epoch: string): readonly string[] {
  const names = ["a", "b", "c", "x"];
  return names.filter((name) => view.epochs.get(epochOf(epoch))?.recipients.has(deviceOf(name)));
}

describe("epochs", () => {
  it("seal once their recipients are exactly the active devices", () => {
    const account = TestAccount.of("a", "b");
    equal(account.view().sealing, null);
    account.write("a", bodies.epoch("short", ["a"]));
    equal(account.view().sealing, null);
    account.write("a", bodies.epoch("e", ["a", "b"]));
    equal(account.view().sealing, epochOf("e"));
    account.write("a", bodies.admit("c"));
    equal(account.view().sealing, null);
    deepEqual(recipientsOf(account.view(), "e"), ["a", "b"]);
  });

  it("are fit, tips or not, where their recipients are exactly the active devices and no device was revoked since", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.epoch("short", ["a"]));
    account.write("a", bodies.epoch("e", ["a", "b"]));
    account.write("a", bodies.epoch("later", ["a", "b"], { tips: ["e"] }));
    const fit = (): readonly string[] =>
      ["short", "e", "later"].filter((name) => account.view().epochs.get(epochOf(name))!.isFit);
    deepEqual(fit(), ["e", "later"]);
    equal(account.view().sealing, epochOf("later"));
    account.write("a", bodies.revoke("b"));
    deepEqual(fit(), []);
  });

  it("go on after an admission that gives them, without a new one", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.epoch("e", ["a", "b"]));
    account.link("a", "c", ["e"]);
    const view = account.view();
    equal(view.sealing, epochOf("e"));
    deepEqual(recipientsOf(view, "e"), ["a", "b", "c"]);
    account.write("b", bodies.admit("x", ["e"]), { after: [] });
    account.write("a", bodies.revoke("b"));
    deepEqual(recipientsOf(account.view(), "e"), ["a", "b", "c"]);
  });

  it("P11: two at once are both tips, and the smaller one seals, in any order", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.epoch("one", ["a", "b"]));
    account.write("b", bodies.epoch("two", ["a", "b"]));
    for (const order of permutations(account.entries.slice(-2))) {
      const view = account.view([...order, ...account.entries.slice(0, -2)]);
      equal(view.sealing, smallest("one", "two"));
      deepEqual(view.tips, [epochOf("one"), epochOf("two")].toSorted());
    }
    account.meet("a", "b");
    account.write("b", bodies.epoch("three", ["a", "b"], { tips: ["one", "two"] }));
    const view = account.view();
    deepEqual([view.sealing, view.tips], [epochOf("three"), [epochOf("three")]]);
    deepEqual(view.epochs.get(epochOf("three"))?.tips, [epochOf("one"), epochOf("two")]);
  });

  it("P11: carry no epoch that they do not know, so that no two carry each other", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.epoch("one", ["a", "b"], { tips: ["two", "unknown", "one"] }));
    account.write("b", bodies.epoch("two", ["a", "b"], { tips: ["one"] }));
    deepEqual(account.view().tips, [epochOf("one"), epochOf("two")].toSorted());
  });

  it("T4: never seal again once a device that received them is revoked", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.epoch("old", ["a", "b", "c"]));
    account.write("a", bodies.revoke("c"));
    equal(account.view().sealing, null);
    account.write("a", bodies.epoch("new", ["a", "b"], { tips: ["old"] }));
    equal(account.view().sealing, epochOf("new"));
  });

  it("T4: do not seal where the author had left itself out to be revoked later", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("c", bodies.epoch("trap", ["a", "b"]));
    account.meet("a", "b", "c");
    ok(recipientsOf(account.view(), "trap").includes("c"));
    account.write("a", bodies.revoke("c"));
    equal(account.view().sealing, null);
  });

  it("T4: do not seal where they were made before a revocation, whoever is said to have received them", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("b", bodies.epoch("concurrent", ["a", "b"]));
    account.write("a", bodies.revoke("c"));
    equal(account.view().sealing, null);
    account.meet("a", "b");
    account.write("b", bodies.epoch("after", ["a", "b"], { tips: ["concurrent"] }));
    equal(account.view().sealing, epochOf("after"));
  });

  it("T4: announced again keep their first announcement", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.epoch("e", ["a", "b", "c"]));
    account.write("a", bodies.revoke("c"));
    account.tell("a", "b");
    const again = account.write("b", bodies.epoch("e", ["a", "b"]));
    const view = account.view();
    equal(view.refused.get(again.id), "the epoch was announced before");
    equal(view.sealing, null);
    deepEqual(recipientsOf(view, "e"), ["a", "b", "c"]);
  });

  it("P13: of a revoked device count where every revocation of it knew them", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("b", bodies.epoch("known", ["a", "b", "c"]));
    account.tell("b", "a");
    account.write("b", bodies.epoch("unknown", ["a", "b", "c"], { tips: ["known"] }));
    account.write("a", bodies.revoke("b"));
    deepEqual(account.view().tips, [epochOf("known")]);
    account.write("c", bodies.revoke("b"));
    deepEqual(account.view().tips, []);
  });

  it("are not made for whom nobody is left, nor for a suspended device", () => {
    const account = TestAccount.of("a", "b");
    account.write("b", bodies.epoch("e", ["a", "b"]));
    const { position } = account.write("a", bodies.cloud("wss://left.example"));
    account.write("a", bodies.cloud("wss://right.example"), { position });
    equal(account.view().sealing, null);
    account.write("b", bodies.epoch("without", ["b"], { tips: ["e"] }));
    equal(account.view().sealing, epochOf("without"));
    account.write("b", bodies.revoke("b"));
    equal(account.view().sealing, null);
  });

  it("say the custody: that of the sealing one, or in doubt local", () => {
    const account = TestAccount.of("a", "b");
    equal(account.view().custody, "synced");
    account.write("a", bodies.epoch("one", ["a", "b"], { custody: "local" }));
    equal(account.view().custody, "local");
    account.tell("a", "b");
    account.write("b", bodies.epoch("two", ["a", "b"], { tips: ["one"] }));
    equal(account.view().custody, "synced");
    account.write("a", bodies.epoch("three", ["a"], { custody: "local" }));
    equal(account.view().custody, "synced");
    account.meet("a", "b");
    account.write("a", bodies.admit("c"));
    equal(account.view().custody, "local");
  });
});

describe("wraps", () => {
  it("C10: are those of entries that count, with the entry that carries each", () => {
    const account = TestAccount.of("a", "b");
    const epoch = account.write("a", bodies.epoch("e", ["a", "b"]));
    const admission = account.link("a", "c", ["e"]);
    account.write("b", bodies.epoch("unseen", ["c"]));
    account.write("x", bodies.epoch("hostile", ["c"]), { after: [admission] });
    account.write("a", bodies.revoke("b"));
    const { wrapsFor } = account.view();
    deepEqual(wrapsFor(deviceOf("c")), [
      { epoch: epochOf("e"), sealed: bytesOf("e for c"), by: admission.id },
    ]);
    deepEqual(wrapsFor(deviceOf("b")), [{ epoch: epochOf("e"), sealed: bytesOf("e for b"), by: epoch.id }]);
    deepEqual(wrapsFor(deviceOf("x")), []);
  });

  it("are none in local custody, where only the recipients are named", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.epoch("e", ["a", "b"], { custody: "local" }));
    const view = account.view();
    deepEqual([view.wrapsFor(deviceOf("b")), view.sealing], [[], epochOf("e")]);
  });

  it("C9: are none under a key that is not the device's", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.epoch("e", ["a", "b"]));
    account.meet("a", "b");
    account.write("b", bodies.admit("c", ["e"], bytesOf("the thief's key")));
    const view = account.view();
    deepEqual([view.wrapsFor(deviceOf("c")), recipientsOf(view, "e")], [[], ["a", "b"]]);
  });
});
