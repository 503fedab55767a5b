import { deepEqual, equal, ok } from "node:assert/strict";
import type { Output } from "../../../src/core/sync/types.ts";
import { memberViewOf } from "../../../simulations/sessions/model-account.ts";
import {
  ann,
  ben,
  closeReasonIn,
  frameIn,
  framesIn,
  kindsOf,
  members,
  outputIn,
  range,
  stranger,
  syncAccount,
  SyncSide,
} from "../../support/sync-side.ts";

const withStranger = memberViewOf(syncAccount, [...members, stranger]);
const withoutBen = memberViewOf(
  syncAccount,
  members.filter((member) => member !== ben),
  [ben],
);

/** Ann's session with one whom she does not know, and who knows everyone. */
function sides(): { side: SyncSide; other: SyncSide } {
  const side = new SyncSide(ann, stranger);
  const other = new SyncSide(stranger, ann, { members: withStranger });
  side.write("control", 2);
  side.write("messages", 3);
  return { side, other };
}

const logsIn = (outputs: readonly Output[]): readonly string[] =>
  framesIn(outputs).flatMap((frame) => (frame.kind === "frontier" ? frame.logs.map(({ log }) => log) : []));

describe("a session with one who is no member here", () => {
  it("speaks of control logs only, and serves nothing else", () => {
    const { side } = sides();
    const { control, messages } = ann.logs;
    const opened = side.open();
    deepEqual(logsIn(opened), [control]);
    deepEqual(
      opened.flatMap((output) => (output.kind === "serve" ? [output.head.log] : [])),
      [control],
    );
    const outputs = side.receive({
      kind: "need",
      logs: [{ log: messages, knownLength: 0, headLength: 3, ranges: range(0, 3) }],
    });
    deepEqual(frameIn(outputs, "absent")?.logs, [{ log: messages, ranges: range(0, 3) }]);
    equal(
      outputIn(side.feed({ kind: "grown", own: [side.write("messages", 1)], others: [] }), "serve"),
      undefined,
    );
  });

  it("never says that both are equal", () => {
    const side = new SyncSide(ann, stranger);
    const own = frameIn(side.feed({ kind: "opened" }), "held")!;
    deepEqual(kindsOf(side.receive(own)), ["peerHas"]);
  });

  it("N10: ends after ten seconds", () => {
    const { side } = sides();
    side.open();
    equal(closeReasonIn(side.after(9_999)), undefined);
    equal(closeReasonIn(side.after(1)), "not-a-member");
  });

  it("N11: costs at most a mebibyte", () => {
    const { side } = sides();
    const { ticket } = outputIn(side.open(), "serve")!;
    const served = { kind: "served", ticket, log: ann.logs.control } as const;
    equal(closeReasonIn(side.feed({ ...served, ranges: range(0, 1), bytes: 1024 * 1024 })), undefined);
    equal(closeReasonIn(side.feed({ ...served, ranges: range(1, 2), bytes: 1 })), "limit");
  });

  it("goes on as a whole once the stranger turns out to be a member", () => {
    const { side, other } = sides();
    const messages = other.write("messages", 4);
    const opened = side.open(other.frontierFrame());
    equal(outputIn(opened, "peerHas"), undefined);
    // Entries of a log that is not known yet are disclaimed, not held against the peer.
    const early = side.receive(other.batch(messages.log, 0, 4));
    deepEqual(kindsOf(early), ["send ack"]);
    side.members = withStranger;
    const outputs = side.feed({ kind: "members" });
    deepEqual(logsIn(outputs), [ann.logs.control, ann.logs.messages]);
    deepEqual(outputIn(outputs, "peerHas")?.delta.ranges, new Map([[messages.log, range(0, 4)]]));
    ok(kindsOf(side.receive(other.batch(messages.log, 0, 4))).includes("commit"));
    equal(closeReasonIn(side.after(20_000)), undefined);
  });

  it("N9: remembers what a stranger says of unknown logs within bounds", () => {
    const { side } = sides();
    side.open();
    const root = new Uint8Array(32) as never;
    for (let frame = 0; frame < 4; frame++) {
      const logs = Array.from({ length: 2_048 }, (_, n) => ({
        log: (frame * 2_048 + n).toString(16).padStart(64, "0") as never,
        length: 10,
        root,
        held: range(0, 10),
      }));
      equal(closeReasonIn(side.receive({ kind: "frontier", last: true, logs })), undefined);
    }
  });
});

describe("a session with a revoked device", () => {
  it("P9: gives it the control entries that it misses, then ends", () => {
    const side = new SyncSide(ann, ben, { members: withoutBen });
    side.write("control", 2);
    side.write("messages", 3);
    const opened = side.open();
    deepEqual(logsIn(opened), [ann.logs.control]);
    const push = outputIn(opened, "serve")!;
    equal(push.head.log, ann.logs.control);
    const { ticket } = push;
    const bytes = 500;
    side.feed(
      { kind: "served", ticket, log: ann.logs.control, ranges: range(0, 2), bytes },
      { kind: "exhausted", ticket },
    );
    const acknowledged = side.receive({
      kind: "ack",
      dropped: false,
      logs: [{ log: ann.logs.control, ranges: range(0, 2) }],
    });
    equal(closeReasonIn(acknowledged), "revoked");
  });

  it("P9: ends after ten seconds where it does not take them", () => {
    const side = new SyncSide(ann, ben, { members: withoutBen });
    side.write("control", 2);
    side.open();
    equal(closeReasonIn(side.after(10_000)), "revoked");
  });

  it("P9: stops at once what it was being sent when it is revoked", () => {
    const side = new SyncSide(ann, ben);
    const head = side.write("messages", 600);
    side.open();
    const need = { log: head.log, knownLength: 0, headLength: 600, ranges: range(0, 600) };
    const { ticket } = outputIn(side.receive({ kind: "need", logs: [need] }), "serve")!;
    side.members = withoutBen;
    side.write("control", 1);
    const outputs = side.feed({ kind: "members" });
    deepEqual(outputIn(outputs, "stop"), { kind: "stop", ticket });
    deepEqual(kindsOf(side.feed({ kind: "exhausted", ticket })), ["send absent"]);
    ok(frameIn(side.receive({ kind: "need", logs: [need] }), "absent") !== undefined);
  });

  it("P9: takes nothing but control entries from it", () => {
    const side = new SyncSide(ann, ben, { members: withoutBen });
    const other = new SyncSide(ben, ann);
    side.write("control", 1);
    side.open();
    const { log } = other.write("messages", 2);
    deepEqual(kindsOf(side.receive(other.batch(log, 0, 2))), ["send ack"]);
    equal(side.frontier.get(log), undefined);
  });
});
