/** Two signed heads of one log that contradict each other, as a session meets them. docs/spec/sync.md, "Forks". */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { TreeHash } from "../../../src/core/base/ids.ts";
import { verifyFork } from "../../../src/core/log/fork.ts";
import type { Head } from "../../../src/core/log/types.ts";
import type { Output } from "../../../src/core/sync/types.ts";
import {
  ann,
  asked,
  assertFault,
  ben,
  closeReasonIn,
  frameIn,
  framesIn,
  kindsOf,
  outputIn,
  range,
  type sides,
  syncAccount,
  SyncSide,
} from "../../support/sync-side.ts";

describe("a session that meets a fork", () => {
  /** Ben signed two logs that differ from their first entry on; Ann has one of them. */
  function forked(): ReturnType<typeof sides> & { evil: SyncSide } {
    const all = asked(0, 40);
    all.side.commit(all.side.receive(all.other.extension(all.log, 0), all.other.batch(all.log, 0, 40)));
    const evil = new SyncSide(ben, ann);
    evil.write("messages", 40, 66);
    return { ...all, evil };
  }

  it("C2, L7: asks for the signed head, keeps both as evidence, tells the peer, and lets the log rest", () => {
    const { side, evil, log } = forked();
    const asking = side.receive(evil.frontierFrame());
    deepEqual(frameIn(asking, "need")?.logs, [{ log, knownLength: 0, headLength: 40, ranges: [] }]);
    const found = side.receive(evil.extension(log, 0));
    const heads = [side.frontier.get(log)!.head, evil.frontier.get(log)!.head];
    deepEqual(outputIn(found, "evidence")?.fork, { log, heads, nodes: [] });
    deepEqual(frameIn(found, "evidence")?.heads, heads);
    deepEqual(kindsOf(side.feed({ kind: "assigned", log, ranges: range(40, 50) })), ["absent"]);
    // Honest logs go on.
    const state = evil.write("state", 2);
    ok(kindsOf(side.receive(evil.batch(state.log, 0, 2))).includes("commit"));
  });

  it("C2: finds it in a batch as well", () => {
    const { side, evil, log } = forked();
    const outputs = side.receive(evil.batch(log, 0, 40));
    // All of it is here already by position: the frontier's root tells, not the entries.
    deepEqual(kindsOf(outputs), ["send ack"]);
    const holed = asked(0, 40);
    holed.side.commit(holed.side.receive(holed.other.extension(log, 0)));
    ok(outputIn(holed.side.receive(evil.batch(log, 0, 40)), "evidence") !== undefined);
  });

  it("L7: believes evidence that is signed, and nothing else", () => {
    const { side, evil, other, log } = forked();
    const heads = [other.frontier.get(log)!.head, evil.frontier.get(log)!.head] as const;
    const told = side.receive({ kind: "evidence", heads });
    deepEqual(outputIn(told, "evidence")?.fork, { log, heads, nodes: [] });
    for (const lie of [
      [heads[0], { ...heads[1], signature: new Uint8Array(64) }],
      [heads[0], heads[0]],
    ] as const) {
      const fresh = forked();
      assertFault(fresh.side, fresh.side.receive({ kind: "evidence", heads: lie }), "bad-signature");
    }
  });

  /** Ben's second history is five entries longer, and Ann asks for them. */
  function forkedLonger(): ReturnType<typeof forked> & { heads: readonly [Head, Head] } {
    const all = forked();
    all.evil.write("messages", 5);
    all.side.receive(all.evil.frontierFrame());
    all.side.feed({ kind: "assigned", log: all.log, ranges: range(40, 45) });
    const heads = [all.side.frontier.get(all.log)!.head, all.evil.frontier.get(all.log)!.head] as const;
    return { ...all, heads };
  }

  function assertFound(
    { side, log, heads }: ReturnType<typeof forkedLonger>,
    outputs: readonly Output[],
  ): void {
    const fork = outputIn(outputs, "evidence")!.fork;
    deepEqual(fork.heads, heads);
    ok(verifyFork(fork, { account: syncAccount.account, author: ben.device }));
    deepEqual(frameIn(outputs, "evidence-nodes"), { kind: "evidence-nodes", heads, nodes: fork.nodes });
    equal(closeReasonIn(outputs), undefined);
    deepEqual(kindsOf(side.feed({ kind: "assigned", log, ranges: range(45, 46) })), ["absent"]);
  }

  it("C2, L7: a batch under a longer head that does not continue the known one is evidence", () => {
    const all = forkedLonger();
    const outputs = all.side.receive(all.evil.batch(all.log, 40, 45));
    assertFound(all, outputs);
    deepEqual(outputIn(outputs, "absent")?.ranges, new Map([[all.log, range(40, 45)]]));
    ok(!outputs.some(({ kind }) => kind === "commit"), "nothing of the other history is taken in");
  });

  it("C2, L7: so is the entry where the known head ends, asked for when an extension leads nowhere", () => {
    const all = forkedLonger();
    const { side, evil, log } = all;
    const asking = side.receive(evil.extension(log, 40));
    deepEqual(outputIn(asking, "absent")?.ranges, new Map([[log, range(40, 45)]]));
    deepEqual(frameIn(asking, "need")?.logs, [
      { log, knownLength: 40, headLength: 45, ranges: range(40, 41) },
    ]);
    equal(outputIn(asking, "evidence"), undefined, "a liar can send such an extension of an honest log");
    equal(side.session.counters["unproved"], 1);
    assertFound(all, side.receive(evil.batch(log, 40, 41)));
  });

  it("L7: an extension that a peer made up of an honest log raises no alarm, and the log goes on", () => {
    const { side, other, log } = forked();
    other.write("messages", 5);
    side.receive(other.frontierFrame());
    side.feed({ kind: "assigned", log, ranges: range(40, 45) });
    const extension = other.extension(log, 40);
    const nodes = extension.nodes.map(() => new Uint8Array(32).fill(9) as TreeHash);
    const asking = side.receive({ ...extension, nodes });
    equal(frameIn(asking, "need")?.logs[0]?.knownLength, 40);
    const outputs = side.receive(other.batch(log, 40, 41));
    ok(kindsOf(outputs).includes("commit"));
    side.commit(outputs);
    equal(side.frontier.get(log)?.head.length, 45);
    equal(outputIn(outputs, "evidence"), undefined);
    deepEqual(kindsOf(side.feed({ kind: "assigned", log, ranges: range(41, 45) })), ["send need"]);
  });

  it("L7: a head that is damaged here accuses nobody", () => {
    for (const length of [40, 45]) {
      const { side, log } = forked();
      const evil = new SyncSide(ben, ann);
      evil.write("messages", length, 66);
      const state = side.frontier.get(log)!;
      const head = { ...state.head, signature: new Uint8Array(64) };
      const damaged = new SyncSide(ann, ben);
      damaged.frontier.set(log, { ...state, head, held: range(0, 30) });
      damaged.open(evil.frontierFrame());
      damaged.feed({ kind: "assigned", log, ranges: range(30, length) });
      const outputs = damaged.receive(evil.batch(log, 30, length));
      equal(outputIn(outputs, "evidence"), undefined);
      deepEqual(
        kindsOf(outputs).filter((kind) => kind.startsWith("send evidence") || kind === "commit"),
        [],
      );
      equal(closeReasonIn(outputs), undefined);
      deepEqual(outputIn(outputs, "absent")?.ranges, new Map([[log, range(30, length)]]));
    }
  });

  it("asks for that entry once in a session, and of a peer that has it", () => {
    const { side, evil, log } = forkedLonger();
    side.receive(evil.extension(log, 40));
    side.feed({ kind: "assigned", log, ranges: range(41, 45) });
    equal(frameIn(side.receive(evil.extension(log, 40)), "need"), undefined);
    const other = forked();
    other.evil.write("messages", 5);
    const holed = other.evil.frontierFrame().logs.map((line) => ({ ...line, held: range(41, 45) }));
    other.side.receive({ kind: "frontier", last: true, logs: holed });
    other.side.feed({ kind: "assigned", log, ranges: range(41, 45) });
    equal(frameIn(other.side.receive(other.evil.extension(log, 40)), "need"), undefined);
  });

  it("L7, C2: who has the longer history believes the shorter one's evidence, and nothing less", () => {
    const found = forkedLonger();
    const frame = frameIn(found.side.receive(found.evil.batch(found.log, 40, 45)), "evidence-nodes")!;
    const told = forkedLonger();
    const outputs = told.side.receive(frame);
    deepEqual(outputIn(outputs, "evidence")?.fork, {
      log: found.log,
      heads: frame.heads,
      nodes: frame.nodes,
    });
    deepEqual(framesIn(outputs), [], "the peer knows");
    const [shorter, longer] = frame.heads;
    const unsigned = { ...longer, signature: new Uint8Array(64) };
    const honest = found.other.extension(found.log, 0).head;
    found.other.write("messages", 5);
    const continued = { ...frame, heads: [honest, found.other.extension(found.log, 0).head] as const };
    for (const [lie, reason] of [
      [{ ...frame, heads: [shorter, unsigned] as const }, "bad-signature"],
      [{ ...frame, nodes: frame.nodes.toReversed() }, "bad-proof"],
      [continued, "bad-proof"],
    ] as const) {
      const fresh = forked();
      assertFault(fresh.side, fresh.side.receive(lie), reason);
    }
  });
});
