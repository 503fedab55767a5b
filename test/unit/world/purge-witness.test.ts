import { deepEqual, equal } from "node:assert/strict";
import { MemoryRows } from "../../../simulations/doubles/memory-rows.ts";
import type { Machine } from "../../../simulations/world/machine.ts";
import { PurgeWitness } from "../../../simulations/world/purge-witness.ts";
import type { ControlId, ConversationId, DeviceId, LogId, MessageId } from "../../../src/core/base/ids.ts";
import { messageRowKey, purgedRowKey } from "../../../src/core/inbox/row-keys.ts";
import { EMPTY_ROW, encodeMessageRow, type MessageRow } from "../../../src/core/inbox/rows.ts";
import { leavesOf } from "../../../src/core/log/header.ts";
import type { BodilessEntry } from "../../../src/core/log/types.ts";
import type { PurgeView } from "../../../src/core/membership/types.ts";
import type { Commit } from "../../../src/core/sync/ports.ts";

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const LARGE = 100;
const log = "log" as LogId;
const author = "author" as DeviceId;
const other = "other" as DeviceId;
const binned = "binned" as MessageId;

const entry: BodilessEntry = {
  kind: { version: 1, flags: 1, epoch: null },
  state: "purged",
  payloadLength: 1,
  bytes: new Uint8Array(32),
};

function large(state: PurgeView["state"]): PurgeView {
  const [leaf] = leavesOf([entry]);
  const entries = Array.from({ length: LARGE }, (_, position) => ({ log, position, leaf: leaf! }));
  return { id: "purge" as ControlId, author, entries, state };
}

/** What of a device the witness looks at; both devices are active. */
function machineOf(device: DeviceId, purge: PurgeView): Machine {
  const devices = new Map([author, other].map((each) => [each, { device: each, state: "active" }]));
  const replica = { self: device, members: { devices, purges: [purge] } };
  return { name: device, device, running: { replica } } as unknown as Machine;
}

/** One after another: whether each of these may take a payload off its disk. */
function mayErase(witness: PurgeWitness, failures: string[], ...machines: readonly Machine[]): string {
  return machines
    .map((machine) => {
      failures.length = 0;
      witness.durable(machine, {
        logs: [],
        bodiless: new Map([[log, new Map([[0, entry]])]]),
      } as unknown as Commit);
      return failures.length === 0 ? "yes" : "no";
    })
    .join(" ");
}

describe("when the world takes a month for over", () => {
  function setUp(): { witness: PurgeWitness; failures: string[] } {
    const failures: string[] = [];
    const hold = (_: number, condition: boolean, what: () => string): void => {
      if (!condition) failures.push(what());
    };
    const witness = new PurgeWitness(
      () => undefined,
      hold,
      (id) => id === binned,
    );
    witness.haveClocksJumped = true;
    return { witness, failures };
  }
  const writes = machineOf(author, large("open"));
  const reads = machineOf(other, large("open"));
  const believes = machineOf(other, large("approved"));

  it("after thirty days, on every device", () => {
    const { witness, failures } = setUp();
    witness.daysPassed(30 * DAY_MS - 1);
    equal(mayErase(witness, failures, writes, reads), "no no");
    equal(witness.isWanted(binned), false);
    witness.daysPassed(1);
    equal(mayErase(witness, failures, writes, reads), "yes yes");
    equal(witness.isWanted(binned), true);
  });

  it("a week earlier at most on a device whose clock went forward, and there alone", () => {
    const { witness, failures } = setUp();
    witness.clockSet(writes, -3_652 * DAY_MS);
    witness.daysPassed(23 * DAY_MS - 1);
    witness.clockSet(writes, 3_652 * DAY_MS);
    equal(mayErase(witness, failures, writes, reads), "no no");
    equal(witness.isWanted(binned), false);
    witness.daysPassed(1);
    equal(mayErase(witness, failures, writes, reads), "yes no");
    equal(witness.isWanted(binned), true);
  });

  it("no earlier than a clock went forward, and not where it went back", () => {
    const { witness, failures } = setUp();
    witness.clockSet(writes, WEEK_MS - 1);
    witness.clockSet(reads, -WEEK_MS);
    witness.daysPassed(23 * DAY_MS);
    equal(mayErase(witness, failures, writes, reads), "no no");
    witness.daysPassed(1);
    equal(mayErase(witness, failures, writes, reads), "yes no");
  });

  it("for all who hear that a device agreed for which it was over, which its author cannot do", () => {
    const { witness, failures } = setUp();
    witness.daysPassed(23 * DAY_MS);
    witness.clockSet(writes, WEEK_MS);
    equal(mayErase(witness, failures, believes), "no");
    witness.clockSet(reads, WEEK_MS);
    equal(mayErase(witness, failures, believes), "yes");
    equal(mayErase(witness, failures, machineOf(author, large("open"))), "no");
  });
});

