import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId, TreeHash } from "../../../src/core/base/ids.ts";
import { sha256 } from "../../../src/core/crypto/hash.ts";
import { verifyFork } from "../../../src/core/log/fork.ts";
import { signHead } from "../../../src/core/log/head.ts";
import type { Batch, Head } from "../../../src/core/log/types.ts";
import { CREDIT_BATCHES } from "../../../src/core/sync/serving.ts";
import type { Output } from "../../../src/core/sync/types.ts";
import type { SessionFrame } from "../../../src/core/wire/frames.ts";
import {
  ann,
  ben,
  cat,
  closeReasonIn,
  frameIn,
  framesIn,
  kindsOf,
  outputIn,
  range,
  syncAccount,
  SyncSide,
} from "../../support/sync-side.ts";

function sides(): { side: SyncSide; other: SyncSide; log: LogId } {
  const side = new SyncSide(ann, ben);
  const other = new SyncSide(ben, ann);
  const { log } = other.write("messages", 40);
  side.open(other.frontierFrame());
  return { side, other, log };
}

/** The session asked Ben for these of his log. */
function asked(from: number, to: number): ReturnType<typeof sides> {
  const all = sides();
  all.side.feed({ kind: "assigned", log: all.log, ranges: range(from, to) });
  return all;
}

const frameOf = (batch: Batch): SessionFrame => ({ kind: "batch", batch, size: 1_000 });

/** A fault ends the session with a reason, is the last thing said, and leaves everything as it was. */
function assertFault(side: SyncSide, outputs: readonly Output[], reason: string): void {
  deepEqual(outputs.at(-1), { kind: "close", reason, byPeer: false });
  deepEqual(framesIn(outputs).at(-1), { kind: "close", reason });
  ok(!outputs.some((output) => output.kind === "commit" || output.kind === "adopt"));
  deepEqual(side.receive({ kind: "beat", digest: new Uint8Array(32), answerWanted: true }), []);
}

