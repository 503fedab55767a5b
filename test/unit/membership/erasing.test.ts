/** Which purges may be carried out, by each of the rules of docs/spec/purge.md, "Erasing", and at their edges. */
import { deepEqual, equal } from "node:assert/strict";
import type { ControlId, DeviceId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import {
  decideErasing,
  type Erasing,
  type PurgeRecord,
  WAIT_MS,
} from "../../../src/core/membership/erasing.ts";
import type { MemberDevice, PurgeView } from "../../../src/core/membership/types.ts";

const DAY = 86_400_000;
const NOW = 1_750_000_000_000;

interface Given {
  readonly name: string;
  readonly count: number;
  readonly author?: string;
  readonly state?: PurgeView["state"];
  readonly agoMs?: number;
  readonly record?: Partial<PurgeRecord>;
}

interface Names {
  readonly due: readonly string[];
  readonly toApprove: readonly string[];
  readonly waiting: readonly string[];
  readonly dueAtMs: number | null;
}

const idOf = (name: string): ControlId => name.padEnd(64, "0") as ControlId;
const nameOf = ({ id }: PurgeView): string => id.replace(/0+$/, "");

function decide(
  purges: readonly Given[],
  options: {
    readonly devices?: readonly string[];
    readonly inBin?: readonly string[];
    readonly nowMs?: number;
  } = {},
): Names {
  const devices = (options.devices ?? ["self", "a", "b"]).map((name): readonly [DeviceId, MemberDevice] => {
    const [device, state = "active"] = name.split(":") as [string, MemberDevice["state"]?];
    return [
      device as DeviceId,
      { device: device as DeviceId, openKey: new Uint8Array(0), state, admittedBy: null, incarnations: [0] },
    ];
  });
  const erasing: Erasing = decideErasing({
    members: {
      devices: new Map(devices),
      purges: purges.map(({ name, count, author = "a", state = "open" }) => ({
        id: idOf(name),
        author: author as DeviceId,
        state,
        entries: Array.from({ length: count }, (_, position) => ({
          log: "11" as LogId,
          position,
          leaf: new Uint8Array(32) as TreeHash,
        })),
      })),
    },
    self: "self" as DeviceId,
    nowMs: options.nowMs ?? NOW,
    records: new Map(
      purges.map(({ name, agoMs = 0, record }) => [
        idOf(name),
        { learnedMs: NOW - agoMs, joined: false, done: false, compacted: false, ...record },
      ]),
    ),
    longInBin: new Set((options.inBin ?? []).map(idOf)),
  });
  const { due, toApprove, waiting, dueAtMs } = erasing;
  return { due: due.map(nameOf), toApprove: toApprove.map(nameOf), waiting: waiting.map(nameOf), dueAtMs };
}

const dueOf = (...given: Parameters<typeof decide>): readonly string[] => decide(...given).due;

describe("which purges may be carried out", () => {
  it("those that are approved, and none that is void", () => {
    const purges = [
      { name: "p", count: 4_096, state: "approved" as const },
      { name: "q", count: 1, state: "void" as const },
    ];
    deepEqual(decide(purges), { due: ["p"], toApprove: [], waiting: [], dueAtMs: null });
  });

  it("of one device by itself fewer than 100 payloads in a day, however they are cut", () => {
    deepEqual(dueOf([{ name: "p", count: 99 }]), ["p"]);
    deepEqual(decide([{ name: "p", count: 100 }]), {
      due: [],
      toApprove: [],
      waiting: ["p"],
      dueAtMs: NOW + WAIT_MS,
    });
    const cut = Array.from({ length: 30 }, (_, at) => ({
      name: `p${at + 1}x`,
      count: 10,
      agoMs: (30 - at) * 60_000,
    }));
    deepEqual(
      dueOf(cut),
      cut.slice(0, 9).map(({ name }) => name),
    );
  });

  it("counts what was approved, carried out or stopped: else each small purge would make room for the next", () => {
    const before = { name: "p", count: 60, agoMs: DAY - 1 };
    for (const state of ["approved", "void", "open"] as const)
      deepEqual(
        decide([
          { ...before, state, record: { done: true } },
          { name: "q", count: 40 },
        ]).waiting,
        ["q"],
        state,
      );
    deepEqual(
      dueOf([
        { ...before, record: { done: true } },
        { name: "q", count: 39 },
      ]),
      ["q"],
    );
  });

  it("counts the day before each purge, to the millisecond", () => {
    const later = { name: "q", count: 99 };
    deepEqual(dueOf([{ name: "p", count: 99, agoMs: DAY }, later]), ["p", "q"]);
    deepEqual(dueOf([{ name: "p", count: 99, agoMs: DAY - 1 }, later]), ["p"]);
    // What was too much then does not become little by waiting.
    deepEqual(
      dueOf([
        { name: "p", count: 99, agoMs: 10 * DAY },
        { name: "q", count: 99, agoMs: 10 * DAY },
      ]),
      ["p"],
    );
  });

  it("counts each device for itself, this one too", () => {
    deepEqual(
      dueOf([
        { name: "p", count: 99, author: "a" },
        { name: "q", count: 99, author: "b" },
        { name: "r", count: 99, author: "self" },
        { name: "s", count: 1, author: "self" },
      ]),
      ["p", "q", "r"],
    );
  });

  it("L13: counts what seems to come from the future, since the clock was set back, as of this day", () => {
    const ahead = { name: "p", count: 99, agoMs: -3_650 * DAY };
    deepEqual(decide([ahead, { name: "q", count: 99 }]).waiting, ["q"]);
  });

  it("those of which all has been in the bin for 30 days, of any size", () => {
    deepEqual(
      dueOf(
        [
          { name: "p", count: 500 },
          { name: "q", count: 500 },
        ],
        { inBin: ["q"] },
      ),
      ["q"],
    );
    deepEqual(dueOf([{ name: "p", count: 500, state: "void" }], { inBin: ["p"] }), []);
  });

  it("those that have stood for 30 days, and says when the first of the others will have", () => {
    const purges = [
      { name: "p", count: 500, agoMs: WAIT_MS },
      { name: "q", count: 500, agoMs: WAIT_MS - 1 },
      { name: "r", count: 500, agoMs: 5 * DAY },
    ];
    deepEqual(decide(purges), { due: ["p"], toApprove: [], waiting: ["q", "r"], dueAtMs: NOW + 1 });
    deepEqual(dueOf([{ name: "p", count: 500, agoMs: WAIT_MS, state: "void" }]), []);
  });

  it("all where no other device is active: nobody could agree", () => {
    const purge = { name: "p", count: 500, author: "self" };
    deepEqual(dueOf([purge], { devices: ["self", "a:revoked", "b:suspended"] }), ["p"]);
    deepEqual(dueOf([purge], { devices: ["self", "a"] }), []);
  });

  it("those that came with the link where their author was alone, and no others of it", () => {
    const joined = { name: "p", count: 500, record: { joined: true } };
    deepEqual(dueOf([joined, { name: "q", count: 500 }], { devices: ["self", "a", "b:revoked"] }), ["p"]);
    deepEqual(
      dueOf([joined], { devices: ["self", "a", "b"] }),
      [],
      "the other may have the payloads, and a say",
    );
    deepEqual(dueOf([{ ...joined, author: "b" }], { devices: ["self", "a", "b:revoked"] }), []);
  });

  it("agrees to what it carried out of others, while that is open and it is a member", () => {
    const done = { done: true };
    const purges = [
      { name: "p", count: 1, record: done },
      { name: "q", count: 1, author: "self", record: done },
      { name: "r", count: 1, state: "approved" as const, record: done },
      { name: "s", count: 1, state: "void" as const, record: done },
    ];
    deepEqual(decide(purges), { due: [], toApprove: ["p"], waiting: [], dueAtMs: null });
    deepEqual(decide(purges, { devices: ["self:revoked", "a", "b"] }).toApprove, []);
  });

  it("leaves out what the members' view does not know any more", () => {
    const { due, waiting } = decide([{ name: "p", count: 1, state: "void" }]);
    equal(due.length + waiting.length, 0);
  });
});
