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

const numberOf = (word: KeepWord): number => (word === "release" ? 0 : 7);
const keep = (word: KeepWord, log: LogId, ranges: Ranges): SessionFrame => ({
  kind: "keep",
  word,
  number: numberOf(word),
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
        number: numberOf(word),
        ranges: places(log, range(3, 9)),
      });
      deepEqual(
        framesIn(side.feed({ kind: "keep", word, number: numberOf(word), ranges: places(log, range(1, 2)) })),
        [keep(word, log, range(1, 2))],
      );
    }
  });

  it("ends an ask with what is refused of it, and says nothing where that is nothing", () => {
    const { side, log } = sides();
    side.receive(keep("ask", log, range(0, 9)));
    const refused = places(log, range(4, 9));
    deepEqual(framesIn(side.feed({ kind: "answered", number: 7, refused })), [
      keep("refuse", log, range(4, 9)),
    ]);
    side.receive(keep("ask", log, range(0, 4)));
    deepEqual(framesIn(side.feed({ kind: "answered", number: 7, refused: new Map() })), []);
  });

  it("refuses at once what is asked about logs that hold no messages, or of nobody", () => {
    const { side, other, log } = sides();
    const { log: state } = other.write("state", 3);
    const unknown = "f".repeat(64) as LogId;
    const outputs = side.receive({
      kind: "keep",
      word: "ask",
      number: 7,
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
      number: 7,
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
    deepEqual(side.feed({ kind: "keep", word: "promise", number: 7, ranges: places(log, range(0, 3)) }), []);
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
      number: 7,
      refused: places(patient.log, range(0, 3)),
    } as const;
    for (let count = 0; count < 500; count++) {
      patient.side.receive(keep("ask", patient.log, range(0, 3)));
      patient.side.feed(answered);
    }
    equal(closeReasonIn(patient.side.receive(keep("ask", patient.log, range(0, 3)))), undefined);
  });

  it("hears all of a log that needs several lines of a frame", () => {
    const { side, log } = sides();
    deepEqual(outputIn(side.receive(scatteredAsk(log)), "keep")?.ranges.get(log)?.length, 16 * 1_024);
  });

  it("N8: closes a peer whose asks that wait name more ranges than any device needs", () => {
    const { side, log } = sides();
    for (let count = 0; count < 8; count++) equal(closeReasonIn(side.receive(scatteredAsk(log))), undefined);
    assertFault(side, side.receive(keep("ask", log, range(0, 3))), "limit");
  });
});

/** Of as many ranges as a frame holds. */
function scatteredAsk(log: LogId): SessionFrame {
  const scattered = (line: number): Ranges =>
    Array.from({ length: 1_024 }, (_, at) => ({ from: 2 * at, to: 2 * at + 1 })).map(({ from, to }) => {
      return { from: from + 2_048 * line, to: to + 2_048 * line };
    });
  const lines = [...Array(16).keys()];
  return {
    kind: "keep",
    word: "ask",
    number: 7,
    logs: lines.map((line) => ({ log, ranges: scattered(line) })),
  };
}

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
