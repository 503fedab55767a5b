/**
 * What the writer does where two sessions bring two histories of one log at the same time: each session proved what it brings by what it
 * knew, and only the writer sees both.
 */
import { deepEqual, equal } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { verifyBatch } from "../../../src/core/log/batch.ts";
import { signHead } from "../../../src/core/log/head.ts";
import { leavesOf } from "../../../src/core/log/header.ts";
import { rangeOf } from "../../../src/core/log/ranges.ts";
import { nodesOf, placed, rootOf } from "../../../src/core/log/tree.ts";
import type { BatchEntry, Head, VerifiedBatch } from "../../../src/core/log/types.ts";
import type { Adoption } from "../../../src/core/sync/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { batchesOf, ownLog, TestDevice } from "../../support/replicas.ts";

/** One history of the messages of a device that writes another one, too. */
class History {
  readonly #author: TestDevice;
  readonly #log: LogId;
  readonly #entries: readonly BatchEntry[];

  constructor(author: TestDevice, name: string) {
    this.#author = author;
    this.#log = ownLog(author.replica, "messages");
    const kind = { version: 9, flags: 0, epoch: null };
    this.#entries = Array.from({ length: 12 }, (_, position): BatchEntry => {
      const bytes = new TextEncoder().encode(`${name} ${position}`);
      return { kind, state: "present", payloadLength: bytes.length, bytes };
    });
  }

  head(length: number): Head {
    const { account, signingKey } = this.#author.replica;
    const root = rootOf(this.#peaks(length), length);
    return signHead(signingKey, { account, log: this.#log, length, root });
  }

  batch(from: number, to: number, length = to): VerifiedBatch {
    const { account, self } = this.#author.replica;
    const leaves = leavesOf(this.#entries);
    const batch = {
      head: this.head(length),
      from,
      entries: this.#entries.slice(from, to),
      left: nodesOf(leaves.slice(0, from), 0),
      right: nodesOf(leaves.slice(to, length), to),
    };
    return verifyBatch(batch, { account, author: self })!;
  }

  adoption(from: number, length: number): Adoption {
    const hashes = nodesOf(leavesOf(this.#entries).slice(from, length), from);
    return {
      from,
      head: this.head(length),
      peaks: this.#peaks(length),
      nodes: placed({ from, to: length, hashes }),
    };
  }

  #peaks(length: number): Adoption["peaks"] {
    return nodesOf(leavesOf(this.#entries).slice(0, length), 0);
  }
}

describe("A replica that two sessions bring two histories of one log", function () {
  this.timeout(60_000);
  let phone: TestDevice;
  let log: LogId;
  let first: History;
  let other: History;
  beforeEach(async () => {
    const laptop = await TestDevice.found(new ManualClock());
    phone = await laptop.admit("phone", 2);
    await phone.ingest(await batchesOf(laptop.replica), laptop.replica);
    log = ownLog(laptop.replica, "messages");
    [first, other] = [new History(laptop, "first"), new History(laptop, "other")];
    // The end of the first, with a hole before it.
    await phone.replica.writer.ingest(first.batch(4, 8), { ...first.adoption(0, 8), nodes: [] });
  });

  /** Held is what was held before, under the head of the first. */
  const stays = (): void => {
    const state = phone.replica.frontier.get(log)!;
    deepEqual(state.held, rangeOf(4, 8));
    deepEqual(state.head.root, first.head(8).root);
  };

  it("L7: takes in no entries under a shorter head of the other, though their session has proved it", async () => {
    await assertRejectsWithCode(phone.replica.writer.ingest(other.batch(0, 4), null), "HEAD_UNPROVEN");
    stays();
  });

  it("L7: takes in no entries under a head of the other of the same length", async () => {
    await assertRejectsWithCode(phone.replica.writer.ingest(other.batch(0, 4, 8), null), "LOG_FORKED");
    stays();
  });

  it("L7: adopts no head that continues the other, whose length the first has", async () => {
    const longer = { ...other.adoption(8, 12), nodes: [] };
    await assertRejectsWithCode(phone.replica.writer.ingest(other.batch(8, 12), longer), "LOG_FORKED");
    stays();
  });

  it("L7: adopts no head that is proved to continue the other, without entries", async () => {
    await assertRejectsWithCode(phone.replica.writer.adopt(other.adoption(8, 12)), "HEAD_UNPROVEN");
    stays();
  });

  it("takes in what is under an earlier head of the first, also where only the first batch proves it", async () => {
    await phone.replica.writer.ingest(first.batch(8, 12), { ...first.adoption(8, 12), nodes: [] });
    await phone.replica.writer.ingest(first.batch(3, 4, 8), null);
    equal(phone.replica.frontier.get(log)!.head.length, 12);
    deepEqual(phone.replica.frontier.get(log)!.held, rangeOf(3, 12));
  });
});
