/** What becomes of a purge, and which cloud peer is set. docs/spec/membership.md, "Purges", "Cloud peer". */
import { deepEqual, equal } from "node:assert/strict";
import type { ControlEntry } from "../../../src/core/membership/types.ts";
import {
  bodies,
  bytesOf,
  describeView,
  deviceOf,
  permutations,
  rootOf,
  TestAccount,
} from "../../support/membership.ts";

const statesOf = (account: TestAccount, entries?: readonly ControlEntry[]): readonly string[] =>
  account.view(entries).purges.map(({ state }) => state);

/** `a` purges, and all know it. */
function purged(...names: readonly string[]): { account: TestAccount; purge: ControlEntry } {
  const account = TestAccount.of("a", "b", ...names);
  const purge = account.write("a", bodies.purge(account.log("a", "messages"), 3, 1));
  account.meet("a", "b", ...names);
  return { account, purge };
}

describe("a purge", () => {
  it("is open, and says whose it is and what it names", () => {
    const { account, purge } = purged();
    const log = account.log("a", "messages");
    deepEqual(account.view().purges, [
      {
        id: purge.id,
        author: deviceOf("a"),
        entries: [3, 1].map((position) => ({ log, position, leaf: rootOf(`leaf ${position}`) })),
        state: "open",
      },
    ]);
  });

  it("is approved by another device, or by the phrase, and not by its own", () => {
    const { account, purge: first } = purged();
    const own = account.write("a", bodies.countersign(first));
    deepEqual(statesOf(account), ["open"]);
    equal(account.view().refused.get(own.id), "nobody approves what it wrote itself");
    account.write("b", bodies.countersign(first));
    deepEqual(statesOf(account), ["approved"]);
    const other = purged();
    other.account.write("a", bodies.countersign(other.purge), { root: other.account.phrase });
    deepEqual(statesOf(other.account), ["approved"]);
    const signed = TestAccount.of("a");
    const purge = signed.write("a", bodies.purge(signed.log("a", "messages"), 1), { root: signed.phrase });
    signed.write("a", bodies.void(purge));
    deepEqual(statesOf(signed), ["approved"]);
  });

  it("needs nobody where its author was the only device, in whatever order it is learned of", () => {
    const account = TestAccount.of("a");
    const purge = account.write("a", bodies.purge(account.log("a", "messages"), 1));
    deepEqual(statesOf(account), ["approved"]);
    for (const name of ["b", "c"]) account.link("a", name);
    account.write("b", bodies.void(purge));
    for (const order of [account.entries, [...account.entries].toReversed()])
      deepEqual(statesOf(account, order), ["approved"], "what came later never had it");
    const second = account.write("a", bodies.purge(account.log("a", "messages"), 2));
    deepEqual(statesOf(account), ["approved", "open"]);
    equal(second.author, deviceOf("a"));
  });

  it("P7: is nobody's own affair while another device is there, or its admission is not after it", () => {
    const account = TestAccount.of("a", "b");
    account.write("b", bodies.purge(account.log("b", "messages"), 1));
    deepEqual(statesOf(account), ["open"], "the first device is there");
    const early = TestAccount.of("a", "b");
    early.link("b", "c");
    early.write("a", bodies.purge(early.log("a", "messages"), 1));
    early.meet("a", "b");
    early.write("a", bodies.revoke("b"));
    deepEqual(statesOf(early), ["open"], "it was revoked, but afterwards");
    const thief = TestAccount.of("a", "b");
    thief.write("b", bodies.revoke("a"));
    thief.write("b", bodies.purge(thief.log("b", "messages"), 1));
    deepEqual(statesOf(thief), ["open"], "whoever removes all others is not alone");
  });

  it("is stopped by any device, by the phrase, and by its author's revocation", () => {
    const byDevice = purged();
    byDevice.account.write("b", bodies.void(byDevice.purge));
    deepEqual(statesOf(byDevice.account), ["void"]);
    const byPhrase = purged();
    byPhrase.account.write("a", bodies.void(byPhrase.purge), { root: byPhrase.account.phrase });
    deepEqual(statesOf(byPhrase.account), ["void"]);
    const byRevocation = purged();
    byRevocation.account.write("b", bodies.revoke("a"));
    deepEqual(statesOf(byRevocation.account), ["void"]);
  });

  it("P9: of a revoked device that nobody knew is nothing at all", () => {
    const account = TestAccount.of("a", "b");
    account.write("a", bodies.purge(account.log("a", "messages"), 1));
    account.write("b", bodies.revoke("a"));
    deepEqual(statesOf(account), []);
  });

  it("is approved rather than stopped where both happen at the same time, in every order", () => {
    const { account, purge } = purged("c");
    account.write("b", bodies.countersign(purge));
    account.write("c", bodies.void(purge));
    const expected = describeView(account.view());
    for (const order of permutations(account.entries.slice(-2))) {
      deepEqual(describeView(account.view([...order, ...account.entries.slice(0, -2)])), expected);
    }
    deepEqual(statesOf(account), ["approved"]);
  });

  it("P9: stays approved whoever says to have stopped it without knowing that, the phrase included", () => {
    for (const root of [false, true]) {
      const { account, purge } = purged("c");
      account.write("b", bodies.countersign(purge));
      account.meet("a", "b", "c");
      const by = root ? { root: account.phrase } : {};
      account.write("c", bodies.void(purge), { after: [purge], ...by });
      deepEqual(statesOf(account), ["approved"]);
      account.meet("a", "b", "c");
      account.write("a", bodies.countersign(purge), { root: account.phrase });
      deepEqual(statesOf(account), ["approved"]);
    }
  });

  it("P9: that was stopped is approved after all by a second device of its author under an older past, unless the author was removed", () => {
    for (const isRemoved of [false, true]) {
      const { account, purge } = purged("c");
      account.write("b", bodies.void(purge));
      account.meet("a", "b", "c");
      if (isRemoved) account.write("b", bodies.revoke("a"));
      // The author admits a device of its own, and neither says to know of the stop.
      const admission = account.write("a", bodies.admit("d"), { after: [purge] });
      account.write("d", bodies.countersign(purge), { after: [purge, admission] });
      deepEqual(statesOf(account), [isRemoved ? "void" : "approved"]);
    }
  });

  it("stays stopped whoever agrees to it knowing that, the phrase included", () => {
    for (const root of [false, true]) {
      const { account, purge } = purged("c");
      account.write("c", bodies.void(purge));
      account.meet("a", "b", "c");
      account.write("b", bodies.countersign(purge), root ? { root: account.phrase } : {});
      deepEqual(statesOf(account), ["void"]);
      deepEqual(statesOf(account, account.entries.toReversed()), ["void"]);
    }
  });

  it("is settled by the first word of each device: who agreed and then stops it has agreed, and the other way round", () => {
    const agreed = purged();
    agreed.account.write("b", bodies.countersign(agreed.purge));
    agreed.account.write("b", bodies.void(agreed.purge));
    agreed.account.write("b", bodies.countersign(agreed.purge));
    deepEqual(statesOf(agreed.account), ["approved"]);
    const stopped = purged();
    stopped.account.write("b", bodies.void(stopped.purge));
    stopped.account.write("b", bodies.countersign(stopped.purge));
    deepEqual(statesOf(stopped.account), ["void"]);
  });

  it("cannot be stopped by who knew that it was approved, nor by its author's revocation then", () => {
    const { account, purge } = purged("c");
    account.write("b", bodies.countersign(purge));
    account.meet("a", "b", "c");
    account.write("c", bodies.void(purge));
    account.write("b", bodies.revoke("a"));
    deepEqual(statesOf(account), ["approved"]);
  });

  it("P9: is neither approved nor stopped by a device that is revoked without it", () => {
    const { account, purge } = purged("c", "d");
    account.write("c", bodies.countersign(purge));
    account.write("d", bodies.void(purge));
    deepEqual(statesOf(account), ["approved"]);
    account.write("b", bodies.revoke("c"));
    deepEqual(statesOf(account), ["void"]);
    account.write("b", bodies.revoke("d"));
    deepEqual(statesOf(account), ["open"]);
  });

  it("P9: is approved after all where the stop that its approval knew of does not count any more", () => {
    const { account, purge } = purged("c", "d");
    account.write("d", bodies.void(purge));
    account.tell("d", "c");
    account.write("c", bodies.countersign(purge));
    deepEqual(statesOf(account), ["void"]);
    account.write("b", bodies.revoke("d"));
    deepEqual(statesOf(account), ["approved"]);
  });
});

