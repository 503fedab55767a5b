import { deepEqual, equal } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import type { Ranges } from "../../../src/core/log/ranges.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";
import type { KeepWord, SessionFrame } from "../../../src/core/wire/frames.ts";
import { memberViewOf } from "../../../simulations/sessions/model-account.ts";
import {
  ann,
  assertFault,
  ben,
  cat,
  closeReasonIn,
  frameIn,
  framesIn,
  kindsOf,
  members,
  outputIn,
  range,
  sides,
  syncAccount,
  SyncSide,
} from "../../support/sync-side.ts";

const keep = (word: KeepWord, log: LogId, ranges: Ranges): SessionFrame => ({
  kind: "keep",
  word,
  logs: [{ log, ranges }],
});
const places = (log: LogId, ranges: Ranges): RangesByLog => new Map([[log, ranges]]);

describe("what a session says and hears about keeping", () => {
  it("hands each word over, and sends what it is told to say", () => {
    const { side, log } = sides();
    for (const word of ["ask", "promise", "refuse", "release"] as const) {
      deepEqual(outputIn(side.receive(keep(word, log, range(3, 9))), "keep"), {
        kind: "keep",
        word,
        ranges: places(log, range(3, 9)),
      });
      deepEqual(framesIn(side.feed({ kind: "keep", word, ranges: places(log, range(1, 2)) })), [
        keep(word, log, range(1, 2)),
      ]);
    }
  });

  it("answers an ask with what was promised and what was not, and says nothing of what is empty", () => {
    const { side, log } = sides();
    side.receive(keep("ask", log, range(0, 9)));
    const answer = {
      kind: "answered",
      promised: places(log, range(0, 4)),
      refused: places(log, range(4, 9)),
    } as const;
    deepEqual(framesIn(side.feed(answer)), [
      keep("promise", log, range(0, 4)),
      keep("refuse", log, range(4, 9)),
    ]);
    side.receive(keep("ask", log, range(0, 4)));
    deepEqual(framesIn(side.feed({ ...answer, refused: new Map() })), [keep("promise", log, range(0, 4))]);
  });

  it("refuses at once what is asked about logs that hold no messages, or of nobody", () => {
    const { side, other, log } = sides();
    const { log: state } = other.write("state", 3);
    const unknown = "f".repeat(64) as LogId;
    const outputs = side.receive({
      kind: "keep",
      word: "ask",
      logs: [
        { log: state, ranges: range(0, 3) },
        { log, ranges: range(0, 2) },
        { log: unknown, ranges: range(0, 1) },
      ],
    });
    deepEqual(outputIn(outputs, "keep")?.ranges, places(log, range(0, 2)));
    deepEqual(frameIn(outputs, "keep"), {
      kind: "keep",
      word: "refuse",
      logs: [
        { log: state, ranges: range(0, 3) },
        { log: unknown, ranges: range(0, 1) },
      ],
    });
    deepEqual(kindsOf(side.receive(keep("promise", state, range(0, 3)))), []);
  });

  it("hears nothing about keeping from who is no active member", () => {
    const { log } = sides();
    const side = new SyncSide(ann, ben, { members: memberViewOf(syncAccount, [ann, cat]) });
    side.open();
    for (const word of ["ask", "promise", "release"] as const)
      deepEqual(side.receive(keep(word, log, range(0, 3))), []);
    deepEqual(side.feed({ kind: "keep", word: "promise", ranges: places(log, range(0, 3)) }), []);
    side.members = memberViewOf(syncAccount, members);
    side.feed({ kind: "members" });
    equal(outputIn(side.receive(keep("ask", log, range(0, 3))), "keep")?.word, "ask");
  });

  it("closes a peer that has more asks waiting than any device needs", () => {
    const { side, log } = sides();
    for (let count = 0; count < 64; count++)
      equal(closeReasonIn(side.receive(keep("ask", log, range(0, 3)))), undefined);
    assertFault(side, side.receive(keep("ask", log, range(0, 3))), "limit");

    const patient = sides();
    const answered = {
      kind: "answered",
      promised: new Map(),
      refused: places(patient.log, range(0, 3)),
    } as const;
    for (let count = 0; count < 500; count++) {
      patient.side.receive(keep("ask", patient.log, range(0, 3)));
      patient.side.feed(answered);
    }
    equal(closeReasonIn(patient.side.receive(keep("ask", patient.log, range(0, 3)))), undefined);
  });
});

describe("a session of a device that evicted payloads", () => {
  it("says of them that they are absent, and serves the others", () => {
    const side = new SyncSide(ann, ben);
    const { log } = side.write("messages", 40);
    side.evicted = places(log, range(5, 30));
    side.open();
    const outputs = side.receive({
      kind: "need",
      logs: [{ log, knownLength: 0, headLength: 40, ranges: range(0, 40) }],
    });
    deepEqual(frameIn(outputs, "absent")?.logs, [{ log, ranges: range(5, 30) }]);
    deepEqual(outputIn(outputs, "serve")?.ranges, [
      { from: 0, to: 5 },
      { from: 30, to: 40 },
    ]);
  });

  it("asks for them again, and takes in what comes, though it is taken in already", () => {
    const { side, other, log } = sides();
    side.feed({ kind: "assigned", log, ranges: range(0, 40) });
    side.commit(side.receive(other.extension(log, 0), other.batch(log, 0, 40)));
    deepEqual(kindsOf(side.feed({ kind: "fetch", log, ranges: range(4, 8) })), [], "nothing is wanted back");
    side.evicted = places(log, range(0, 20));
    side.wantedBack = places(log, range(4, 8));
    const asked = side.feed({ kind: "fetch", log, ranges: range(4, 8) });
    deepEqual(frameIn(asked, "need")?.logs, [{ log, knownLength: 40, headLength: 40, ranges: range(4, 8) }]);
    const brought = side.receive(other.batch(log, 4, 8));
    equal(outputIn(brought, "commit")?.batch.from, 4);
    side.wantedBack = new Map();
    deepEqual(frameIn(side.commit(brought), "ack")?.logs, [{ log, ranges: range(4, 8) }]);
  });

  it("hears that the peer has none of them, and asks others", () => {
    const { side, other, log } = sides();
    side.feed({ kind: "assigned", log, ranges: range(0, 40) });
    side.commit(side.receive(other.extension(log, 0), other.batch(log, 0, 40)));
    side.evicted = places(log, range(0, 20));
    side.wantedBack = places(log, range(4, 8));
    side.feed({ kind: "fetch", log, ranges: range(4, 8) });
    const outputs = side.receive({ kind: "absent", logs: [{ log, ranges: range(4, 8) }] });
    deepEqual(outputIn(outputs, "absent")?.ranges, places(log, range(4, 8)));
  });
});