describe("when the world takes a device for one that erased what it does not know", () => {
  const message = "0a".repeat(16) as MessageId;
  const purge = "0b".repeat(32) as ControlId;
  const stamp = { ms: 1, counter: 0 };
  const waiting: MessageRow = {
    marks: 0,
    content: null,
    told: false,
    before: null,
    register: { order: { stamp, id: message }, deleted: true },
  };

  /** Its row of the message, what it holds at positions 0 and 1, and what becomes of the purge. */
  function deviceWith(
    row: MessageRow | null,
    held: readonly ("present" | "purged")[],
    { hidden = false, state = "approved" }: { hidden?: boolean; state?: PurgeView["state"] } = {},
  ): Machine {
    const rows = new MemoryRows();
    const key = messageRowKey(message);
    if (row !== null) rows.set(key, encodeMessageRow(row));
    if (hidden) rows.set(purgedRowKey(key, purge), EMPTY_ROW);
    const entries = new Map(held.map((each, position) => [position, { state: each }]));
    const disk = { state: { rows, logs: new Map([[log, { entries }]]), logOf: () => log } };
    const purges: PurgeView[] = [{ id: purge, author, entries: [], state }];
    return { disk, running: { replica: { members: { purges } } } } as unknown as Machine;
  }

  function rowAt(position: number): MessageRow {
    const place = { logNumber: 0, position };
    const conversation = "0c".repeat(16) as ConversationId;
    return { ...waiting, content: { hash: new Uint8Array(16), conversation, stamp, flags: 0, place } };
  }

  function areAhead(...machines: readonly Machine[]): readonly boolean[] {
    const witness = new PurgeWitness(
      () => undefined,
      () => undefined,
      () => false,
    );
    witness.wanted.add(message);
    return machines.map((machine) => witness.isAhead(machine, machines));
  }
  const shows = deviceWith(rowAt(0), ["present"]);

  it("where it had the message and has no tombstone of it", () => {
    deepEqual(areAhead(shows, deviceWith(rowAt(0), ["purged"])), [false, true]);
    deepEqual(areAhead(shows, deviceWith(rowAt(0), ["purged"], { hidden: true })), [false, false]);
  });

  it("where it was erased before it came, and another still has it", () => {
    deepEqual(areAhead(shows, deviceWith(null, ["purged"])), [false, true]);
    deepEqual(areAhead(shows, deviceWith(waiting, ["purged"])), [false, true]);
    deepEqual(areAhead(deviceWith(waiting, ["purged"]), shows), [true, false]);
  });

  it("no longer once a tombstone of a purge that counts is here", () => {
    deepEqual(areAhead(shows, deviceWith(waiting, ["purged"], { hidden: true })), [false, false]);
    const stopped = deviceWith(waiting, ["purged"], { hidden: true, state: "void" });
    deepEqual(areAhead(shows, stopped), [false, true]);
  });

  it("never where it has the message, or nothing that was erased", () => {
    deepEqual(areAhead(shows, deviceWith(waiting, [])), [false, false]);
    deepEqual(areAhead(shows, deviceWith(waiting, ["present"])), [false, false]);
    deepEqual(areAhead(shows, deviceWith(rowAt(1), ["purged", "present"])), [false, false]);
  });
});
