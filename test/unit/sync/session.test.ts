import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import type { Ranges } from "../../../src/core/log/ranges.ts";
import { CREDIT_BATCHES, UNDER_WAY_MS } from "../../../src/core/sync/serving.ts";
import type { Output } from "../../../src/core/sync/types.ts";
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
} from "../../support/sync-side.ts";

/** A session of Ann's with Ben, of whom `other` has what he holds. */
function sides(): { side: SyncSide; other: SyncSide } {
  return { side: new SyncSide(ann, ben), other: new SyncSide(ben, ann, { initiator: false }) };
}

const assign = (log: LogId, ranges: Ranges) => ({ kind: "assigned", log, ranges }) as const;
const equalsIn = (outputs: readonly Output[]): readonly boolean[] =>
  outputs.flatMap((output) => (output.kind === "equal" ? [output.equal] : []));

describe("a session that opens", () => {
  it("says what is held, and nothing more to a peer that holds the same", () => {
    const { side, other } = sides();
    const head = side.write("messages", 5);
    other.store.ingest(...verifiedFrom(side, head.log, 0, 5));
    const held = frameIn(other.feed({ kind: "opened" }), "held")!;
    deepEqual(kindsOf(side.feed({ kind: "opened" })), ["send held"]);
    deepEqual(kindsOf(side.receive(held)), ["peerHas", "equal"]);
  });

  it("sends its frontier where the digests differ, or one of the two misses something", () => {
    const { side } = sides();
    side.write("messages", 5);
    deepEqual(kindsOf(side.open()).slice(0, 2), ["send held", "send frontier"]);
    const incomplete = new SyncSide(ann, ben);
    const own = frameIn(incomplete.feed({ kind: "opened" }), "held")!;
    ok(kindsOf(incomplete.receive({ ...own, complete: false })).includes("send frontier"));
  });

  it("compares with what it sent, so that both sides come to the same answer", () => {
    const { side } = sides();
    const own = frameIn(side.feed({ kind: "opened" }), "held")!;
    const head = side.write("messages", 3);
    side.feed({ kind: "grown", own: [head], others: [] });
    // Equal to what was sent: no frontier; what grew since is pushed.
    deepEqual(kindsOf(side.receive(own)), ["peerHas", "serve"]);
  });

  it("cuts a long frontier into frames, the last of which says so", () => {
    const { side } = sides();
    for (let n = 0; n < 2_050; n++) {
      const log = n.toString(16).padStart(64, "0") as LogId;
      const head = { log, length: 1, root: new Uint8Array(32) as never, signature: new Uint8Array(64) };
      side.frontier.set(log, { head, peaks: [], held: [], prefix: { length: 0, root: head.root } });
      const owner = { log, device: cat.device, incarnation: 0, logClass: "messages", cut: null } as const;
      (side.members.logs as Map<LogId, typeof owner>).set(log, owner);
    }
    const frames = framesIn(side.open()).filter((frame) => frame.kind === "frontier");
    deepEqual(
      frames.map(({ logs, last }) => [logs.length, last]),
      [
        [2_048, false],
        [2, true],
      ],
    );
  });
});

