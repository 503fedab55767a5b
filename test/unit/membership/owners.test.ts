/** Which logs are accepted, whose they are, and where they end. docs/spec/membership.md, "Logs and fences". */
import { deepEqual, equal, ok } from "node:assert/strict";
import { EMPTY_ROOT } from "../../../src/core/log/tree.ts";
import type { LogClass } from "../../../src/core/log/types.ts";
import type { Fence, MemberView } from "../../../src/core/membership/types.ts";
import { bodies, deviceOf, permutations, rootOf, TestAccount } from "../../support/membership.ts";

/** The logs of one device as `incarnation class`, in that order. */
function logsOf(view: MemberView, name: string): readonly string[] {
  return [...view.logs.values()]
    .filter(({ device }) => device === deviceOf(name))
    .map(({ incarnation, logClass }) => `${incarnation} ${logClass}`)
    .toSorted();
}

function fenceOf(
  account: TestAccount,
  name: string,
  logClass: LogClass,
  length: number,
  root = "root",
): Fence {
  return { log: account.log(name, logClass), length, root: rootOf(root) };
}

describe("the logs that are accepted", () => {
  it("are, of a device that has not written, the control log that it may begin", () => {
    const account = TestAccount.of("a");
    account.write("a", bodies.admit("b"));
    deepEqual(logsOf(account.view(), "b"), ["0 control"]);
  });

  it("are, once it has opened them, all three, and the control log of the next incarnation", () => {
    const account = TestAccount.of("a", "b");
    deepEqual(logsOf(account.view(), "b"), ["0 control", "0 messages", "0 state", "1 control"]);
    const view = account.view();
    for (const [log, owner] of view.logs) equal(log, owner.log);
    deepEqual([...view.logs.keys()], [...view.logs.keys()].toSorted());
    deepEqual(view.logs.get(account.log("b", "state")), {
      log: account.log("b", "state"),
      device: deviceOf("b"),
      incarnation: 0,
      logClass: "state",
      cut: null,
    });
  });

  it("are the state and messages logs of an incarnation only once it is open", () => {
    const account = TestAccount.of("a");
    account.write("a", bodies.admit("b"));
    account.tell("a", "b");
    account.write("b", bodies.cloud("wss://x.example"));
    deepEqual(logsOf(account.view(), "b"), ["0 control", "1 control"]);
    deepEqual(account.view().devices.get(deviceOf("b"))?.incarnations, []);
    account.write("b", bodies.openLog());
    deepEqual(account.view().devices.get(deviceOf("b"))?.incarnations, [0]);
  });

  it("S13: are those of each further incarnation, one after the other", () => {
    const account = TestAccount.of("a", "b");
    const continues = [fenceOf(account, "b", "messages", 3), fenceOf(account, "b", "control", 1)];
    const skipped = account.write("b", bodies.openLog(2), {
      incarnation: 2,
      after: account.entries.slice(-1),
    });
    equal(
      account.view().refused.get(skipped.id),
      "its device is not admitted, or an incarnation before it is missing",
    );
    account.write("b", bodies.openLog(1, continues), {
      incarnation: 1,
      after: account.entries.slice(-2, -1),
    });
    const view = account.view();
    equal(view.refused.size, 0);
    deepEqual(view.devices.get(deviceOf("b"))?.incarnations, [0, 1, 2]);
    equal(logsOf(view, "b").length, 10);
  });

  it("S13: wait for an incarnation before them that waits itself", () => {
    const account = TestAccount.of("a", "b");
    const missing = account.write("a", bodies.cloud("wss://missing.example"));
    const first = account.write("b", bodies.openLog(1), { incarnation: 1, after: [missing] });
    const second = account.write("b", bodies.openLog(2), { incarnation: 2, after: [account.genesis] });
    const { refused } = account.view(account.entries.filter((entry) => entry !== missing));
    deepEqual([...refused.keys()].toSorted(), [first.id, second.id].toSorted());
  });

  it("are left out where the first entry of an incarnation does not open it, or continues what is not its own", () => {
    const account = TestAccount.of("a", "b");
    const reasonOf = (incarnation: number, body: Parameters<TestAccount["write"]>[1]): string | undefined => {
      const entry = account.write("b", body, { incarnation, position: 0, after: account.entries.slice(-1) });
      const reason = account.view().refused.get(entry.id);
      account.entries.pop();
      return reason;
    };
    const wrong = "its log does not begin by opening itself";
    equal(reasonOf(1, bodies.admit("x")), wrong);
    equal(reasonOf(1, bodies.openLog(2)), wrong);
    equal(reasonOf(1, bodies.openLog(0)), wrong);
    equal(reasonOf(1, bodies.openLog(1, [fenceOf(account, "a", "messages", 1)])), wrong);
    const next = { log: account.log("b", "state", 1), length: 1, root: rootOf("x") };
    equal(reasonOf(1, bodies.openLog(1, [next])), wrong);
    equal(reasonOf(1, bodies.openLog(1, [fenceOf(account, "b", "state", 1)])), undefined);
    account.write("b", bodies.openLog(1), { incarnation: 1, after: account.entries.slice(-1) });
    equal(reasonOf(2, bodies.openLog(2, [fenceOf(account, "b", "state", 1), next])), wrong);
    equal(reasonOf(2, bodies.openLog(2, [fenceOf(account, "b", "state", 1)])), undefined);
  });

  it("are opened once, in their own log, and incarnation 0 continues nothing", () => {
    const account = TestAccount.of("a", "b");
    const refused = (body: Parameters<TestAccount["write"]>[1]): string | undefined => {
      const { id } = account.write("b", body);
      return account.view().refused.get(id);
    };
    equal(account.view().refused.size, 0);
    equal(refused(bodies.openLog()), "its log is open already");
    equal(refused(bodies.openLog(1)), "it opens another log than its own");
    equal(
      refused(bodies.openLog(0, [fenceOf(account, "b", "state", 1)])),
      "there is nothing before it to continue",
    );
  });

  it("P12: are the control logs alone of a device whose admission does not count", () => {
    const account = TestAccount.of("a", "b");
    account.link("b", "x");
    account.write("a", bodies.revoke("b"));
    deepEqual(logsOf(account.view(), "x"), ["0 control", "1 control"]);
    ok(!account.view().devices.has(deviceOf("x")));
  });
});

