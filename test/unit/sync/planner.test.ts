import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { DeviceId, LogId } from "../../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../../src/core/base/ports.ts";
import { countOf, intersect, NO_RANGES, type Ranges, subtract, union } from "../../../src/core/log/ranges.ts";
import type { LogState } from "../../../src/core/log/types.ts";
import { CHUNK_ENTRIES, WINDOW_ENTRIES_MAX } from "../../../src/core/sync/holder.ts";
import { createPlanner, STALL_MS } from "../../../src/core/sync/planner.ts";
import { KEPT_BACK_MS } from "../../../src/core/sync/kept-back.ts";
import type { Assignment, Planner } from "../../../src/core/sync/types.ts";
import { memberViewOf } from "../../../simulations/sessions/model-account.ts";
import { ann, ben, cat, members, range, syncAccount } from "../../support/sync-side.ts";

const at = (ms: number): MonotonicMs => ms as MonotonicMs;
const { control, messages } = ann.logs;
const others = ben.logs.messages;

/** A planner, and what this device holds: both change together, as in the writer's turn. */
class Planned {
  readonly frontier = new Map<LogId, LogState>();
  readonly planner: Planner = createPlanner({
    view: { frontier: this.frontier, members: memberViewOf(syncAccount, members) },
  });
  now = 0;

  offer(peer: DeviceId, log: LogId, ranges: Ranges): readonly Assignment[] {
    return this.planner.offer(peer, { heads: [], ranges: new Map([[log, ranges]]) }, at(this.now));
  }

  hold(peer: DeviceId | null, log: LogId, ranges: Ranges): readonly Assignment[] {
    const head = { log, length: 2 ** 40, root: new Uint8Array(32) as never, signature: new Uint8Array(64) };
    const held = union(this.frontier.get(log)?.held ?? NO_RANGES, ranges);
    this.frontier.set(log, { head, peaks: [], held, prefix: { length: 0, root: head.root } });
    return this.planner.held(peer, { heads: [], ranges: new Map([[log, ranges]]) }, at(this.now));
  }

  absent(peer: DeviceId, log: LogId, ranges: Ranges): readonly Assignment[] {
    return this.planner.absent(peer, new Map([[log, ranges]]), at(this.now));
  }

  wake(ms: number): readonly Assignment[] {
    this.now += ms;
    return this.planner.woken(at(this.now));
  }
}

const wanted = (peer: DeviceId, log: LogId, ranges: Ranges): Assignment => ({
  peer,
  log,
  ranges,
  wanted: true,
});
const back = (peer: DeviceId, log: LogId, ranges: Ranges): Assignment => ({
  peer,
  log,
  ranges,
  wanted: false,
});

