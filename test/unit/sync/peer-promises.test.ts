import { deepEqual } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { PeerPromises } from "../../../src/core/sync/peer-promises.ts";
import { NOTHING } from "../../../src/core/sync/promises.ts";
import type { RangesByLog } from "../../../src/core/sync/types.ts";

const log = "a".repeat(64) as LogId;
const places = (from: number, to: number): RangesByLog => new Map([[log, rangeOf(from, to)]]);

describe("what one peer has said to what it was asked", () => {
  it("counts a promise as the answer to the ask that it names, and to no other", () => {
    const peer = new PeerPromises();
    const [first, second] = [peer.ask(places(0, 4)), peer.ask(places(0, 4))];
    peer.watch(first);
    peer.watch(second);
    deepEqual(peer.promised(0, places(0, 4)), NOTHING);
    deepEqual(peer.promised(first, places(0, 2)), places(0, 2));
    deepEqual(peer.promised(first, places(1, 2)), NOTHING, "answered already");
    deepEqual(peer.answer(first), { openCount: 2, promised: places(0, 2) });
    deepEqual(peer.answer(second), { openCount: 4, promised: NOTHING });
    peer.refused(second, places(0, 4));
    deepEqual(peer.answer(second), { openCount: 0, promised: NOTHING });
    deepEqual(peer.answer(first), { openCount: 2, promised: NOTHING }, "what was said last counts");
  });

  it("holds back what was promised while the peer is asked for it, however long ago the ask was given up", () => {
    const peer = new PeerPromises();
    const number = peer.ask(places(0, 4));
    peer.watch(number);
    peer.promised(0, places(2, 6));
    peer.returned(places(8, 9));
    deepEqual(peer.settled.get(log), [...rangeOf(4, 6), ...rangeOf(8, 9)]);
    peer.end(number);
    deepEqual(peer.settled.get(log), [...rangeOf(4, 6), ...rangeOf(8, 9)]);
    peer.promised(number, places(0, 4));
    deepEqual(peer.settled.get(log), [...rangeOf(0, 6), ...rangeOf(8, 9)]);
    peer.taken(peer.settled);
    deepEqual(peer.settled, NOTHING);
  });

  it("forgets what was promised and is refused", () => {
    const peer = new PeerPromises();
    peer.promised(0, places(0, 4));
    peer.refused(0, places(1, 2));
    deepEqual(peer.settled.get(log), [...rangeOf(0, 1), ...rangeOf(2, 4)]);
  });

  it("N8: remembers the newest asks only of a peer that answers none", () => {
    const peer = new PeerPromises();
    for (let count = 0; count < 65; count++) peer.ask(places(count, count + 1));
    peer.promised(0, places(0, 65));
    deepEqual(peer.settled, places(0, 1));
  });
});
