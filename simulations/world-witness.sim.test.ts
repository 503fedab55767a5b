/**
 * The witness of the simulated world: what it finds in what devices sign, seal, tell and say, and what it lets pass.
 */
import { deepEqual, equal } from "node:assert/strict";
import type { LogId, MessageId, TreeHash } from "../src/core/base/ids.ts";
import { messageRowKey } from "../src/core/inbox/row-keys.ts";
import { decodeMessageRow } from "../src/core/inbox/rows.ts";
import { MemoryDisk } from "./doubles/memory-disk.ts";
import { Canaries, MARK } from "./world/canary.ts";
import { quietPlan } from "./world/quiet-plan.ts";
import type { Violation } from "./world/violation.ts";
import { World } from "./world/world.ts";

describe("the witness of the world", function () {
  this.timeout(120_000);

  it("finds a head on a disk that was to be refused", () => {
    const failures: Violation[] = [];
    const { witness, machines } = new World(quietPlan([]));
    witness.onViolation = (violation): void => void failures.push(violation);
    const disk = new MemoryDisk();
    witness.watch(machines[0]!, disk);
    const write = (signature: Uint8Array): void => {
      const root = new Uint8Array(32) as TreeHash;
      const head = { log: "ab".repeat(32) as LogId, length: 1, root, signature };
      const state = { head, peaks: [], held: [], prefix: { length: 0, root } };
      const logs = [{ state, from: 0, entries: [], leaves: [], nodes: [] }];
      disk.write({ logs, puts: new Map(), dels: new Set(), meta: new Map() });
    };
    witness.mustBeRefused(new Uint8Array(64).fill(1));
    write(new Uint8Array(64).fill(2));
    equal(failures.length, 0);
    write(new Uint8Array(64).fill(1));
    deepEqual(
      failures.map(({ invariant }) => invariant),
      [10],
    );
  });

  it("finds two heads of one length, a nonce used twice, a message told twice and a text in the clear", () => {
    const failures: Violation[] = [];
    const world = new World(quietPlan([]));
    const [machine] = world.machines;
    const { witness } = world;
    const id = "ab".repeat(16) as MessageId;
    const spoilt = [
      (): void => witness.headSigned("device", "log", 3, "root"),
      (): void => witness.headSigned("device", "log", 3, "another root"),
      (): void => witness.sealed("key and nonce"),
      (): void => witness.sealed("key and nonce"),
      (): void => witness.messageEvent(machine!, id),
      (): void => witness.messageEvent(machine!, id),
      (): void => witness.heard(Buffer.from(`... ${MARK} ...`), "line", machine),
    ];
    witness.onViolation = (violation): void => void failures.push(violation);
    for (const spoil of spoilt) spoil();
    deepEqual(
      failures.map(({ invariant }) => invariant),
      [4, 12, 9, 11],
    );
  });

  it("knows that a message is news again which was damaged, forgotten and taken in once more", async () => {
    const world = new World(
      quietPlan([
        { at: 20_000, kind: "import", device: 0, backup: 0 },
        { at: 29_000, kind: "isolate", device: 0, forMs: 20_000 },
        { at: 31_000, kind: "verify", device: 0 },
        { at: 34_000, kind: "crash", device: 0, calls: 0, how: "silent", downMs: 1_000, againAtCall: 0 },
        { at: 40_000, kind: "import", device: 0, backup: 0 },
      ]),
    );
    const [machine] = world.machines;
    const told: MessageId[] = [];
    const { witness } = world;
    const tell = witness.messageEvent.bind(witness);
    witness.messageEvent = (of, id) => {
      if (of === machine) told.push(id);
      tell(of, id);
    };
    world.time.after(30_000, () => {
      const { state } = machine!.disk!;
      const { place } = decodeMessageRow(state.rows.get(messageRowKey(told[0]!))!).content!;
      machine!.damage(state.logOf(place.logNumber)!, place.position);
    });
    // The view is built again of what is left.
    world.time.after(34_500, () => machine!.upgrade());
    equal((await world.run()).failure, null);
    const again = told.filter((id, at) => told.indexOf(id) < at);
    deepEqual(again, [told[0]]);
    // Where it stands now nothing was ever damaged: a third time is one too many. So is a second one of any other.
    const failures: Violation[] = [];
    witness.onViolation = (violation): void => void failures.push(violation);
    tell(machine!, told[0]!);
    tell(machine!, told[1]!);
    deepEqual(
      failures.map(({ invariant }) => invariant),
      [9, 9],
    );
  });

  it("finds the mark and keys in every form that they may take", () => {
    const canaries = new Canaries();
    const key = Uint8Array.from({ length: 32 }, (_, at) => at * 7);
    canaries.add(key);
    const text = Buffer.from(`xy${MARK}z`);
    const forms = [
      text,
      Buffer.from(text.toString("hex")),
      Buffer.from(text.toString("base64")),
      Buffer.from(`a${text.toString()}`).toString("base64"),
      Buffer.from(`ab${text.toString()}`).toString("base64"),
      Buffer.from(text.toString(), "utf16le"),
      Buffer.concat([Buffer.from([1, 2]), key]),
    ].map((form) => Buffer.from(form));
    deepEqual(
      forms.map((form) => canaries.isIn(form)),
      forms.map(() => true),
    );
    equal(canaries.isIn(Buffer.from(`x${MARK.toLowerCase()}y`)), false);
  });
});