describe("a session that asks", () => {
  it("names the assigned ranges of many logs in one frame, with the length known here", () => {
    const { side, other } = sides();
    const one = other.write("messages", 10);
    const two = other.write("state", 4);
    side.open(other.frontierFrame());
    const outputs = side.feed(assign(one.log, range(2, 10)), assign(two.log, range(0, 4)));
    deepEqual(kindsOf(outputs), ["send need"]);
    deepEqual(frameIn(outputs, "need")!.logs, [
      { log: one.log, ranges: range(2, 10), knownLength: 0, headLength: 10 },
      { log: two.log, ranges: range(0, 4), knownLength: 0, headLength: 4 },
    ]);
  });

  it("asks for a position once, however often it is assigned", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    side.feed({ kind: "unassigned", log, ranges: range(0, 10) });
    deepEqual(framesIn(side.feed(assign(log, range(0, 10)))), []);
  });

  it("takes in what was asked for although it has been taken back since", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    side.feed({ kind: "unassigned", log, ranges: range(0, 10) });
    side.commit(side.receive(other.extension(log, 0)));
    ok(kindsOf(side.receive(other.batch(log, 0, 10))).includes("commit"));
  });

  it("adopts a proved head at once, and takes in entries under it in any order", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    const outputs = side.receive(other.extension(log, 0), other.batch(log, 5, 10), other.batch(log, 0, 5));
    deepEqual(kindsOf(outputs), ["adopt", "commit", "commit"]);
    const commits = outputs.flatMap((output) => (output.kind === "commit" ? [output.adoption] : []));
    deepEqual(commits, [null, null]);
  });

  it("acknowledges what is durable, and only then, in one frame for all", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 20);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 20)));
    const outputs = [0, 5, 10].flatMap((from) =>
      side.receive(...(from === 0 ? [other.extension(log, 0)] : []), other.batch(log, from, from + 5)),
    );
    equal(frameIn(outputs, "ack"), undefined);
    deepEqual(framesIn(side.commit(outputs)), [
      { kind: "ack", dropped: false, logs: [{ log, ranges: range(0, 15) }] },
    ]);
  });

  it("does not hand over what is here already, and acknowledges it at once", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 5);
    side.open(other.frontierFrame());
    const batch = other.batch(log, 0, 5);
    side.commit(side.receive(batch));
    deepEqual(kindsOf(side.receive(batch)), ["send ack"]);
    equal(side.session.counters["entriesKnown"], 5);
  });

  it("tells the planner what the peer cannot serve, as far as it was asked for", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 5)));
    const outputs = side.receive({ kind: "absent", logs: [{ log, ranges: range(3, 8) }] });
    deepEqual(outputIn(outputs, "absent")?.ranges, new Map([[log, range(3, 5)]]));
    deepEqual(kindsOf(side.receive({ kind: "absent", logs: [{ log, ranges: range(3, 8) }] })), []);
  });

  it("S4: stops asking when the disk is full, says what is not here, and asks again when it works", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    const more = other.write("state", 2);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    const outputs = side.receive(other.extension(log, 0), other.batch(log, 0, 10));
    const failures = outputs.flatMap((output) =>
      "ticket" in output ? [{ kind: "failed", ticket: output.ticket, code: "DISK_FULL" } as const] : [],
    );
    deepEqual(framesIn(side.feed(...failures)), [
      { kind: "ack", dropped: true, logs: [{ log, ranges: range(0, 10) }] },
    ]);
    deepEqual(framesIn(side.feed(assign(more.log, range(0, 2)))), []);
    deepEqual(framesIn(side.after(4_999)), []);
    deepEqual(
      frameIn(side.after(1), "need")?.logs.map(({ ranges, knownLength }) => [ranges, knownLength]),
      [
        [range(0, 10), 0],
        [range(0, 2), 0],
      ],
    );
  });

  it("asks for entries under a head that it cannot place once more, then of others", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    side.commit(side.receive(other.extension(log, 0)));
    // Ben's log grows twice; the proof of the second growth does not come.
    other.write("messages", 3);
    side.receive(other.frontierFrame());
    const batch = other.batch(log, 2, 6);
    const first = side.receive(batch);
    deepEqual(frameIn(first, "ack"), { kind: "ack", dropped: true, logs: [{ log, ranges: range(2, 6) }] });
    deepEqual(frameIn(first, "need")!.logs, [{ log, ranges: range(2, 6), knownLength: 10, headLength: 13 }]);
    const second = side.receive(batch);
    deepEqual(outputIn(second, "absent")?.ranges, new Map([[log, range(2, 6)]]));
    equal(closeReasonIn([...first, ...second]), undefined);
  });
});

