/** Entries whose head the writer could not place: a proof is asked for at once, and never in a circle. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { placed } from "../../../src/core/log/tree.ts";
import type { Output, Ticket } from "../../../src/core/sync/types.ts";
import type { SessionFrame } from "../../../src/core/wire/frames.ts";
import {
  asked,
  frameIn,
  framesIn,
  outputIn,
  range,
  type SyncSide,
  verifiedFrom,
} from "../../support/sync-side.ts";

describe("a session whose writer wants a proof", () => {
  let side: SyncSide;
  let other: SyncSide;
  let log: LogId;
  beforeEach(() => ({ side, other, log } = asked(0, 40)));

  const taken = (outputs: readonly Output[]): Ticket => outputIn(outputs, "commit")!.ticket;
  const refused = (ticket: Ticket): readonly Output[] =>
    side.feed({ kind: "failed", ticket, code: "HEAD_UNPROVEN" });
  const askedFor = (outputs: readonly Output[]): unknown => frameIn(outputs, "need")?.logs[0]?.ranges;

  it("asks for the same at once, and after a second refusal when it has paused", () => {
    const batch = other.batch(log, 0, 40);
    deepEqual(askedFor(refused(taken(side.receive(batch)))), range(0, 40));
    let pauseMs = 5_000;
    for (let round = 0; round < 3; round++, pauseMs *= 2) {
      deepEqual(framesIn(refused(taken(side.receive(batch)))), [
        { kind: "ack", dropped: true, logs: [{ log, ranges: range(0, 40) }] },
      ]);
      equal(askedFor(side.after(pauseMs - 1)), undefined);
      deepEqual(askedFor(side.after(1)), range(0, 40));
    }
  });

  it("pauses for no batches that were under way together", () => {
    const tickets = [
      taken(side.receive(other.batch(log, 0, 20))),
      taken(side.receive(other.batch(log, 20, 40))),
    ];
    deepEqual(askedFor(refused(tickets[0]!)), range(0, 20));
    deepEqual(askedFor(refused(tickets[1]!)), range(20, 40));
  });

  it("asks at once again where the head has grown since, and where another log is refused", () => {
    const batch = other.batch(log, 0, 40);
    refused(taken(side.receive(batch)));
    const later = taken(side.receive(batch));
    side.store.ingest(...verifiedFrom(other, log, 0, 10));
    deepEqual(askedFor(refused(later)), range(10, 40));

    const state = other.write("state", 3);
    side.receive(other.frontierFrame());
    side.feed({ kind: "assigned", log: state.log, ranges: range(0, 3) });
    deepEqual(askedFor(refused(taken(side.receive(other.batch(state.log, 0, 3))))), range(0, 3));
  });

  it("takes nothing more in under a head that the writer could not place, also where a longer one has come since", () => {
    const under40: SessionFrame = other.batch(log, 0, 40);
    const ticket = taken(side.receive(under40));
    other.write("messages", 8);
    // By another session. The length of the first head lies inside a node of this one, which therefore does not show the first to be its beginning.
    const { head, peaks } = other.frontier.get(log)!;
    side.store.adopt({ from: 0, head, peaks, nodes: placed({ from: 0, to: head.length, hashes: peaks }) });
    deepEqual(askedFor(refused(ticket)), range(0, 40));
    equal(outputIn(side.receive(under40), "commit"), undefined);
    ok(
      outputIn(side.receive(other.batch(log, 0, 40)), "commit") !== undefined,
      "under the longer head it can be placed",
    );
  });
});