describe("fences", () => {
  it("P9: end the state and messages logs of a revoked device; without one they end before they begin", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.revoke("b", [fenceOf(account, "b", "messages", 7)]));
    const { logs } = account.view();
    deepEqual(logs.get(account.log("b", "messages"))?.cut, { length: 7, root: rootOf("root") });
    deepEqual(logs.get(account.log("b", "state"))?.cut, { length: 0, root: EMPTY_ROOT });
    equal(logs.get(account.log("b", "control"))?.cut, null);
    equal(logs.get(account.log("a", "messages"))?.cut, null);
  });

  it("P10: leave control logs open, so that all learn of devices that revoked each other", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.revoke("b", [fenceOf(account, "b", "control", 1)]));
    equal(account.view().logs.get(account.log("b", "control"))?.cut, null);
  });

  it("P9: are the longest of several, in every order; of one length the phrase's, then the smaller id's", () => {
    const account = TestAccount.of("a", "b", "c", "d");
    const cutOf = (): unknown => account.view().logs.get(account.log("d", "messages"))?.cut;
    const fence = (length: number, root: string): readonly Fence[] => [
      fenceOf(account, "d", "messages", length, root),
    ];
    const first = account.write("a", bodies.revoke("d", fence(5, "a")));
    const second = account.write("b", bodies.revoke("d", fence(5, "b")));
    const smaller = first.id < second.id ? "a" : "b";
    deepEqual(cutOf(), { length: 5, root: rootOf(smaller) });
    account.write("c", bodies.revoke("d", fence(5, "c")), { root: account.phrase });
    deepEqual(cutOf(), { length: 5, root: rootOf("c") });
    account.write("b", bodies.revoke("d", fence(6, "longer")));
    for (const order of permutations(account.entries.slice(-4))) {
      const { logs } = account.view([...order, ...account.entries.slice(0, -4)]);
      deepEqual(logs.get(account.log("d", "messages"))?.cut, { length: 6, root: rootOf("longer") });
    }
  });

  it("P9: of a revocation that does not count set nothing, nor do fences for logs of others", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("b"));
    account.write("b", bodies.revoke("c", [fenceOf(account, "c", "messages", 1)]));
    account.write("a", bodies.revoke("b", [fenceOf(account, "c", "messages", 1)]));
    equal(account.view().logs.get(account.log("c", "messages"))?.cut, null);
  });

  it("P9: hold for incarnations that the revocation did not know", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.revoke("b", [fenceOf(account, "b", "messages", 7)]));
    account.write("b", bodies.openLog(1), { incarnation: 1 });
    deepEqual(account.view().logs.get(account.log("b", "messages", 1))?.cut, { length: 0, root: EMPTY_ROOT });
  });

  it("P9: can be moved on by a member that accepts what came after", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("a", bodies.revoke("b", [fenceOf(account, "b", "messages", 7)]));
    account.tell("a", "c");
    account.write("c", bodies.revoke("b", [fenceOf(account, "b", "messages", 9)]));
    equal(account.view().logs.get(account.log("b", "messages"))?.cut?.length, 9);
  });

  it("L7: do not reach beyond a fork", () => {
    const account = TestAccount.of("a", "b");
    const log = account.log("b", "messages");
    account.write("a", bodies.revoke("b", [fenceOf(account, "b", "messages", 7)]));
    const cutOf = (commonLength: number): unknown =>
      account.view(account.entries, [{ log, commonLength, root: rootOf("fork") }]).logs.get(log)?.cut;
    deepEqual(cutOf(4), { length: 4, root: rootOf("fork") });
    deepEqual(cutOf(9), { length: 7, root: rootOf("root") });
  });
});
