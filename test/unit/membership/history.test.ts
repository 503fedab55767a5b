/** Which control entries are complete, which wait, and what a fork ends. docs/spec/membership.md, "History". */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { ControlId, LogId } from "../../../src/core/base/ids.ts";
import { controlIdOf } from "../../../src/core/crypto/derive.ts";
import { resolve } from "../../../src/core/membership/resolver.ts";
import type { ControlEntry } from "../../../src/core/membership/types.ts";
import {
  bodies,
  describeView,
  deviceOf,
  permutations,
  rootKeyOf,
  rootOf,
  TestAccount,
} from "../../support/membership.ts";

const reasonOf = (account: TestAccount, entry: ControlEntry, entries = account.entries): string | undefined =>
  account.view(entries).refused.get(entry.id);

describe("the history of control entries", () => {
  it("begins with nothing: no devices, no logs, no heads", () => {
    const account = new TestAccount();
    const view = account.view([]);
    deepEqual([view.devices.size, view.logs.size, view.heads, view.sealing], [0, 0, [], null]);
    equal(account.view(account.entries.slice(1)).devices.size, 0);
  });

  it("takes the genesis of its own account and no other", () => {
    const account = new TestAccount();
    const other = new TestAccount("b");
    const view = account.view([...account.entries, ...other.entries]);
    deepEqual([...view.devices.keys()], [deviceOf("a")]);
    equal(view.rootSign, account.phrase.publicKey);
    const second = account.write("a", account.genesis.operation.body);
    equal(reasonOf(account, second), "it does not begin this account");
  });

  it("takes no genesis that came after something, or that the phrase signed", () => {
    const { operation } = new TestAccount().genesis;
    for (const options of [{ after: [new TestAccount("b").genesis] }, { root: rootKeyOf("first") }]) {
      const account = new TestAccount();
      const other = account.write("a", operation.body, { position: 0, after: [], ...options });
      ok(account.view().refused.has(other.id) && !account.view().refused.has(account.genesis.id));
      equal(account.view([other]).devices.size, 0);
    }
  });

  it("takes of two headers around one genesis the one of the smaller id, in any order", () => {
    const account = new TestAccount();
    const twins = ["00", "ff"].map((digits) => ({ ...account.genesis, id: digits.repeat(32) as ControlId }));
    for (const order of permutations([account.genesis, ...twins])) {
      const { refused, devices } = account.view(order);
      deepEqual(
        [[...refused.keys()].toSorted(), devices.size],
        [[account.genesis.id, twins[1]!.id].toSorted(), 1],
      );
    }
  });

  it("lets an entry wait for its parents, and counts it once they are here", () => {
    const account = TestAccount.of("a", "b");
    const note = account.write("b", bodies.cloud("one"));
    account.tell("b", "a");
    const admission = account.write("a", bodies.admit("c"));
    const without = account.entries.filter((entry) => entry !== note);
    equal(account.states("c", without), "c:none");
    equal(reasonOf(account, admission, without), "an ancestor is missing");
    ok(!account.view(without).heads.includes(admission.id));
    equal(account.states("c"), "c:active");
    ok(account.view().heads.includes(admission.id));
  });

  it("lets an entry wait for earlier ones of its own log", () => {
    const account = TestAccount.of("a", "b");
    const first = account.write("b", bodies.admit("c"), { after: [] });
    const second = account.write("b", bodies.admit("d"), { after: [] });
    const without = account.entries.filter((entry) => entry !== first);
    equal(reasonOf(account, second, without), "an ancestor is missing");
    equal(account.states("cd", without), "c:none d:none");
    equal(account.states("cd"), "c:active d:active");
  });

  it("comes to the same with every entry twice and in every order", () => {
    const account = new TestAccount();
    account.link("a", "b");
    account.write("a", bodies.epoch("e", ["a", "b"]));
    account.write("b", bodies.revoke("a"));
    const expected = describeView(account.view());
    for (const order of permutations(account.entries)) {
      deepEqual(describeView(account.view([...order, ...order.slice(2)])), expected);
    }
  });

  it("knows for any part of the entries exactly what the complete ones among them come to", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("c"));
    account.write("b", bodies.epoch("e", ["a", "b"]));
    for (let missing = 0; missing < account.entries.length; missing++) {
      const held = account.entries.toSpliced(missing, 1);
      const view = account.view(held);
      const complete = held.filter(({ id }) => view.refused.get(id) === undefined);
      deepEqual(
        { ...(describeView(account.view(complete)) as object), refused: 0 },
        {
          ...(describeView(view) as object),
          refused: 0,
        },
      );
    }
  });

  it("leaves out the logs of strangers, so that no member is made to wait for them", () => {
    const account = TestAccount.of("a", "b");
    const stranger = account.write("x", bodies.openLog(), { after: [account.genesis] });
    const hostile = account.write("b", bodies.cloud("x"), { after: [stranger] });
    const { heads, logs } = account.view();
    equal(reasonOf(account, stranger), "its device is not admitted, or an incarnation before it is missing");
    equal(reasonOf(account, hostile), "an ancestor is missing");
    ok(!heads.includes(hostile.id) && !heads.includes(stranger.id));
    ok(!logs.has(stranger.log));
    account.write("a", bodies.admit("x"));
    equal(reasonOf(account, hostile), undefined);
  });

  it("refuses entries in another's log, with too many parents, or of a thousandth incarnation", () => {
    const account = TestAccount.of("a", "b");
    const view = (change: Partial<ControlEntry>): string | undefined => {
      const entry = { ...account.write("a", bodies.cloud("x")), ...change, id: "ff".repeat(32) as ControlId };
      return reasonOf(account, entry, [...account.entries, entry]);
    };
    equal(view({ author: deviceOf("b") }), "its log is not its author's");
    equal(view({ log: "00".repeat(32) as LogId }), "its log is not its author's");
    equal(view({ incarnation: 1000 }), "it is over a limit");
    const parents = Array.from({ length: 65 }, (_, at) => String(at).padStart(64, "0") as ControlId);
    equal(
      view({ operation: { parents, rootSignature: null, body: bodies.cloud("x") } }),
      "it is over a limit",
    );
  });

  it("L15: keeps the place of operations that it does not know, and what came before and after them", () => {
    const account = TestAccount.of("a", "b");
    const admission = account.write("a", bodies.admit("c"));
    account.tell("a", "b");
    const unknown = account.write("b", { kind: "unknown", number: 99 });
    const revocation = account.write("a", bodies.revoke("b"), { after: [unknown] });
    const later = account.write("b", bodies.admit("d"), { after: [revocation] });
    const view = account.view();
    equal(account.states("abcd"), "a:active b:revoked c:active d:none");
    ok(!view.refused.has(unknown.id) && !view.refused.has(admission.id) && view.refused.has(later.id));
  });

  it("names at most 64 heads, the deepest", () => {
    const account = new TestAccount();
    const admissions = Array.from({ length: 70 }, (_, at) => account.write("a", bodies.admit(`d${at}`)));
    const last = account.entries.at(-1)!;
    for (const [at] of admissions.entries())
      account.write(`d${at}`, bodies.openLog(), { after: at < 6 ? [] : [last] });
    const { heads } = account.view();
    equal(heads.length, 64);
    deepEqual(
      heads,
      account.entries
        .slice(-64)
        .map(({ id }) => id)
        .toSorted(),
    );
  });
});

