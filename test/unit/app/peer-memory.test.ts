/** What is remembered of peers, as it lies in the store: kept as it was, or forgotten. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { LogId } from "../../../src/core/base/ids.ts";
import type { Ranges } from "../../../src/core/log/ranges.ts";
import {
  decodeAcked,
  decodeAddresses,
  decodeName,
  decodeTime,
  encodeAcked,
  encodeAddresses,
  encodeName,
  encodeTime,
  tolerant,
} from "../../../src/app/node/peer-memory-codec.ts";
import { openNameHint } from "../../../src/app/node/name-hints.ts";
import { PeerMemory, rememberNames } from "../../../src/app/node/peer-memory.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { TestDevice } from "../../support/replicas.ts";

const logs = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex") as LogId);
const ranges = fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000)), { maxLength: 20 }).map((gaps): Ranges => {
  let at = 0;
  return gaps.map(([gap, size]) => {
    const from = at + gap + (at > 0 ? 1 : 0);
    at = from + size + 1;
    return { from, to: at };
  });
});

describe("The memory of peers", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(logs, ranges), { maxLength: 10 }),
        fc.array(fc.string({ maxLength: 60 }), { maxLength: 4 }),
        fc.nat(2 ** 45),
        (acked, addresses, ms) => {
          const map = new Map(acked);
          deepEqual(tolerant(encodeAcked(map), decodeAcked), map);
          deepEqual(tolerant(encodeAddresses(addresses), decodeAddresses), addresses);
          equal(tolerant(encodeTime(ms), decodeTime), ms);
        },
      ),
    );
    equal(tolerant(encodeName("Zoë's laptop"), decodeName), "Zoë's laptop");
  });

  it("K1: a name from linking lies sealed in the store, and is known again after a restart", async () => {
    const laptop = await TestDevice.found(new ManualClock());
    const phone = await laptop.admit("phone", 2);
    const name = "Zoë's laptop";
    await rememberNames(phone.replica, new Map([[laptop.replica.self, name]]));
    const stored = [...phone.disk.state.meta.values()].map((value) => Buffer.from(value));
    equal(
      stored.some((value) => value.includes(name)),
      false,
    );
    const memory = await PeerMemory.open(await phone.restart());
    deepEqual([...memory.nameHints()], [[laptop.replica.self, name]]);
    // Under another device's id it says nothing.
    const hint = await phone.replica.ports.store.meta(`name-hint/${laptop.replica.self}`);
    equal(openNameHint(phone.replica, phone.replica.self, hint), undefined);
  });

  it("keeps the newest addresses only", () => {
    const many = ["a", "b", "c", "d", "e"];
    deepEqual(tolerant(encodeAddresses(many), decodeAddresses), ["a", "b", "c", "d"]);
  });

  it("what is missing, cut short, too long or nonsense is forgotten, and breaks nothing", () => {
    const acked = encodeAcked(new Map([["ab".repeat(32) as LogId, [{ from: 0, to: 5 }]]]));
    equal(tolerant(undefined, decodeAcked), undefined);
    for (let cut = 1; cut < acked.length; cut++)
      equal(tolerant(acked.subarray(0, cut), decodeAcked), undefined);
    equal(tolerant(Uint8Array.from([...encodeTime(5), 0]), decodeTime), undefined);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [decodeAcked, decodeAddresses, decodeName, decodeTime])
          tolerant<unknown>(bytes, decode);
      }),
    );
  });

  it("ranges that no log can have are not believed", () => {
    const backwards = encodeAcked(new Map([["ab".repeat(32) as LogId, [{ from: 7, to: 5 }]]]));
    deepEqual([...(tolerant(backwards, decodeAcked)?.values() ?? [])], [[]]);
  });
});
