import { deepEqual, equal } from "node:assert/strict";
import type { LogId, TreeHash } from "../../../src/core/base/ids.ts";
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
  SyncSide,
  verifiedFrom,
} from "../../support/sync-side.ts";

/** A session of Ann's with Ben, of whom `other` has what he holds. */
function sides(): { side: SyncSide; other: SyncSide } {
  return { side: new SyncSide(ann, ben), other: new SyncSide(ben, ann, { initiator: false }) };
}

const equalsIn = (outputs: readonly Output[]): readonly boolean[] =>
  outputs.flatMap((output) => (output.kind === "equal" ? [output.equal] : []));

describe("a session in the middle of a conversation", () => {
  it("P7: pushes what was written here at once, and knows itself equal when it is acknowledged", () => {
    const { side } = sides();
    side.open();
    const head = side.write("messages", 1);
    const outputs = side.feed({ kind: "grown", own: [head], others: [] });
    deepEqual(kindsOf(outputs), ["serve", "equal"]);
    deepEqual(equalsIn(outputs), [false]);
    const { ticket, ranges, isPush, newestFirst } = outputIn(outputs, "serve")!;
    deepEqual([ranges, isPush, newestFirst], [range(0, 1), true, false]);
    side.feed({ kind: "served", ticket, log: head.log, ranges, bytes: 100 }, { kind: "exhausted", ticket });
    const acknowledged = side.receive({ kind: "ack", dropped: false, logs: [{ log: head.log, ranges }] });
    deepEqual(equalsIn(acknowledged), [true]);
    equal(outputIn(acknowledged, "peerHas")?.acknowledged, true);
  });

  it("is equal no more once the peer has dropped something, and until it holds that again", () => {
    const { side } = sides();
    side.open();
    const head = side.write("messages", 4);
    const { ticket, ranges } = outputIn(side.feed({ kind: "grown", own: [head], others: [] }), "serve")!;
    side.feed({ kind: "served", ticket, log: head.log, ranges, bytes: 100 }, { kind: "exhausted", ticket });
    const ack = (dropped: boolean, held: typeof ranges): readonly Output[] =>
      side.receive({ kind: "ack", dropped, logs: [{ log: head.log, ranges: held }] });
    deepEqual(equalsIn(ack(false, ranges)), [true]);
    const dropped = ack(true, range(1, 3));
    deepEqual(equalsIn(dropped), [false]);
    deepEqual(outputIn(dropped, "peerDropped")?.ranges.get(head.log), range(1, 3));
    deepEqual(equalsIn(ack(false, range(1, 3))), [true]);
  });

  it("P7: takes in a push of the author's and is equal as soon as it is durable", () => {
    const { side, other } = sides();
    side.open();
    const { log } = other.write("messages", 1);
    const outputs = side.receive(other.batch(log, 0, 1));
    deepEqual(kindsOf(outputs), ["commit", "peerHas", "equal"]);
    equal(outputIn(outputs, "peerHas")?.acknowledged, false);
    const durable = side.commit(outputs);
    deepEqual(kindsOf(durable), ["send ack", "equal"]);
    deepEqual(equalsIn(durable), [true]);
  });

  it("sends what was written during a push in one push after it", () => {
    const { side } = sides();
    side.open();
    const first = outputIn(
      side.feed({ kind: "grown", own: [side.write("messages", 1)], others: [] }),
      "serve",
    )!;
    for (let n = 0; n < 3; n++) {
      equal(
        outputIn(side.feed({ kind: "grown", own: [side.write("messages", 1)], others: [] }), "serve"),
        undefined,
      );
    }
    const { log } = first.head;
    side.feed({ kind: "served", ticket: first.ticket, log, ranges: range(0, 1), bytes: 9 });
    const next = outputIn(side.feed({ kind: "exhausted", ticket: first.ticket }), "serve")!;
    deepEqual(next.ranges, range(1, 4));
  });

  it("announces what is too much to push, and lets the peer ask", () => {
    const { side } = sides();
    side.open();
    const head = side.write("messages", 513);
    equal(outputIn(side.feed({ kind: "grown", own: [head], others: [] }), "serve"), undefined);
    const frontier = frameIn(side.after(200), "frontier")!;
    deepEqual(frontier.logs, [{ log: head.log, length: 513, root: head.root, held: range(0, 513) }]);
  });

  it("announces what came from others a little later, at most five times a second, and only what is news", () => {
    const { side } = sides();
    const third = new SyncSide(cat, ann);
    side.open();
    side.now = 1_000;
    const grow = (): void => {
      const head = third.write("messages", 1);
      side.store.ingest(...verifiedFrom(third, head.log, head.length - 1, head.length));
      side.feed({ kind: "grown", own: [], others: [head] });
    };
    grow();
    equal(side.session.wakeAt, 1_100);
    grow();
    deepEqual(framesIn(side.after(99)), []);
    equal(frameIn(side.after(1), "frontier")?.logs[0]?.length, 2);
    grow();
    equal(side.session.wakeAt, 1_300);
    // The peer says by itself that it has all of it, but does not know that this device has: so it is told.
    side.receive(third.frontierFrame());
    equal(frameIn(side.after(200), "frontier")?.logs.length, 1);
    deepEqual(framesIn(side.after(400)), []);
  });

  it("announces nothing before the peer has said what it holds, since that would pass for the whole", () => {
    const side = new SyncSide(ann, ben);
    const third = new SyncSide(cat, ann);
    side.feed({ kind: "opened" });
    const head = third.write("messages", 1);
    side.store.ingest(...verifiedFrom(third, head.log, 0, 1));
    side.feed({ kind: "grown", own: [], others: [head] });
    deepEqual(framesIn(side.after(200)), []);
    const held = { kind: "held", digest: new Uint8Array(32), complete: true } as const;
    equal(frameIn(side.receive(held), "frontier")?.logs.length, 1);
  });

  it("calls a peer suspect when a push is not acknowledged for three seconds, and once only", () => {
    const { side } = sides();
    side.open();
    const head = side.write("messages", 1);
    const { ticket } = outputIn(side.feed({ kind: "grown", own: [head], others: [] }), "serve")!;
    side.feed({ kind: "served", ticket, log: head.log, ranges: range(0, 1), bytes: 9 });
    deepEqual(kindsOf(side.after(2_999)), []);
    deepEqual(kindsOf(side.after(1)), ["suspect"]);
    deepEqual(kindsOf(side.after(3_000)), []);
  });

  it("asks for a beat after 95 s without a frame, and gives up 10 s later", () => {
    const { side } = sides();
    side.open();
    deepEqual(kindsOf(side.after(94_999)), []);
    deepEqual(framesIn(side.after(1)), [{ kind: "beat", digest: side.digest(), answerWanted: true }]);
    deepEqual(kindsOf(side.after(9_999)), []);
    equal(closeReasonIn(side.after(1)), "silent");
    deepEqual(side.after(1), []);
  });

  it("asks for a beat after 105 s in which it had nothing to say, also of a peer that goes on asking what nobody can answer", () => {
    const { side } = sides();
    const { log } = side.write("messages", 5);
    side.open();
    // Of a history that the peer alone has: the head that it was asked for, at first, never comes.
    const need: SessionFrame = {
      kind: "need",
      logs: [{ log, knownLength: 9, headLength: 9, ranges: range(4, 5) }],
    };
    equal(frameIn(side.receive(need), "need")?.logs[0]?.knownLength, 5);
    for (const ms of [60_000, 44_999]) {
      deepEqual(kindsOf(side.after(ms)), []);
      deepEqual(kindsOf(side.receive(need)), []);
    }
    deepEqual(framesIn(side.after(1)), [{ kind: "beat", digest: side.digest(), answerWanted: true }]);
    side.receive({ kind: "beat", digest: side.digest(), answerWanted: false });
    equal(side.session.wakeAt, side.now + 95_000);
  });

  it("answers a beat, and sends its frontier where the digests differ", () => {
    const { other } = sides();
    other.open();
    const same = other.receive({ kind: "beat", digest: other.digest(), answerWanted: true });
    deepEqual(framesIn(same), [{ kind: "beat", digest: other.digest(), answerWanted: false }]);
    other.now += 90_000;
    const differs = other.receive({ kind: "beat", digest: new Uint8Array(32), answerWanted: false });
    deepEqual(kindsOf(differs), ["send frontier"]);
    equal(other.session.wakeAt, 90_000 + 125_000);
  });

  it("is not equal to a peer that spoke of an unknown log, until the digests say so", () => {
    const { side } = sides();
    const entry = {
      log: "77".repeat(32) as LogId,
      length: 3,
      root: new Uint8Array(32) as TreeHash,
      held: range(0, 3),
    };
    const opened = side.open({ kind: "frontier", last: true, logs: [entry] });
    deepEqual(equalsIn(opened), []);
    const beat = side.receive({ kind: "beat", digest: side.digest(), answerWanted: false });
    deepEqual(equalsIn(beat), [true]);
  });

  it("counts hints of later versions and goes on", () => {
    const { side } = sides();
    side.open();
    deepEqual(side.receive({ kind: "unknown", number: 70 }), []);
    equal(side.session.counters["framesSkipped"], 1);
  });

  it("ends when the peer says so, without a word back", () => {
    const { side } = sides();
    side.open();
    deepEqual(side.receive({ kind: "close", reason: "shutting-down" }), [
      { kind: "close", reason: "shutting-down", byPeer: true },
    ]);
    equal(side.session.wakeAt, Infinity);
  });
});