describe("forks of control logs", () => {
  /** `b` writes twice at one position; `a` has seen the one branch, `c` the other. */
  function forked(): { account: TestAccount; left: ControlEntry; right: ControlEntry } {
    const account = TestAccount.of("a", "b", "c");
    const before = account.known("b");
    const left = account.write("b", bodies.admit("x"));
    account.tell("b", "a");
    const right = account.write("b", bodies.admit("y"), {
      position: left.position,
      after: before.filter(({ author }) => author === deviceOf("a")).slice(-1),
    });
    account.write("a", bodies.cloud("from a"));
    account.write("c", bodies.cloud("from c"), { after: [right, account.known("c").at(-1)!] });
    return { account, left, right };
  }

  it("L7: end the log at the last common position, in every order and for everyone", () => {
    const { account, left, right } = forked();
    const expected = describeView(account.view());
    equal(account.states("abcxy"), "a:active b:suspended c:active x:none y:none");
    equal(reasonOf(account, left), "it lies beyond a fork of its log");
    equal(reasonOf(account, right), "it lies beyond a fork of its log");
    deepEqual(account.view().logs.get(left.log)?.cut?.length, left.position);
    const shuffled = permutations(account.entries.slice(-4)).map((rest) => [
      ...rest,
      ...account.entries.slice(0, -4),
    ]);
    for (const order of shuffled) deepEqual(describeView(account.view(order)), expected);
  });

  it("L7: are the same with evidence and either branch as with both branches in hand", () => {
    const { account, left, right } = forked();
    const forks = [{ log: left.log, commonLength: left.position }];
    const comparable = (entries: readonly ControlEntry[]): unknown => ({
      ...(describeView(account.view(entries, forks)) as object),
      refused: null,
    });
    const expected = comparable(account.entries);
    deepEqual(comparable(account.entries.filter((entry) => entry !== left)), expected);
    deepEqual(comparable(account.entries.filter((entry) => entry !== right)), expected);
    deepEqual(comparable(account.entries.filter((entry) => entry !== left && entry !== right)), expected);
  });

  it("L7: let honest logs go on that were written after either branch", () => {
    const { account, left, right } = forked();
    const forks = [{ log: left.log, commonLength: left.position }];
    const held = account.entries.filter((entry) => entry !== left && entry !== right);
    equal(account.view(held, forks).refused.size, 0);
    account.meet("a", "c");
    account.write("c", bodies.admit("z"));
    equal(account.states("z"), "z:active");
  });

  it("L7: never take the account's beginning away", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.openLog(), { position: 0 });
    equal(account.states("ab"), "a:suspended b:none");
    const { devices, rootSign } = account.view();
    deepEqual([devices.size, rootSign], [1, account.phrase.publicKey]);
    account.write("d", bodies.admit("d"), { after: [], root: account.phrase });
    equal(account.states("ad"), "a:suspended d:active");
  });

  it("carry no causality: what was only seen on a branch was not seen", () => {
    const account = TestAccount.of("a", "b", "c");
    const admission = account.write("c", bodies.admit("x"));
    const branch = account.write("b", bodies.cloud("left"), { after: [admission] });
    const revocation = account.write("a", bodies.revoke("c"), { after: [branch] });
    equal(account.states("cx"), "c:revoked x:active");
    account.write("b", bodies.cloud("right"), { position: branch.position });
    equal(account.states("cx"), "c:revoked x:none");
    equal(reasonOf(account, revocation), undefined);
  });

  it("keep the shortest of several pieces of evidence, and the root that came with it", () => {
    const account = TestAccount.of("a", "b");
    account.write("b", bodies.cloud("x"));
    const log = account.log("b");
    const cutOf = (
      ...forks: readonly { log: LogId; commonLength: number; root?: ReturnType<typeof rootOf> }[]
    ) => account.view(account.entries, forks).logs.get(log)?.cut;
    const root = rootOf("common");
    deepEqual(cutOf({ log, commonLength: 1, root }, { log, commonLength: 2 }), { length: 1, root });
    deepEqual(cutOf({ log, commonLength: 2 }, { log, commonLength: 1, root }), { length: 1, root });
    deepEqual(cutOf({ log, commonLength: 1 }, { log, commonLength: 1, root }), { length: 1, root });
    const messages = account.log("b", "messages");
    const view = account.view(account.entries, [{ log: messages, commonLength: 7, root }]);
    deepEqual(view.logs.get(messages)?.cut, { length: 7, root });
    equal(view.devices.get(deviceOf("b"))?.state, "active");
  });

  it("are known of logs of which nothing is held", () => {
    const account = TestAccount.of("a", "b");
    const log = account.log("b", "control", 1);
    const view = account.view(account.entries, [{ log, commonLength: 0 }]);
    deepEqual(view.devices.get(deviceOf("b"))?.incarnations, [0, 1]);
    equal(view.devices.get(deviceOf("b"))?.state, "suspended");
    ok(view.logs.has(account.log("b", "control", 2)));
    const next = account.write("b", bodies.openLog(2), { incarnation: 2 });
    const afterwards = account.view(account.entries, [{ log, commonLength: 0 }]);
    deepEqual(afterwards.devices.get(deviceOf("b"))?.incarnations, [0, 1, 2]);
    ok(account.view().refused.has(next.id));
  });
});

