/** How the root changes, and what the phrase can do then. docs/spec/membership.md, "Root". */
import { deepEqual, equal } from "node:assert/strict";
import type { ControlEntry } from "../../../src/core/membership/types.ts";
import {
  bodies,
  describeView,
  permutations,
  rootKeyOf,
  type RootKey,
  TestAccount,
} from "../../support/membership.ts";

const second = rootKeyOf("second");
const third = rootKeyOf("third");

const rootOf = (account: TestAccount, entries?: readonly ControlEntry[]): string => {
  const keys = new Map<string, RootKey>(Object.entries({ first: account.phrase, second, third }));
  const { rootSign } = account.view(entries);
  return [...keys].find(([, { publicKey }]) => publicKey.join() === rootSign.join())?.[0] ?? "unknown";
};

function sameInEveryOrder(account: TestAccount, count: number): void {
  const begun = account.entries.slice(0, -count);
  const expected = describeView(account.view());
  for (const order of permutations(account.entries.slice(-count))) {
    deepEqual(describeView(account.view([...order, ...begun])), expected);
  }
}

describe("a new recovery phrase, signed by the present one", () => {
  it("is in force from then on, and the one before no more", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.setRecovery(second), { root: account.phrase });
    equal(rootOf(account), "second");
    account.write("a", bodies.admit("x"), { root: account.phrase });
    account.write("a", bodies.admit("y"), { root: second });
    equal(account.states("xy"), "x:none y:active");
    deepEqual(account.view().rootOpen, bodies.setRecovery(second).rootOpen);
  });

  it("leaves what the one before had done, and voids what it does unseen", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.admit("x"), { root: account.phrase });
    account.write("a", bodies.setRecovery(second), { root: account.phrase });
    account.write("b", bodies.admit("y"), { root: account.phrase });
    equal(account.states("xy"), "x:active y:none");
    sameInEveryOrder(account, 3);
  });

  it("can be followed by another, and another, each by the one before", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.setRecovery(second), { root: account.phrase });
    account.write("a", bodies.setRecovery(third), { root: second });
    equal(rootOf(account), "third");
    account.tell("a", "b");
    const old = account.write("b", bodies.setRecovery(second), { root: account.phrase });
    equal(rootOf(account), "third");
    equal(account.view().refused.get(old.id), "no root in force signed it");
    account.write("a", bodies.setRecovery(account.phrase), { root: third });
    equal(rootOf(account), "first");
    account.write("a", bodies.admit("x"), { root: account.phrase });
    account.write("b", bodies.admit("y"), { root: account.phrase, after: [] });
    equal(account.states("xy"), "x:active y:none");
    sameInEveryOrder(account, 5);
  });

  it("is the first of two at once, in every order", () => {
    const account = TestAccount.of("a", "b");
    const one = account.write("a", bodies.setRecovery(second), { root: account.phrase });
    const other = account.write("b", bodies.setRecovery(third), { root: account.phrase });
    const depth = (entry: ControlEntry): number => account.closure(entry).length;
    sameInEveryOrder(account, 2);
    const first =
      depth(one) < depth(other) || (depth(one) === depth(other) && one.id < other.id) ? one : other;
    equal(rootOf(account), first === one ? "second" : "third");
  });

  it("P15: is not undone by whoever still holds the old one and says to have been first", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.setRecovery(second), { root: account.phrase });
    account.tell("a", "b");
    account.write("b", bodies.cloud("wss://anything.example"));
    const late = { after: [], root: account.phrase };
    for (const name of ["t", "u", "v"]) account.write(name, bodies.admit(name), late);
    const undone = account.write("t", bodies.setRecovery(third), { root: account.phrase });
    for (const name of ["u", "v"])
      account.write(name, bodies.cloud("wss://thief.example"), { after: [undone] });
    account.write("c", bodies.cloud("wss://misled.example"), { after: [undone] });
    equal(rootOf(account), "second");
    equal(account.states("abctuv"), "a:active b:active c:active t:none u:none v:none");
    sameInEveryOrder(account, 4);
  });

  it("P15: is not undone by devices that are revoked", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("b"));
    account.write("a", bodies.revoke("c"));
    account.write("a", bodies.setRecovery(second), { root: account.phrase });
    const undone = account.write("b", bodies.setRecovery(third), { after: [], root: account.phrase });
    account.write("c", bodies.cloud("wss://thief.example"), { after: [undone] });
    equal(rootOf(account), "second");
  });

  it("needs the present one: a stranger's signature changes nothing", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.setRecovery(second), { root: second });
    equal(rootOf(account), "first");
  });
});

