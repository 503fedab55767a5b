/** How building gives way: short pieces, rests, and waiting while much comes at once. */
import { equal } from "node:assert/strict";
import { Pace } from "../../../src/app/search/pace.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

describe("The pace of building", () => {
  /** True once the breath is over. */
  const breath = (pace: Pace): { isOver: boolean } => {
    const seen = { isOver: false };
    void pace.breathe().then(() => {
      seen.isOver = true;
    });
    return seen;
  };

  it("rests after each few milliseconds of work", async () => {
    const clock = new ManualClock();
    const pace = new Pace(clock);
    const first = breath(pace);
    await settle();
    equal(first.isOver, false);
    clock.advance(2);
    await settle();
    equal(first.isOver, true);
    clock.pass(3);
    await pace.breathe();
    clock.pass(1);
    const second = breath(pace);
    await settle();
    equal(second.isOver, false);
    clock.advance(2);
    await settle();
    equal(second.isOver, true);
  });

  it("waits until much has ceased to come, and not for what people write", async () => {
    const clock = new ManualClock();
    const pace = new Pace(clock);
    pace.saw(101);
    const waiting = breath(pace);
    for (let n = 0; n < 4; n++) {
      clock.advance(52);
      await settle();
      equal(waiting.isOver, false);
    }
    pace.saw(500);
    clock.advance(240);
    await settle();
    equal(waiting.isOver, false);
    for (let n = 0; n < 3; n++) {
      clock.advance(52);
      await settle();
    }
    equal(waiting.isOver, true);
    pace.saw(100);
    const last = breath(pace);
    clock.advance(2);
    await settle();
    equal(last.isOver, true);
  });

  it("takes no rest while somebody waits for the end", async () => {
    const clock = new ManualClock();
    const pace = new Pace(clock);
    pace.saw(1_000);
    pace.hurry();
    await pace.breathe();
    equal(clock.pending, 0);
    pace.calm();
    const waiting = breath(pace);
    await settle();
    equal(waiting.isOver, false);
  });

  it("ends what is being built when the node closes", async () => {
    const clock = new ManualClock();
    const pace = new Pace(clock);
    const waiting = assertRejectsWithCode(pace.breathe(), "NODE_CLOSED");
    pace.close();
    clock.advance(2);
    await waiting;
    await assertRejectsWithCode(pace.breathe(), "NODE_CLOSED");
  });
});