describe("a session with a peer that breaks rules", () => {
  it("C3, L4: refuses entries of others that were not asked for", () => {
    const { side } = sides();
    const third = new SyncSide(cat, ann);
    const { log } = third.write("messages", 3);
    assertFault(side, side.receive(third.batch(log, 0, 3)), "unsolicited");
  });

  it("refuses what was asked for when it comes again and again", () => {
    const side = new SyncSide(ann, ben);
    const third = new SyncSide(cat, ann);
    const { log } = third.write("messages", 10);
    side.open(third.frontierFrame());
    side.feed({ kind: "assigned", log, ranges: range(0, 10) });
    side.commit(side.receive(third.extension(log, 0), third.batch(log, 0, 10)));
    const batch = third.batch(log, 0, 10);
    let outputs: readonly Output[] = [];
    let count = 0;
    for (; closeReasonIn(outputs) === undefined && count < 1_000; count++) outputs = side.receive(batch);
    equal(closeReasonIn(outputs), "unsolicited");
    ok(count > 256 && count < 600);
  });

  it("refuses an extension that was not asked for", () => {
    const { side, other, log } = sides();
    assertFault(side, side.receive(other.extension(log, 0)), "unsolicited");
  });

  it("refuses a second opening", () => {
    const { side } = sides();
    const held: SessionFrame = { kind: "held", digest: new Uint8Array(32), complete: true };
    assertFault(side, side.receive(held), "unsolicited");
  });

  it("C5: refuses an entry in another's place, a changed payload, a changed proof", () => {
    const changes: ((batch: Batch) => Batch)[] = [
      (batch) => ({ ...batch, entries: batch.entries.toReversed() }),
      (batch) => ({
        ...batch,
        entries: batch.entries.with(2, { ...batch.entries[2]!, bytes: new Uint8Array(3) }),
      }),
      (batch) => ({ ...batch, left: batch.left.with(0, new Uint8Array(32) as TreeHash) }),
      (batch) => ({ ...batch, right: batch.right.with(0, new Uint8Array(32) as TreeHash) }),
      (batch) => ({ ...batch, from: batch.from + 1 }),
    ];
    for (const change of changes) {
      const { side, other, log } = asked(8, 20);
      side.commit(side.receive(other.extension(log, 0)));
      const batch = change(other.batch(log, 8, 16).batch);
      assertFault(side, side.receive(frameOf(batch)), "bad-proof");
    }
  });

  it("C3: takes nothing in whose payload is called erased without a purge, and asks for it elsewhere", () => {
    const { side, other, log } = asked(0, 40);
    side.commit(side.receive(other.extension(log, 0)));
    const { batch } = other.batch(log, 0, 40);
    const lying = (from: number): Batch => ({
      ...batch,
      entries: batch.entries.map((entry, at) =>
        at < from ? entry : { ...entry, state: "purged", bytes: sha256(entry.bytes) },
      ),
    });
    const none = side.receive(frameOf(lying(0)));
    equal(outputIn(none, "commit"), undefined);
    deepEqual(outputIn(none, "absent")?.ranges, new Map([[log, range(0, 40)]]));
    deepEqual(frameIn(none, "ack"), { kind: "ack", dropped: true, logs: [{ log, ranges: range(0, 40) }] });
    side.feed({ kind: "assigned", log, ranges: range(0, 40) });
    const some = side.receive(frameOf(lying(30)));
    deepEqual(outputIn(some, "absent")?.ranges, new Map([[log, range(30, 40)]]));
    const acknowledged = framesIn(side.commit(some)).filter(({ kind }) => kind === "ack");
    deepEqual(acknowledged, [{ kind: "ack", dropped: false, logs: [{ log, ranges: range(0, 30) }] }]);
    equal(closeReasonIn(some), undefined);
    const states = outputIn(some, "commit")?.batch.entries.map(({ state }) => state);
    deepEqual(states, [...Array<string>(30).fill("present"), ...Array<string>(10).fill("absent")]);
  });

  it("C9: refuses a head that its author did not sign, in a batch and in an extension", () => {
    const { side, other, log } = asked(0, 40);
    const extension = other.extension(log, 0);
    const forged = { ...extension.head, signature: new Uint8Array(64) };
    assertFault(side, side.receive({ ...extension, head: forged }), "bad-signature");
    const next = asked(0, 40);
    const { batch } = next.other.batch(log, 0, 40);
    const { length, root } = batch.head;
    const head = signHead(cat.key, { account: syncAccount.account, log, length, root });
    assertFault(next.side, next.side.receive(frameOf({ ...batch, head })), "bad-signature");
  });

  it("N8: closes when twice the credit is in flight, in batches", () => {
    const { side, other, log } = asked(0, 40);
    const outputs = side.receive(other.extension(log, 0));
    for (let n = 0; n < 2 * CREDIT_BATCHES; n++) {
      equal(closeReasonIn(side.receive(other.batch(log, n, n + 1))), undefined);
    }
    assertFault(side, side.receive(other.batch(log, 20, 21)), "limit");
    equal(kindsOf(outputs)[0], "adopt");
  });

  it("N8: closes when twice the credit is in flight, in bytes", () => {
    const { side, other, log } = asked(0, 40);
    side.receive(other.extension(log, 0));
    side.receive({ ...other.batch(log, 0, 1), size: 8 * 1024 * 1024 });
    assertFault(side, side.receive(other.batch(log, 1, 2)), "limit");
  });

  it("U11: closes for needs that no planner would have", () => {
    const { side } = sides();
    const head = side.write("messages", 1);
    const state = side.frontier.get(head.log)!;
    side.frontier.set(head.log, { ...state, head: { ...head, length: 200_000 }, held: range(0, 200_000) });
    const holes = (from: number) =>
      Array.from({ length: 1_024 }, (_, n) => ({ from: from + 2 * n, to: from + 2 * n + 1 }));
    const logs = Array.from({ length: 65 }, (_, n) => ({
      log: head.log,
      knownLength: 200_000,
      headLength: 200_000,
      ranges: holes(3_000 * n),
    }));
    assertFault(
      side,
      side.receive({
        kind: "need",
        logs: [...logs, ...logs.map((entry) => ({ ...entry, ranges: holes(1) }))],
      }),
      "limit",
    );
  });

  it("closes for a stream of entries of logs that nobody knows, and disclaims a few", () => {
    const { side, other, log } = sides();
    const { batch, size } = other.batch(log, 0, 40);
    const unknown = { ...batch, head: { ...batch.head, log: "77".repeat(32) as LogId } };
    for (let n = 0; n < 64; n++) {
      const outputs = side.receive({ kind: "batch", batch: unknown, size });
      equal(frameIn(outputs, "ack")?.dropped, true);
    }
    assertFault(side, side.receive({ kind: "batch", batch: unknown, size }), "unsolicited");
  });

  it("L4: a peer that announces more than it has is found out by what does not come, and loses nobody time", () => {
    const { side, other, log } = sides();
    const lie = other
      .frontierFrame()
      .logs.map((entry) => ({ ...entry, length: 9_000, held: range(0, 9_000) }));
    const told = side.receive({ kind: "frontier", last: true, logs: lie });
    deepEqual(outputIn(told, "peerHas")?.delta.ranges.get(log), range(0, 9_000));
    const need = frameIn(side.feed({ kind: "assigned", log, ranges: range(40, 9_000) }), "need")!;
    equal(need.logs[0]?.headLength, 9_000);
    // What it can prove is taken in; the rest goes back to the planner.
    equal(kindsOf(side.receive(other.extension(log, 0)))[0], "adopt");
    const outputs = side.receive({ kind: "absent", logs: [{ log, ranges: range(40, 9_000) }] });
    deepEqual(outputIn(outputs, "absent")?.ranges, new Map([[log, range(40, 9_000)]]));
  });

  it("C1: an older head than the known one changes nothing", () => {
    const { side, other, log } = asked(0, 40);
    const old = new SyncSide(ben, ann);
    old.write("messages", 12);
    side.commit(side.receive(other.extension(log, 0)));
    const outputs = side.receive(old.frontierFrame());
    deepEqual(kindsOf(outputs), ["peerHas"]);
    equal(side.frontier.get(log)?.head.length, 40);
    // Its entries are those of the known head, which their own proof shows.
    ok(kindsOf(side.receive(old.batch(log, 0, 12))).some((kind) => kind === "commit" || kind === "send ack"));
  });

  it("L4: remembers nothing of logs that nobody knows, which a peer says that it dropped", () => {
    const { side } = sides();
    const logs = Array.from({ length: 200 }, (_, n) => ({
      log: n.toString(16).padStart(64, "e") as LogId,
      ranges: range(0, 1),
    }));
    deepEqual(kindsOf(side.receive({ kind: "ack", dropped: true, logs })), []);
  });

  it("L4: takes in no more pieces of a log than a bound, and all that joins them", () => {
    const side = new SyncSide(ann, ben);
    const other = new SyncSide(ben, ann);
    const { log } = other.write("messages", 33_000);
    side.open(other.frontierFrame());
    side.feed({ kind: "assigned", log, ranges: range(32_000, 33_000) });
    side.commit(side.receive(other.extension(log, 0)));
    const state = side.frontier.get(log)!;
    const held = Array.from({ length: 16_384 }, (_, n) => ({ from: 2 * n, to: 2 * n + 1 }));
    side.frontier.set(log, { ...state, held });

    const scattered = side.receive(other.batch(log, 32_900, 32_901));
    deepEqual(frameIn(scattered, "ack"), {
      kind: "ack",
      dropped: true,
      logs: [{ log, ranges: range(32_900, 32_901) }],
    });
    deepEqual(outputIn(scattered, "absent")?.ranges.get(log), range(32_900, 32_901));
    equal(outputIn(scattered, "commit"), undefined);
    ok(outputIn(side.receive(other.batch(log, 32_001, 32_002)), "commit") !== undefined);
  });

  it("remembers no more of a peer's acknowledgements than it was sent", () => {
    const { side } = sides();
    const head = side.write("messages", 600);
    side.feed({ kind: "grown", own: [head], others: [] });
    const outputs = side.receive({
      kind: "ack",
      dropped: false,
      logs: [{ log: head.log, ranges: range(0, 600) }],
    });
    deepEqual(kindsOf(outputs), []);
  });
});

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
