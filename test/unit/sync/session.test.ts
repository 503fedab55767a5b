import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import type { Ranges } from "../../../src/core/log/ranges.ts";
import { CREDIT_BATCHES, UNDER_WAY_MS } from "../../../src/core/sync/serving.ts";
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

const assign = (log: LogId, ranges: Ranges) => ({ kind: "assigned", log, ranges }) as const;

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
    deepEqual(kindsOf(side.receive(own)), ["serve", "peerHas"]);
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

  it("asks for a position once, however often it is assigned, and again once it was taken back and given again", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    deepEqual(framesIn(side.feed(assign(log, range(0, 10)))), []);
    side.feed({ kind: "unassigned", log, ranges: range(0, 10) });
    equal(frameIn(side.feed(assign(log, range(0, 10))), "need")?.logs.length, 1);
  });

  it("hands over once what comes twice before it is durable", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)));
    const outputs = side.receive(other.extension(log, 0), other.batch(log, 0, 10), other.batch(log, 2, 9));
    deepEqual(kindsOf(outputs), ["adopt", "commit"]);
    deepEqual(frameIn(side.commit(outputs), "ack")?.logs, [{ log, ranges: range(0, 10) }]);
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

  it("asks again at once when another session's entries became durable, and not for what is here by then", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 10);
    const state = other.write("state", 4);
    side.open(other.frontierFrame());
    side.feed(assign(log, range(0, 10)), assign(state.log, range(0, 4)));
    const outputs = side.receive(other.batch(log, 0, 10), other.batch(state.log, 0, 4));
    for (const output of outputs) {
      if (output.kind === "commit") side.feed({ kind: "failed", ticket: output.ticket, code: "DISK_FULL" });
    }
    side.store.ingest(...verifiedFrom(other, log, 0, 6));
    const asked = side.feed({ kind: "grown", own: [], others: [side.frontier.get(log)!.head] });
    deepEqual(
      frameIn(asked, "need")?.logs.map(({ log: of, ranges }) => [of, ranges]),
      [
        [log, range(6, 10)],
        [state.log, range(0, 4)],
      ],
    );
  });

  it("does not hold against the peer what a full disk made unplaceable, however often", () => {
    const { side, other } = sides();
    const { log } = other.write("messages", 3);
    side.open(other.frontierFrame());
    side.commit(side.receive(other.batch(log, 0, 3)));
    other.write("messages", 7);
    side.receive(other.frontierFrame());
    side.feed(assign(log, range(5, 10)));
    for (let round = 0; round < 3; round++) {
      // The proof comes, the disk refuses the head, and so the entries behind it have no head to lie under.
      const { ticket } = outputIn(side.receive(other.extension(log, 3)), "adopt")!;
      side.feed({ kind: "failed", ticket, code: "DISK_FULL" });
      deepEqual(kindsOf(side.receive(other.batch(log, 5, 10))), ["send ack"]);
      deepEqual(frameIn(side.after(5_000 * 2 ** round), "need")?.logs[0]?.ranges, range(5, 10));
    }
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

  it("N8: adds up the bytes under way, and takes off what is acknowledged", () => {
    const { side } = sides();
    const head = side.write("messages", 600);
    side.open();
    const { ticket } = outputIn(side.receive(need(head.log, 600, 600, range(0, 600))), "serve")!;
    for (let n = 0; n < 4; n++) {
      ok(side.session.mayServe);
      side.feed({ kind: "served", ticket, log: head.log, ranges: range(n, n + 1), bytes: 1024 * 1024 });
    }
    ok(!side.session.mayServe);
    side.receive({ kind: "ack", dropped: false, logs: [{ log: head.log, ranges: range(2, 3) }] });
    ok(side.session.mayServe);
  });
});