describe("a new recovery phrase, the old one being lost", () => {
  it("P15: needs both of two devices", () => {
    const account = TestAccount.of("a", "b");
    const proposal = account.write("a", bodies.setRecovery(second));
    equal(rootOf(account), "first");
    equal(
      account.view().refused.get(proposal.id),
      "another change came first, or too few devices agree to it",
    );
    account.write("a", bodies.countersign(proposal));
    equal(rootOf(account), "first");
    account.tell("a", "b");
    account.write("b", bodies.countersign(proposal));
    equal(rootOf(account), "second");
    sameInEveryOrder(account, 3);
  });

  it("P15: needs two of three, three of four, and a single device alone", () => {
    for (const [names, needed] of [
      ["a", 0],
      ["abc", 1],
      ["abcd", 2],
      ["abcde", 2],
    ] as const) {
      const devices = names.split("");
      const account = TestAccount.of(...devices);
      const proposal = account.write("a", bodies.setRecovery(second));
      account.tell("a", ...devices);
      for (let votes = 0; votes < needed; votes++) {
        equal(rootOf(account), "first", `${names} ${votes}`);
        account.write(devices[votes + 1]!, bodies.countersign(proposal));
      }
      equal(rootOf(account), "second", names);
    }
  });

  it("P15: counts the devices that the proposal could know; who comes later neither votes nor is needed", () => {
    const account = TestAccount.of("a", "b");
    const proposal = account.write("a", bodies.setRecovery(second));
    account.tell("a", "b");
    account.link("b", "c");
    account.write("c", bodies.countersign(proposal));
    equal(rootOf(account), "first");
    account.write("b", bodies.countersign(proposal));
    equal(rootOf(account), "second");
    account.link("b", "d");
    account.link("b", "e");
    equal(rootOf(account), "second");
  });

  it("P15: goes before one that the phrase signed at the same time, whoever has come after that", () => {
    const account = TestAccount.of("a", "b");
    for (const name of ["c", "d", "e"]) account.link("b", name);
    const signed = account.write("c", bodies.setRecovery(third), { root: account.phrase });
    for (const name of ["d", "e"]) account.write(name, bodies.countersign(signed), { after: [signed] });
    const proposal = account.write("a", bodies.setRecovery(second));
    equal(rootOf(account), "third");
    account.write("b", bodies.countersign(proposal), { after: [proposal] });
    equal(rootOf(account), "second");
    sameInEveryOrder(account, 5);
  });

  it("P15: hears no vote of a device that does not know the proposal, or is suspended", () => {
    const account = TestAccount.of("a", "b", "c");
    const proposal = account.write("a", bodies.setRecovery(second));
    account.write("b", bodies.countersign(proposal), { after: [] });
    equal(rootOf(account), "first");
    const { position } = account.write("b", bodies.cloud("wss://left.example"));
    account.write("b", bodies.cloud("wss://right.example"), { position });
    equal(rootOf(account), "first");
    account.write("c", bodies.countersign(proposal), { after: [proposal] });
    equal(rootOf(account), "second");
    const three = TestAccount.of("a", "b", "c", "d");
    const other = three.write("a", bodies.setRecovery(second));
    three.tell("a", "b");
    three.write("b", bodies.countersign(other));
    equal(rootOf(three), "first");
    const branch = three.write("d", bodies.cloud("wss://left.example"));
    three.write("d", bodies.cloud("wss://right.example"), { position: branch.position });
    equal(rootOf(three), "second");
  });

  it("P15: does not need devices that are revoked, nor hear them", () => {
    const account = TestAccount.of("a", "b", "c", "d");
    account.write("a", bodies.revoke("c"));
    account.write("a", bodies.revoke("d"));
    account.meet("a", "b");
    const proposal = account.write("a", bodies.setRecovery(second));
    account.tell("a", "c", "d");
    account.write("c", bodies.countersign(proposal));
    account.write("d", bodies.countersign(proposal));
    equal(rootOf(account), "first");
    account.tell("a", "b");
    account.write("b", bodies.countersign(proposal));
    equal(rootOf(account), "second");
  });

  it("P15: two stolen devices of three lose their majority once the third has revoked them", () => {
    const account = TestAccount.of("a", "b", "c");
    const proposal = account.write("b", bodies.setRecovery(second));
    account.write("c", bodies.countersign(proposal), { after: [proposal] });
    equal(rootOf(account), "second");
    account.write("a", bodies.revoke("b"));
    account.write("a", bodies.revoke("c"));
    equal(rootOf(account), "first");
    sameInEveryOrder(account, 4);
  });

  it("P15: beats a thief of the phrase, who revokes the voters at the same time or takes the root first", () => {
    const account = TestAccount.of("a", "b", "c");
    const proposal = account.write("a", bodies.setRecovery(second));
    account.tell("a", "b");
    account.write("b", bodies.countersign(proposal));
    account.write("t", bodies.admit("t"), { after: [], root: account.phrase });
    account.write("t", bodies.revoke("a"), { root: account.phrase });
    account.write("t", bodies.revoke("b"), { root: account.phrase });
    account.write("t", bodies.setRecovery(third), { root: account.phrase });
    equal(rootOf(account), "second");
    equal(account.states("abct"), "a:active b:active c:active t:none");
    sameInEveryOrder(account, 5);
  });

  it("P15: takes the root back from a thief that had changed it", () => {
    const account = TestAccount.of("a", "b");
    account.write("t", bodies.admit("t"), { after: [], root: account.phrase });
    account.write("t", bodies.setRecovery(third), { root: account.phrase });
    account.tell("t", "a", "b");
    account.write("a", bodies.revoke("t"));
    account.tell("a", "b");
    const proposal = account.write("a", bodies.setRecovery(second));
    account.tell("a", "b");
    account.write("b", bodies.countersign(proposal));
    equal(rootOf(account), "second");
    equal(account.states("abt"), "a:active b:active t:revoked");
  });

  it("stays, whatever becomes of its author under the new root", () => {
    const account = TestAccount.of("a", "b", "x", "y");
    const proposal = account.write("a", bodies.setRecovery(second));
    account.tell("a", "b", "x");
    account.write("b", bodies.countersign(proposal));
    const vote = account.write("x", bodies.countersign(proposal));
    account.write("x", bodies.revoke("y"));
    account.write("y", bodies.revoke("a"));
    equal(account.states("abxy"), "a:active b:active x:active y:revoked");
    account.write("b", bodies.revoke("x"), { after: [proposal, vote], root: second });
    equal(account.states("abxy"), "a:revoked b:active x:revoked y:active");
    equal(rootOf(account), "second");
    equal(account.view().refused.get(proposal.id), undefined);
  });

  it("is weighed for the first 16 that a device proposes", () => {
    const account = TestAccount.of("a", "b");
    const proposals = Array.from({ length: 17 }, (_, at) =>
      account.write("a", bodies.setRecovery(rootKeyOf(`${at}`))),
    );
    account.tell("a", "b");
    account.write("b", bodies.countersign(proposals[16]!));
    equal(rootOf(account), "first");
    account.write("b", bodies.countersign(proposals[15]!));
    equal(rootOf(account), "unknown");
  });
});
