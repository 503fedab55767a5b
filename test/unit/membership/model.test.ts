/** Random histories against a slow reference, in any order and in any part; and hostile ones of a size. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { resolve } from "../../../src/core/membership/resolver.ts";
import type { ControlEntry, MemberView } from "../../../src/core/membership/types.ts";
import { bodies, describeView, deviceOf, TestAccount } from "../../support/membership.ts";
import {
  anySteps,
  buildHistory,
  lies,
  linearSteps,
  purgingSteps,
  writeLies,
} from "../../support/membership-histories.ts";
import { ReferenceJudgement } from "../../support/membership-reference.ts";

function shuffle<Item>(items: readonly Item[], luck: Iterator<number>): readonly Item[] {
  const keyed = items.map((item) => ({ item, key: luck.next().value as number }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}

/** Whose past is held: all others the specification leaves out before it judges anything. */
function completeOf({ entries }: TestAccount, { refused }: MemberView): readonly ControlEntry[] {
  const left = [
    "its device is not admitted, or an incarnation before it is missing",
    "an ancestor is missing",
  ];
  return entries.filter(({ id }) => !left.includes(refused.get(id) ?? ""));
}

describe("random histories", () => {
  it("P10: come to what the words of the specification say, claim by claim", () => {
    fc.assert(
      fc.property(linearSteps, (steps) => {
        const account = buildHistory(steps);
        const view = account.view();
        const { refused, devices, revocations } = view;
        const complete = completeOf(account, view);
        const { counting } = new ReferenceJudgement(account, complete);
        const members = new Set([account.genesis.author]);
        const revoked = new Set<string>();
        for (const { id, operation } of complete) {
          if (!counting.has(id)) continue;
          if (operation.body.kind === "admit") members.add(operation.body.device);
          if (operation.body.kind === "revoke") revoked.add(operation.body.device);
          if (operation.body.kind === "revoke") equal(refused.get(id), undefined);
        }
        for (const { id, operation } of complete) {
          if (operation.body.kind === "revoke" && !counting.has(id)) ok(refused.has(id));
        }
        deepEqual(
          [...devices].map(([device, { state }]) => `${device} ${state}`),
          [...members].toSorted().map((device) => `${device} ${revoked.has(device) ? "revoked" : "active"}`),
        );
        for (const device of revoked) ok(revocations.has(device as never));
      }),
      { numRuns: 400 },
    );
  });

  it("P9, P10: let purges come to what the words of the specification say, whoever agrees to them and stops them", () => {
    const seen = { open: 0, approved: 0, void: 0, late: 0 };
    fc.assert(
      fc.property(purgingSteps, (steps) => {
        const account = buildHistory(steps);
        const view = account.view();
        const complete = completeOf(account, view);
        const reference = new ReferenceJudgement(account, complete);
        const states = new Map(view.purges.map(({ id, state }) => [id, state]));
        for (const purge of complete) {
          if (purge.operation.body.kind !== "purge") continue;
          const state = reference.carries(purge) ? reference.stateOf(purge, complete) : undefined;
          equal(states.get(purge.id), state);
          if (state === undefined) continue;
          seen[state]++;
          const isStopped = complete.some(
            ({ id, operation: { body } }) =>
              body.kind === "void" && body.operation === purge.id && !view.refused.has(id),
          );
          if (state === "approved" && isStopped) seen.late++;
        }
      }),
      { numRuns: 400 },
    );
    // It is no test of purges that all come to the same.
    for (const count of Object.values(seen)) ok(count > 20);
  });

  it("P10, L7: come to the same in every order of arrival, with repeats, and for any part that is held", () => {
    fc.assert(
      fc.property(anySteps, fc.infiniteStream(fc.nat({ max: 9_999 })), (steps, luck) => {
        const account = buildHistory(steps);
        const order = shuffle(account.entries, luck);
        deepEqual(describeView(account.view(order)), describeView(account.view()));
        const part = order.slice(0, luck.next().value! % (order.length + 1));
        const again = [...part, ...shuffle(part, luck)];
        deepEqual(describeView(account.view(again)), describeView(account.view(part)));
      }),
      { numRuns: 150 },
    );
  });

  it("P9: give a revoked device no way back by anything that it writes alone", () => {
    fc.assert(
      fc.property(anySteps, lies, (history, steps) => {
        const account = buildHistory(history);
        const names = ["a", "b", "c", "d", "e", "f", "g"];
        const before = account.view();
        const stateOf = (name: string, view = before): string | undefined =>
          view.devices.get(deviceOf(name))?.state;
        const revoked = names.find((name) => stateOf(name) === "revoked");
        if (revoked === undefined) return;
        writeLies(account, revoked, steps);
        equal(stateOf(revoked, account.view()), "revoked");
      }),
      { numRuns: 400 },
    );
  });

  it("P11, T4: seal under nothing that a revoked device knows of by its own entries or as a recipient", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const account = buildHistory(steps);
        const view = account.view();
        if (view.sealing === null) return;
        const { recipients } = view.epochs.get(view.sealing)!;
        for (const device of recipients) equal(view.devices.get(device)?.state, "active");
        for (const { device, state } of view.devices.values())
          equal(recipients.has(device), state === "active");
      }),
      { numRuns: 150 },
    );
  });

  it("name as heads and as logs only what others can ask for", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const account = buildHistory(steps);
        const { heads, logs, refused } = account.view();
        for (const entry of account.entries) {
          if (heads.includes(entry.id)) ok(logs.has(entry.log));
          if (!refused.has(entry.id)) ok(logs.has(entry.log));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("histories of a size that would hang if anything were quadratic", () => {
  const size = 20_000;

  it("L10: 20,000 entries of five devices that all know each other", () => {
    const account = TestAccount.of("a", "b", "c", "d", "e");
    const writer = account.fastWriter();
    const names = ["a", "b", "c", "d", "e"];
    for (let at = 0; at < size; at++)
      writer.write(names[at % 5]!, bodies.cloud(`wss://${at}.example`), names);
    const view = account.view();
    deepEqual([view.devices.size, view.refused.size], [5, 0]);
    equal(view.cloud?.address, `wss://${size - 1}.example`);
  });

  it("P10: 20,000 revocations of two devices by each other, each step of the ladder knowing the one before", () => {
    const account = TestAccount.of("a", "b", "c");
    account.write("b", bodies.cloud("wss://knows-them-all.example"));
    const writer = account.fastWriter();
    for (let at = 0; at < size; at++) {
      const [author, other] = at % 2 === 0 ? ["a", "b"] : ["b", "a"];
      writer.write(author, bodies.revoke(other), at % 4 < 2 ? [author] : [author, other]);
    }
    equal(account.states("c"), "c:active");
    ok(!account.states("ab").includes("active"));
  });

  it("20,000 admissions of one device after the other, each by the one before", () => {
    const account = new TestAccount();
    const writer = account.fastWriter();
    let last = "a";
    for (let at = 0; at < size / 2; at++) {
      const next = `n${at}`;
      writer.write(last, bodies.admit(next), [last]);
      writer.write(next, bodies.openLog(), [last]);
      last = next;
    }
    equal(account.view().devices.size, size / 2 + 1);
    writer.write("a", bodies.revoke("n0"), []);
    ok(account.view().devices.size <= size / 2 + 1);
  });

  it("1,000 incarnations of one device, all in use", () => {
    const account = TestAccount.of("a", "b");
    for (let incarnation = 1; incarnation < 1_000; incarnation++) {
      account.write("b", bodies.openLog(incarnation), { incarnation, after: [] });
    }
    const view = resolve({ account: account.id, entries: account.entries.toReversed() });
    equal(view.devices.get(deviceOf("b"))?.incarnations.length, 1_000);
    equal(view.refused.size, 0);
  });
});
