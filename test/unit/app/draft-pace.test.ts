/** Drafts: one in ten seconds and conversation, the last of those in between, and nothing lost at the end. */
import { deepEqual, equal } from "node:assert/strict";
import { DraftPace } from "../../../src/app/node/draft-pace.ts";
import type { ConversationId } from "../../../src/core/base/ids.ts";
import { EngineError } from "../../../src/core/base/errors.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { conversationIdAt } from "../../support/operations.ts";

describe("The pace of drafts", () => {
  const [one, two] = [conversationIdAt(1), conversationIdAt(2)];
  let clock: ManualClock;
  let written: [ConversationId, string][];
  let pace: DraftPace;
  beforeEach(() => {
    clock = new ManualClock();
    written = [];
    pace = new DraftPace(clock, (conversation, text) => {
      written.push([conversation, text]);
      return Promise.resolve();
    });
  });

  it("writes the first at once, and of those that follow within ten seconds the last", async () => {
    await pace.take(one, "a");
    deepEqual(written, [[one, "a"]]);
    const settled: string[] = [];
    for (const text of ["ab", "abc"]) void pace.take(one, text).then(() => settled.push(text));
    await pace.take(two, "x");
    clock.advance(9_999);
    await settle();
    deepEqual([written.length, settled, pace.isWaiting(one)], [2, [], true]);
    clock.advance(1);
    await settle();
    deepEqual(written.slice(1), [
      [two, "x"],
      [one, "abc"],
    ]);
    deepEqual([settled, pace.isWaiting(one)], [["ab", "abc"], false]);
    void pace.take(one, "abcd");
    clock.advance(9_999);
    equal(written.length, 3);
    clock.advance(1);
    equal(written.length, 4);
  });

  it("remembers nobody who was quiet, and no timer", async () => {
    await pace.take(one, "a");
    clock.advance(10_000);
    await pace.take(one, "b");
    deepEqual([written.length, clock.pending], [2, 0]);
  });

  it("writes what waits when the node ends", async () => {
    await pace.take(one, "a");
    const last = pace.take(one, "b");
    await pace.flush();
    await last;
    deepEqual([written.at(-1), clock.pending], [[one, "b"], 0]);
    await pace.flush();
    equal(written.length, 2);
  });

  it("tells whoever waits that it failed, and goes on", async () => {
    let fails = false;
    pace = new DraftPace(clock, () =>
      fails ? Promise.reject(new EngineError("DISK_FULL", "full")) : Promise.resolve(),
    );
    await pace.take(one, "a");
    fails = true;
    const waiting = pace.take(one, "b");
    clock.advance(10_000);
    await assertRejectsWithCode(waiting, "DISK_FULL");
    fails = false;
    const next = pace.take(one, "c");
    clock.advance(10_000);
    await next;
  });
});