describe("a device that the phrase admits", () => {
  it("P16: begins its log with its own admission, whatever else is here by then", () => {
    const account = TestAccount.of("a", "b");
    const own = account.write("r", bodies.admit("r"), { after: [], root: account.phrase });
    account.write("r", bodies.openLog());
    equal(account.states("abr"), "a:active b:active r:active");
    equal(account.view().devices.get(deviceOf("r"))?.admittedBy, null);
    const early = resolve({ account: account.id, entries: [own, account.genesis] });
    equal(early.devices.get(deviceOf("r"))?.state, "active");
  });

  it("P16: is admitted by a later phrase too, which only the history names", () => {
    const account = TestAccount.of("a", "b");
    const second = rootKeyOf("second");
    const change = account.write("a", bodies.setRecovery(second), { root: account.phrase });
    account.write("r", bodies.admit("r"), { after: [change], root: second });
    equal(account.states("r"), "r:active");
    equal(account.states("r", account.entries.toReversed()), "r:active");
  });

  it("C9: needs the root of this account for it", () => {
    const account = TestAccount.of("a", "b");
    const forged = account.write("r", bodies.admit("r"), { after: [], root: rootKeyOf("stolen") });
    equal(account.states("r"), "r:none");
    equal(reasonOf(account, forged), "its device is not admitted, or an incarnation before it is missing");
    const own = account.write("s", bodies.admit("s"), { root: account.phrase });
    const log = account.log("t");
    const moved = {
      ...own,
      author: deviceOf("t"),
      log,
      id: controlIdOf({ log, position: 0, leaf: rootOf("x") }),
    };
    equal(
      reasonOf(account, moved, [...account.entries, moved]),
      "its device is not admitted, or an incarnation before it is missing",
    );
  });

  it("begins with its incarnation 0", () => {
    const account = TestAccount.of("a");
    account.write("r", bodies.admit("r"), { after: [], incarnation: 1, root: account.phrase });
    ok(![...account.view().logs.values()].some(({ device }) => device === deviceOf("r")));
  });
});
