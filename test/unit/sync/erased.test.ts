/** Payloads that a batch calls erased: believed where a purge names them. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { sha256 } from "../../../src/core/crypto/hash.ts";
import { verifyBatch } from "../../../src/core/log/batch.ts";
import type { BatchEntry, VerifiedBatch } from "../../../src/core/log/types.ts";
import type { LogOwner, MemberView, PurgeView } from "../../../src/core/membership/types.ts";
import { judgeErased, purgedPlaces } from "../../../src/core/sync/erased.ts";
import { ann, ben, range, syncAccount, SyncSide } from "../../support/sync-side.ts";

const withoutPayload = (entry: BatchEntry, state: "purged" | "absent"): BatchEntry => ({
  ...entry,
  state,
  bytes: sha256(entry.bytes),
});

describe("payloads that are called erased", () => {
  const side = new SyncSide(ben, ann);
  const { log } = side.write("messages", 150);
  const owner = side.members.logs.get(log)!;

  /** The first 100 entries, those of `states` without their payload. */
  function batchWith(states: ReadonlyMap<number, "purged" | "absent">): VerifiedBatch {
    const { batch } = side.batch(log, 0, 100);
    const entries = batch.entries.map((entry, at) => {
      const state = states.get(at);
      return state === undefined ? entry : withoutPayload(entry, state);
    });
    return verifyBatch({ ...batch, entries }, { account: syncAccount.account, author: ben.device })!;
  }

  const purgeOf = (
    batch: VerifiedBatch,
    positions: readonly number[],
    state: PurgeView["state"],
  ): PurgeView => ({
    id: "ab".repeat(32) as PurgeView["id"],
    author: ann.device,
    entries: positions.map((position) => ({ log, position, leaf: batch.leaves[position]! })),
    state,
  });
  const viewWith = (...purges: readonly PurgeView[]): MemberView => ({ ...side.members, purges });
  const withheldOf = (batch: VerifiedBatch, members: MemberView, of: LogOwner = owner): unknown =>
    judgeErased(batch, of, members).withheld;
  const two = new Map<number, "purged" | "absent">([
    [3, "purged"],
    [7, "purged"],
  ]);

  it("need be kept by nobody: those that any purge names but a void one", () => {
    const batch = batchWith(new Map());
    const members = viewWith(
      purgeOf(batch, [9, 3, 4], "open"),
      purgeOf(batch, [5, 20], "approved"),
      purgeOf(batch, [30], "void"),
    );
    deepEqual([...purgedPlaces(members)], [[log, [...range(3, 6), ...range(9, 10), ...range(20, 21)]]]);
    equal(purgedPlaces(side.members).size, 0);
  });

  it("are as they were where every payload came", () => {
    const batch = batchWith(new Map());
    equal(judgeErased(batch, owner, side.members).batch, batch);
  });

  it("C3: are missing as before where no purge names them, and are asked for elsewhere", () => {
    const batch = batchWith(new Map([...two, [8, "absent"]]));
    const judged = judgeErased(batch, owner, side.members);
    deepEqual(judged.withheld, [...range(3, 4), ...range(7, 9)]);
    deepEqual(
      judged.batch.entries.map(({ state }) => state).filter((state) => state !== "present"),
      ["absent", "absent", "absent"],
    );
    ok(judged.batch.leaves === batch.leaves);
  });

  it("are taken in where an approved purge names place and leaf", () => {
    const batch = batchWith(two);
    const judged = judgeErased(batch, owner, viewWith(purgeOf(batch, [3, 7], "approved")));
    deepEqual(judged.withheld, []);
    equal(judged.batch.entries[3]!.state, "purged");
    deepEqual(withheldOf(batch, viewWith(purgeOf(batch, [3], "approved"))), range(7, 8));
    const elsewhere = {
      ...purgeOf(batch, [3, 7], "approved"),
      entries: [{ log, position: 3, leaf: batch.leaves[7]! }],
    };
    deepEqual(withheldOf(batch, viewWith(elsewhere)), [...range(3, 4), ...range(7, 8)]);
  });

  it("C3: are missing where nobody approved the purge, however small it is, or it was stopped", () => {
    const batch = batchWith(two);
    for (const state of ["open", "void"] as const)
      deepEqual(withheldOf(batch, viewWith(purgeOf(batch, [3, 7], state))), [...range(3, 4), ...range(7, 8)]);
  });

  it("C3: are missing in control logs whatever a purge says, so that nobody hides a revocation", () => {
    const batch = batchWith(two);
    const members = viewWith(purgeOf(batch, [3, 7], "approved"));
    deepEqual(withheldOf(batch, members, { ...owner, logClass: "control" }), [
      ...range(3, 4),
      ...range(7, 8),
    ]);
  });

  it("C3: cost the whole batch where they would leave more holes than it is worth", () => {
    const everySecond = new Map(Array.from({ length: 33 }, (_, at) => [2 * at, "absent" as const]));
    deepEqual(withheldOf(batchWith(everySecond), side.members), range(0, 100));
    const some = new Map([...everySecond].slice(1));
    equal(judgeErased(batchWith(some), owner, side.members).withheld.length, 32);
  });
});