describe("a session that serves", () => {
  const need = (log: LogId, knownLength: number, headLength: number, ranges: Ranges) =>
    ({ kind: "need", logs: [{ log, knownLength, headLength, ranges }] }) as const;

  it("proves the longer head first, then serves messages from their newest on", () => {
    const { side } = sides();
    const head = side.write("messages", 900);
    side.open();
    const outputs = side.receive(need(head.log, 0, 900, range(0, 900)));
    deepEqual(outputs, [
      { kind: "extend", from: 0, head },
      {
        kind: "serve",
        ticket: outputs[1]!.kind === "serve" ? outputs[1].ticket : undefined,
        head,
        ranges: range(0, 900),
        newestFirst: true,
        isPush: false,
      },
    ]);
  });

  it("leaves the proof out where the first entries are one", () => {
    const { side } = sides();
    const head = side.write("messages", 600);
    side.open();
    const outputs = side.receive(need(head.log, 300, 600, range(300, 600)));
    deepEqual(kindsOf(outputs), ["serve"]);
    equal(outputIn(outputs, "serve")!.newestFirst, false);
  });

  it("says at once what it does not hold, and at the end what it could not prove", () => {
    const { side } = sides();
    const head = side.write("messages", 600);
    side.open();
    const outputs = side.receive(
      need(head.log, 600, 600, [...range(0, 10)]),
      need("ff".repeat(32) as LogId, 0, 9, range(0, 9)),
    );
    deepEqual(frameIn(outputs, "absent")?.logs, [{ log: "ff".repeat(32), ranges: range(0, 9) }]);
    const { ticket } = outputIn(outputs, "serve")!;
    side.feed({ kind: "served", ticket, log: head.log, ranges: range(0, 4), bytes: 100 });
    deepEqual(frameIn(side.feed({ kind: "exhausted", ticket }), "absent")?.logs, [
      { log: head.log, ranges: range(4, 10) },
    ]);
  });

  it("does not send twice what is under way, and does when that took too long", () => {
    const { side } = sides();
    const head = side.write("messages", 600);
    side.open();
    const { ticket } = outputIn(side.receive(need(head.log, 600, 600, range(0, 50))), "serve")!;
    deepEqual(kindsOf(side.receive(need(head.log, 600, 600, range(0, 50)))), []);
    side.feed(
      { kind: "served", ticket, log: head.log, ranges: range(0, 50), bytes: 100 },
      { kind: "exhausted", ticket },
    );
    deepEqual(kindsOf(side.receive(need(head.log, 600, 600, range(0, 50)))), []);
    side.now += UNDER_WAY_MS;
    deepEqual(kindsOf(side.receive(need(head.log, 600, 600, range(0, 50)))), ["serve"]);
  });

  it("waits for a head that the asker knows and this device does not, and asks for it", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 5);
    side.commit(side.open(other.frontierFrame()));
    side.commit(side.receive(other.batch(log, 0, 5)));
    other.write("messages", 3);
    const outputs = side.receive(need(log, 8, 8, range(0, 5)));
    deepEqual(kindsOf(outputs), ["send need"]);
    deepEqual(frameIn(outputs, "need")!.logs, [{ log, knownLength: 5, headLength: 8, ranges: [] }]);
    const adopted = side.commit(side.receive(other.extension(log, 5)));
    equal(outputIn(adopted, "serve")?.head.length, 8);
  });

  it("N8: sends no more than the credit, and goes on with each acknowledgement", () => {
    const { side } = sides();
    const head = side.write("messages", 600);
    side.open();
    const { ticket } = outputIn(side.receive(need(head.log, 600, 600, range(0, 600))), "serve")!;
    for (let n = 0; n < CREDIT_BATCHES; n++) {
      ok(side.session.mayServe);
      side.feed({ kind: "served", ticket, log: head.log, ranges: range(n, n + 1), bytes: 100 });
    }
    ok(!side.session.mayServe);
    side.receive({ kind: "ack", dropped: false, logs: [{ log: head.log, ranges: range(0, 1) }] });
    ok(side.session.mayServe);
    side.feed({ kind: "served", ticket, log: head.log, ranges: range(90, 91), bytes: 4 * 1024 * 1024 });
    ok(!side.session.mayServe);
  });
});

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

  it("P7: takes in a push of the author's and is equal as soon as it is durable", () => {
    const { side, other } = sides();
    side.open();
    const { log } = other.write("messages", 1);
    const outputs = side.receive(other.batch(log, 0, 1));
    deepEqual(kindsOf(outputs), ["peerHas", "commit", "equal"]);
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

  it("asks for a beat after 90 s without a frame, and gives up 10 s later", () => {
    const { side } = sides();
    side.open();
    deepEqual(kindsOf(side.after(89_999)), []);
    deepEqual(framesIn(side.after(1)), [{ kind: "beat", digest: side.digest(), answerWanted: true }]);
    deepEqual(kindsOf(side.after(9_999)), []);
    equal(closeReasonIn(side.after(1)), "silent");
    deepEqual(side.after(1), []);
  });

  it("answers a beat, and sends its frontier where the digests differ", () => {
    const { other } = sides();
    other.open();
    const same = other.receive({ kind: "beat", digest: other.digest(), answerWanted: true });
    deepEqual(framesIn(same), [{ kind: "beat", digest: other.digest(), answerWanted: false }]);
    other.now += 90_000;
    const differs = other.receive({ kind: "beat", digest: new Uint8Array(32), answerWanted: false });
    deepEqual(kindsOf(differs), ["send frontier"]);
    equal(other.session.wakeAt, 90_000 + 120_000);
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

/** What `commit` would be given for entries of `side`'s own log. */
function verifiedFrom(
  side: SyncSide,
  log: LogId,
  from: number,
  to: number,
): Parameters<SyncSide["store"]["ingest"]> {
  const reader = new SyncSide(side.self === ann ? ben : ann, side.self);
  const state = side.frontier.get(log)!;
  reader.open(side.frontierFrame());
  const outputs = reader.receive(side.batch(log, from, to));
  const { batch } = outputIn(outputs, "commit")!;
  return [batch, { from, head: state.head, peaks: state.peaks, nodes: [] }];
}
