import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId, TreeHash } from "../../../src/core/base/ids.ts";
import { sha256 } from "../../../src/core/crypto/hash.ts";
import { signHead } from "../../../src/core/log/head.ts";
import type { Batch } from "../../../src/core/log/types.ts";
import { CREDIT_BATCHES } from "../../../src/core/sync/serving.ts";
import type { Output } from "../../../src/core/sync/types.ts";
import type { SessionFrame } from "../../../src/core/wire/frames.ts";
import {
  ann,
  asked,
  assertFault,
  ben,
  cat,
  closeReasonIn,
  frameIn,
  framesIn,
  kindsOf,
  outputIn,
  range,
  sides,
  syncAccount,
  SyncSide,
} from "../../support/sync-side.ts";

const frameOf = (batch: Batch): SessionFrame => ({ kind: "batch", batch, size: 1_000 });

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
