/** Events for watchers: nothing lost between the call and the first read, bounded memory, and an end. */
import { deepEqual, equal } from "node:assert/strict";
import { EventHub, type NewEvent } from "../../../src/app/node/event-hub.ts";
import type { KinlogEvent } from "../../../src/app/node/types.ts";
import { settle } from "../../support/manual-clock.ts";

const AT = "2025-06-15T00:00:00.000Z";
const hub = (): EventHub => new EventHub(() => AT);
const progress = (done: number): NewEvent => ({ event: "progress", what: "sync", done, total: null });

async function all(events: AsyncIterable<KinlogEvent>): Promise<readonly KinlogEvent[]> {
  const read: KinlogEvent[] = [];
  for await (const event of events) read.push(event);
  return read;
}

describe("The event hub", () => {
  it("gives a reader everything from its call on, with the time, until the hub closes", async () => {
    const events = hub();
    events.emit(progress(0));
    const read = events.read();
    events.emit(progress(1));
    events.emit(progress(2));
    events.close();
    deepEqual(await all(read), [
      { ...progress(1), at: AT },
      { ...progress(2), at: AT },
    ]);
  });

  it("wakes a reader that waits", async () => {
    const events = hub();
    const iterator = events.read()[Symbol.asyncIterator]();
    const next = iterator.next();
    await settle();
    events.emit(progress(1));
    deepEqual(await next, { done: false, value: { ...progress(1), at: AT } });
    const end = iterator.next();
    await settle();
    events.close();
    equal((await end).done, true);
  });

  it("gives only the kinds that were asked for, and says whether anybody asked", async () => {
    const events = hub();
    equal(events.wants("synced"), false);
    const read = events.read({ kinds: ["synced"] });
    equal(events.wants("synced"), true);
    equal(events.wants("progress"), false);
    events.emit(progress(1));
    events.emit({ event: "synced", device: "d", fingerprint: "f" });
    events.close();
    deepEqual(
      (await all(read)).map((event) => event.event),
      ["synced"],
    );
  });

  it("a slow reader loses what it missed, gets one resync for it, and holds a bounded amount", async () => {
    const events = hub();
    const slow = events.read({ kinds: ["progress"] });
    for (let done = 0; done < 25_000; done++) events.emit(progress(done));
    events.close();
    const read = await all(slow);
    equal(read[0]?.event, "resync");
    equal(read.filter((event) => event.event === "resync").length, 1);
    deepEqual(read.at(-1), { ...progress(24_999), at: AT });
    equal(read.length <= 10_001, true);
  });

  it("a slow reader costs a fast one nothing", async () => {
    const events = hub();
    const slow = events.read();
    const fast = events.read();
    const reading = all(fast);
    for (let done = 0; done < 12_000; done++) {
      events.emit(progress(done));
      if (done % 100 === 0) await settle();
    }
    events.close();
    equal((await reading).length, 12_000);
    equal((await all(slow))[0]?.event, "resync");
  });

  it("ends at once when its signal aborts, also one that was aborted before", async () => {
    const events = hub();
    const controller = new AbortController();
    const reading = all(events.read({ signal: controller.signal }));
    events.emit(progress(1));
    await settle();
    controller.abort();
    equal((await reading).length, 1);
    equal(events.wants("progress"), false);
    deepEqual(await all(events.read({ signal: controller.signal })), []);
    equal(events.wants("progress"), false);
  });

  it("forgets a reader that stops reading", async () => {
    const events = hub();
    const read = events.read();
    events.emit(progress(1));
    for await (const event of read) {
      equal(event.event, "progress");
      break;
    }
    equal(events.wants("progress"), false);
  });

  it("gives nothing to who comes after the end", async () => {
    const events = hub();
    events.close();
    deepEqual(await all(events.read()), []);
  });
});
