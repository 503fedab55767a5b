/** What a replica says of entries whose head waits for a proof, while a longer head of their log is on its way to the disk. */
import { equal } from "node:assert/strict";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { verifyBatch } from "../../../src/core/log/batch.ts";
import { placed } from "../../../src/core/log/tree.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import type { Adoption } from "../../../src/core/sync/types.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { batchesOf, lengthOf, ownLog, send, TestDevice } from "../../support/replicas.ts";

describe("A replica that wants a proof", function () {
  this.timeout(60_000);

  it("says so when the head that wants it can be seen: before, a session would ask for the same again and again", async () => {
    const laptop = await TestDevice.found(new ManualClock());
    const phone = await laptop.admit("phone", 2);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    const { account, self } = laptop.replica;
    const log = ownLog(laptop.replica, "messages");
    /** The head that the laptop has now, proved from nothing. */
    const adoption = (): Adoption => {
      const { head, peaks } = laptop.replica.frontier.get(log)!;
      return { from: 0, head, peaks, nodes: placed({ from: 0, to: head.length, hashes: peaks }) };
    };
    await send(laptop, "one", "two", "three");
    const [batch] = await batchesOf(laptop.replica, { of: self, logClass: "messages" });
    const shorter = adoption();
    await send(laptop, "four", "five");

    const { store } = phone.replica.ports as { store: { -readonly [Name in keyof Store]: Store[Name] } };
    const { commit } = store;
    const { promise: synced, resolve: sync } = Promise.withResolvers<void>();
    store.commit = (made) => synced.then(() => commit(made));
    // Two sessions at once, neither of which knows anything of the log.
    const adopting = phone.replica.writer.adopt(adoption());
    let lengthSeen: number | null = null;
    const refused = phone.replica.writer
      .ingest(verifyBatch(batch!, { account, author: self })!, shorter)
      .then(
        () => "taken in",
        (error: unknown) => {
          lengthSeen = lengthOf(phone.replica, log);
          return isEngineError(error) ? error.code : "UNEXPECTED";
        },
      );
    // Any number of turns of the event loop: the disk is slower.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    equal(lengthSeen, null);
    sync();
    await adopting;
    equal(await refused, "HEAD_UNPROVEN");
    equal(lengthSeen, 5);
  });
});