describe("the planner", () => {
  it("asks the peer that offers for what is not here", () => {
    const planned = new Planned();
    planned.hold(null, messages, range(0, 4));
    deepEqual(planned.offer(ben.device, messages, range(0, 9)), [wanted(ben.device, messages, range(4, 9))]);
    equal(planned.planner.missing(), 5);
    deepEqual(planned.hold(ben.device, messages, range(4, 9)), []);
    equal(planned.planner.missing(), 0);
    equal(planned.planner.wakeAt, Infinity);
  });

  it("P11: asks each position of one peer only", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    deepEqual(planned.offer(cat.device, messages, range(0, 12)), [
      wanted(cat.device, messages, range(9, 12)),
    ]);
  });

  it("asks the only peer for as much as the window holds", () => {
    const planned = new Planned();
    const length = 10 * CHUNK_ENTRIES;
    deepEqual(planned.offer(ben.device, messages, range(0, length)), [
      wanted(ben.device, messages, range(length - WINDOW_ENTRIES_MAX, length)),
    ]);
  });

  it("shares a long log between two that have it, newest entries first", () => {
    const planned = new Planned();
    const length = 10 * CHUNK_ENTRIES;
    planned.offer(cat.device, others, range(0, 1));
    deepEqual(planned.offer(ben.device, messages, range(0, length)), [
      wanted(ben.device, messages, range(length - CHUNK_ENTRIES, length)),
    ]);
    deepEqual(planned.offer(cat.device, messages, range(0, length)), [
      // Cut at a multiple of 256, since one entry is asked for already.
      wanted(cat.device, messages, range(length - 2 * CHUNK_ENTRIES + 256, length - CHUNK_ENTRIES)),
    ]);
  });

  it("asks for more the better a peer delivers, and never for more than its window", () => {
    const planned = new Planned();
    const length = 100 * CHUNK_ENTRIES;
    planned.offer(cat.device, others, range(0, 1));
    let assigned = planned.offer(ben.device, messages, range(0, length));
    let inFlight: Ranges = NO_RANGES;
    let most = 0;
    while (planned.planner.missing() > length / 2) {
      for (const { ranges } of assigned) inFlight = union(inFlight, ranges);
      most = Math.max(most, countOf(inFlight));
      const { to } = inFlight.at(-1)!;
      const came = intersect(inFlight, range(to - 500, to));
      inFlight = subtract(inFlight, came);
      assigned = planned.hold(ben.device, messages, came);
    }
    ok(most > 3 * CHUNK_ENTRIES && most <= WINDOW_ENTRIES_MAX);
  });

  it("wants control entries first, and lets the logs of one class take turns", () => {
    const planned = new Planned();
    const many = range(0, 3 * CHUNK_ENTRIES);
    planned.offer(cat.device, ben.logs.state, range(0, 1));
    planned.offer(ben.device, messages, many);
    planned.offer(ben.device, others, many);
    planned.offer(ben.device, control, range(0, 5));
    const order: LogId[] = [];
    let assigned = planned.hold(ben.device, messages, range(2 * CHUNK_ENTRIES, 3 * CHUNK_ENTRIES));
    while (assigned.length > 0) {
      order.push(...assigned.map(({ log }) => log));
      assigned = assigned.flatMap(({ log, ranges }) => planned.hold(ben.device, log, ranges));
    }
    equal(order[0], control);
    deepEqual([...new Set(order.slice(1, 3))].sort(), [messages, others].sort());
  });

  it("takes back what came from elsewhere meanwhile", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    deepEqual(planned.hold(cat.device, messages, range(2, 4)), [back(ben.device, messages, range(2, 4))]);
  });

  it("takes everything back from a peer that stalls, gives it to another, and lets the first one rest", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    planned.offer(cat.device, messages, range(0, 9));
    equal(planned.planner.wakeAt, STALL_MS);
    deepEqual(planned.wake(STALL_MS - 1), []);
    deepEqual(planned.wake(1), [
      back(ben.device, messages, range(0, 9)),
      wanted(cat.device, messages, range(0, 9)),
    ]);
  });

  it("asks the only peer again after its rest, and rests longer each time", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    deepEqual(planned.wake(STALL_MS), [back(ben.device, messages, range(0, 9))]);
    equal(planned.planner.wakeAt, 2 * STALL_MS);
    deepEqual(planned.wake(STALL_MS), [wanted(ben.device, messages, range(0, 9))]);
    planned.wake(STALL_MS);
    equal(planned.planner.wakeAt, 5 * STALL_MS);
  });

  it("does not call a peer stalled that delivers slowly", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    for (let n = 8; n > 0; n--) {
      deepEqual(planned.wake(STALL_MS - 1), []);
      planned.hold(ben.device, messages, range(n, n + 1));
    }
  });

  /** `ben` keeps back position 0 of the control log, and brings something else often enough not to stall. Returns what that came to. */
  const keepBack = (planned: Planned, ms: number): readonly Assignment[] => {
    const changes: Assignment[] = [];
    for (const end = planned.now + ms; planned.now < end;) {
      const { length } = planned.frontier.get(others)?.held ?? NO_RANGES;
      const next = length === 0 ? 0 : planned.frontier.get(others)!.held.at(-1)!.to;
      planned.offer(ben.device, others, range(next, next + 1));
      planned.hold(ben.device, others, range(next, next + 1));
      changes.push(...planned.wake(Math.min(STALL_MS - 1, end - planned.now)));
    }
    return changes;
  };

  it("C4: asks another for what a peer keeps back that brings other things meanwhile", () => {
    const planned = new Planned();
    planned.offer(ben.device, control, range(0, 1));
    planned.offer(cat.device, control, range(0, 1));
    deepEqual(keepBack(planned, KEPT_BACK_MS - 1), []);
    deepEqual(keepBack(planned, 1), [
      back(ben.device, control, range(0, 1)),
      wanted(cat.device, control, range(0, 1)),
    ]);
    planned.hold(cat.device, control, range(0, 1));
    deepEqual(keepBack(planned, 4 * KEPT_BACK_MS), []);
  });

  it("C4: also where the other comes only later, and from the only one that has it nothing is taken back", () => {
    const planned = new Planned();
    planned.offer(ben.device, control, range(0, 1));
    deepEqual(keepBack(planned, KEPT_BACK_MS), []);
    planned.offer(cat.device, control, range(0, 1));
    deepEqual(keepBack(planned, KEPT_BACK_MS), [
      back(ben.device, control, range(0, 1)),
      wanted(cat.device, control, range(0, 1)),
    ]);
  });

  it("counts the time anew for what is asked of a peer again after it stalled", () => {
    const planned = new Planned();
    planned.offer(ben.device, control, range(0, 1));
    planned.wake(STALL_MS);
    deepEqual(planned.wake(STALL_MS), [wanted(ben.device, control, range(0, 1))]);
    planned.offer(cat.device, control, range(0, 1));
    deepEqual(keepBack(planned, KEPT_BACK_MS - 1), []);
  });

  it("asks another for what a peer cannot serve, and the same again only after a minute", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    planned.offer(cat.device, messages, range(0, 5));
    deepEqual(planned.absent(ben.device, messages, range(0, 9)), [wanted(cat.device, messages, range(0, 5))]);
    deepEqual(planned.absent(cat.device, messages, range(0, 5)), []);
    deepEqual(planned.offer(ben.device, messages, range(0, 9)), []);
    equal(planned.planner.wakeAt, 60_000);
    const again = planned.wake(60_000);
    equal(countOf(again.reduce<Ranges>((sum, { ranges }) => union(sum, ranges), NO_RANGES)), 9);
  });

  it("gives to the others what one who left had been asked for, and forgets what only it had", () => {
    const planned = new Planned();
    planned.offer(ben.device, messages, range(0, 9));
    planned.offer(cat.device, messages, range(0, 5));
    deepEqual(planned.planner.gone(ben.device, at(0)), [wanted(cat.device, messages, range(0, 5))]);
    equal(planned.planner.missing(), 5);
  });

  it("asks for nothing of logs that nobody here knows", () => {
    const planned = new Planned();
    deepEqual(planned.offer(ben.device, "77".repeat(32) as LogId, range(0, 9)), []);
    equal(planned.planner.missing(), 0);
  });

  it("P11: never has a position with two peers, loses none, and comes to an end, whatever happens", () => {
    const peers = [ben.device, cat.device];
    const event = fc.record({
      kind: fc.constantFrom("offer", "deliver", "elsewhere", "absent", "gone", "wake"),
      peer: fc.constantFrom(...peers),
      log: fc.constantFrom(control, messages, others),
      from: fc.nat(9_000),
      size: fc.integer({ min: 1, max: 5_000 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const planned = new Planned();
        const inFlight = new Map<string, Ranges>();
        const take = (assignments: readonly Assignment[]): void => {
          for (const { peer, log, ranges, wanted: isWanted } of assignments) {
            const key = `${peer} ${log}`;
            const before = inFlight.get(key) ?? NO_RANGES;
            if (isWanted) {
              for (const other of peers) {
                equal(intersect(inFlight.get(`${other} ${log}`) ?? NO_RANGES, ranges).length, 0);
              }
              equal(intersect(planned.frontier.get(log)?.held ?? NO_RANGES, ranges).length, 0);
            }
            inFlight.set(key, isWanted ? union(before, ranges) : subtract(before, ranges));
          }
        };
        const deliver = (peer: DeviceId, log: LogId, ranges: Ranges): void => {
          const key = `${peer} ${log}`;
          inFlight.set(key, subtract(inFlight.get(key) ?? NO_RANGES, ranges));
          if (ranges.length > 0) take(planned.hold(peer, log, ranges));
        };
        for (const { kind, peer, log, from, size } of events) {
          const ranges = range(from, from + size);
          const asked = intersect(inFlight.get(`${peer} ${log}`) ?? NO_RANGES, ranges);
          if (kind === "offer") take(planned.offer(peer, log, ranges));
          else if (kind === "deliver") deliver(peer, log, asked);
          else if (kind === "elsewhere") take(planned.hold(null, log, ranges));
          else if (kind === "absent") {
            inFlight.set(`${peer} ${log}`, subtract(inFlight.get(`${peer} ${log}`) ?? NO_RANGES, asked));
            take(planned.absent(peer, log, asked));
          } else if (kind === "gone") {
            for (const key of inFlight.keys()) if (key.startsWith(peer)) inFlight.delete(key);
            take(planned.planner.gone(peer, at(planned.now)));
          } else take(planned.wake(size * 4));
        }
        // From here on every peer delivers whatever it is asked for; time passes where nobody is asked.
        for (let step = 0; planned.planner.missing() > 0; step++) {
          ok(step < 1_000, "it comes to an end");
          const busy = [...inFlight].find(([, ranges]) => ranges.length > 0);
          if (busy === undefined) take(planned.wake(Math.max(0, planned.planner.wakeAt - planned.now)));
          else deliver(busy[0].split(" ")[0] as DeviceId, busy[0].split(" ")[1] as LogId, busy[1]);
        }
        ok([...inFlight.values()].every((ranges) => ranges.length === 0));
      }),
      { numRuns: 300 },
    );
  });
});
