/** The digest over what is held: other where anything is other. */
import { equal, notEqual } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import type { AccountId, DeviceId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import type { LogState } from "../../../src/core/log/types.ts";
import type { LogOwner } from "../../../src/core/membership/types.ts";
import { fingerprint, isNothingMissing, possessionDigest } from "../../../src/core/sync/possession.ts";

const account = "aa".repeat(32) as AccountId;
const logs = ["01", "02", "03"].map((byte) => byte.repeat(32) as LogId);
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Each log held whole, with the root given. */
function digestOf(roots: readonly Uint8Array[]): string {
  const states = roots.map((root, at): [LogId, LogState] => {
    const head = { log: logs[at]!, length: 5, root: root as TreeHash, signature: new Uint8Array(64) };
    return [
      logs[at]!,
      { head, peaks: [], held: [{ from: 0, to: 5 }], prefix: { length: 5, root: root as TreeHash } },
    ];
  });
  const owners = logs.map((log): [LogId, LogOwner] => [
    log,
    { log, device: "dd".repeat(32) as DeviceId, incarnation: 0, logClass: "messages", cut: null },
  ]);
  const possession = { account, frontier: new Map(states), members: { logs: new Map(owners) } };
  notEqual(hex(possessionDigest(possession)).slice(0, 32), fingerprint(possession));
  return hex(possessionDigest(possession));
}

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, at) => byte ^ b[at]!);

describe("The possession digest", () => {
  it("L6: tells sets apart whose roots have the same sum and the same exclusive or", () => {
    fc.assert(
      fc.property(hash, hash, hash, (a, b, mask) => {
        fc.pre(hex(a) !== hex(b) && mask.some((byte) => byte !== 0));
        // The same roots at other logs: every sum over them stays what it is.
        notEqual(digestOf([a, b]), digestOf([b, a]));
        // Others with the same exclusive or.
        notEqual(digestOf([a, b]), digestOf([xor(a, mask), xor(b, mask)]));
        // A pair that cancels itself out.
        notEqual(digestOf([a]), digestOf([a, b, b]));
      }),
    );
    equal(digestOf([new Uint8Array(32), new Uint8Array(32)]).length, 64);
  });
});

describe("What is missing", () => {
  const stateOf = (length: number, ...held: readonly (readonly [number, number])[]): LogState => {
    const root = new Uint8Array(32) as TreeHash;
    const head = { log: logs[0]!, length, root, signature: new Uint8Array(64) };
    return { head, peaks: [], held: held.map(([from, to]) => ({ from, to })), prefix: { length: 0, root } };
  };
  const isWhole = (state: LogState, end: number | null | undefined): boolean => {
    const cut =
      end === null || end === undefined ? null : { length: end, root: new Uint8Array(32) as TreeHash };
    const device = "dd".repeat(32) as DeviceId;
    const owner: LogOwner = { log: logs[0]!, device, incarnation: 0, logClass: "messages", cut };
    const owners = new Map(end === undefined ? [] : [[logs[0]!, owner]]);
    return isNothingMissing({ frontier: new Map([[logs[0]!, state]]), members: { logs: owners } });
  };

  it("C3: a head far ahead, under which nobody has entries, is waited for until its device's fence, and not beyond", () => {
    const farAhead = stateOf(540, [0, 40]);
    equal(isWhole(farAhead, null), false);
    equal(isWhole(farAhead, undefined), false);
    equal(isWhole(farAhead, 40), true);
    equal(isWhole(farAhead, 41), false);
    equal(isWhole(farAhead, 12), true);
  });

  it("is every hole below the head, or below the fence", () => {
    equal(isWhole(stateOf(40, [0, 40]), null), true);
    equal(isWhole(stateOf(40, [0, 10], [11, 40]), null), false);
    equal(isWhole(stateOf(40, [0, 10], [11, 40]), 10), true);
    equal(isWhole(stateOf(40, [0, 10], [11, 40]), 30), false);
  });
});
