/** Bytes on their way to one peer. */
import { deepEqual, equal } from "node:assert/strict";
import { Outbox } from "../../../src/app/sessions/outbox.ts";
import { settle } from "../../support/manual-clock.ts";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

describe("The outbox", () => {
  it("gives everything in order, what was there before and what comes while it is read", async () => {
    const outbox = new Outbox();
    outbox.put(bytes(1), bytes(2));
    const read: Uint8Array[] = [];
    const reading = (async () => {
      for await (const part of outbox) read.push(part);
    })();
    await settle();
    outbox.put(bytes(3));
    await settle();
    outbox.put(bytes(4), bytes(5));
    outbox.end();
    await reading;
    deepEqual(read, [bytes(1), bytes(2), bytes(3), bytes(4), bytes(5)]);
  });

  it("still gives what was put in before the end, and takes nothing after it", async () => {
    const outbox = new Outbox();
    outbox.put(bytes(1));
    outbox.end();
    outbox.put(bytes(2));
    const read: Uint8Array[] = [];
    for await (const part of outbox) read.push(part);
    deepEqual(read, [bytes(1)]);
  });

  it("ends a reader that waits", async () => {
    const outbox = new Outbox();
    const next = outbox[Symbol.asyncIterator]().next();
    await settle();
    outbox.end();
    equal((await next).done, true);
  });

  it("N8: gives up a peer that does not read, and holds nothing for it any more", async () => {
    const outbox = new Outbox();
    const mebibyte = new Uint8Array(1024 * 1024);
    for (let count = 0; count < 32; count++) outbox.put(mebibyte);
    equal(outbox.overflowed, false);
    outbox.put(bytes(1));
    equal(outbox.overflowed, true);
    for (let count = 0; count < 32; count++) outbox.put(mebibyte);
    equal((await outbox[Symbol.asyncIterator]().next()).done, true);
  });
});