describe("countersignatures and voids", () => {
  it("C11: name what they know, of a kind that can be approved or stopped", () => {
    const account = TestAccount.of("a", "b");
    const purge = account.write("a", bodies.purge(account.log("a", "messages"), 1));
    const epoch = account.write("a", bodies.epoch("e", ["a"]));
    const reasonOf = (
      body: Parameters<TestAccount["write"]>[1],
      after?: readonly ControlEntry[],
    ): string | undefined => {
      const { id } = account.write("b", body, after === undefined ? {} : { after });
      return account.view().refused.get(id);
    };
    equal(reasonOf(bodies.countersign(purge), []), "it does not know what it names");
    equal(reasonOf(bodies.void(purge), []), "it does not know what it names");
    account.tell("a", "b");
    equal(reasonOf(bodies.countersign(epoch)), "what it names needs no approval");
    equal(reasonOf(bodies.void(epoch)), "only a purge can be stopped");
    const missing = { ...purge, id: "00".repeat(32) as ControlEntry["id"] };
    equal(reasonOf(bodies.void(missing)), "it does not know what it names");
    equal(reasonOf(bodies.countersign(purge)), undefined);
    const opening = account.write("a", bodies.openLog(1), { incarnation: 1 });
    account.tell("a", "b");
    equal(reasonOf(bodies.countersign(opening)), undefined);
  });
});

describe("the cloud peer", () => {
  it("is the last that was set, and none once it was taken away", () => {
    const account = TestAccount.of("a", "b");
    equal(account.view().cloud, null);
    account.write("a", bodies.cloud("wss://one.example"));
    account.meet("a", "b");
    account.write("b", bodies.cloud("wss://two.example"));
    deepEqual(account.view().cloud, { address: "wss://two.example", peerKey: bytesOf("wss://two.example") });
    account.write("b", bodies.cloud(null));
    equal(account.view().cloud, null);
  });

  it("is of two at once the phrase's, else the one of the smaller id, in every order", () => {
    const account = TestAccount.of("a", "b");
    const one = account.write("a", bodies.cloud("wss://one.example"));
    const two = account.write("b", bodies.cloud("wss://two.example"));
    const expected = one.id < two.id ? "wss://one.example" : "wss://two.example";
    equal(account.view().cloud?.address, expected);
    equal(account.view(account.entries.toReversed()).cloud?.address, expected);
    for (let at = 0; at < 8; at++) {
      const signed = TestAccount.of("a", "b");
      signed.write("a", bodies.cloud("wss://one.example"));
      signed.write("b", bodies.cloud(`wss://phrase-${at}.example`), { root: signed.phrase });
      equal(signed.view().cloud?.address, `wss://phrase-${at}.example`);
    }
  });
});
