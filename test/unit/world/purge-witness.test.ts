import { equal } from "node:assert/strict";
import type { Machine } from "../../../simulations/world/machine.ts";
import { PurgeWitness } from "../../../simulations/world/purge-witness.ts";
import type { ControlId, DeviceId, LogId, MessageId } from "../../../src/core/base/ids.ts";
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
