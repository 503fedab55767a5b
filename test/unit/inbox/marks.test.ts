/** Marks of a message: a join, whatever meets whatever. */
import { deepEqual, equal } from "node:assert/strict";
import { deliveryOf, joinMarks, mark, markOfDelivery } from "../../../src/core/inbox/marks.ts";
import { DELIVERY_STATES } from "../../../src/core/inbox/types.ts";

const all = Array.from({ length: 6 }, (_, state) =>
  Array.from({ length: 16 }, (__, low) => 16 * state + low),
);
const marks = all.flat();

describe("marks", () => {
  it("join in any order, grouping and repetition", () => {
    for (const a of marks) {
      equal(joinMarks(a, a), a);
      for (const b of marks) {
        equal(joinMarks(a, b), joinMarks(b, a));
        for (const c of marks) equal(joinMarks(joinMarks(a, b), c), joinMarks(a, joinMarks(b, c)));
      }
    }
  });

  it("keep what each of two says, and the further of two states", () => {
    equal(joinMarks(mark.edited, mark.unsent), 5);
    const states = DELIVERY_STATES.map(markOfDelivery);
    deepEqual(states, [16, 32, 48, 64, 80]);
    for (const [at, a] of states.entries()) {
      for (const [other, b] of states.entries()) {
        equal(joinMarks(a + mark.reacted, b), Math.max(a, b) + mark.reacted);
        equal(deliveryOf(joinMarks(a, b)), DELIVERY_STATES[Math.max(at, other)]);
      }
    }
  });

  it("of which nobody spoke say nothing of a delivery", () => {
    for (const low of all[0]!) equal(deliveryOf(low), null);
  });
});
