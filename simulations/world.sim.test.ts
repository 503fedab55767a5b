/**
 * The world of whole devices itself: a seed repeats, and what breaks an invariant is found. Sets of seeds run with `npm run sim`.
 */
import { deepEqual, equal, match, notDeepEqual, notEqual, ok } from "node:assert/strict";
import type { LogId, MessageId, TreeHash } from "../src/core/base/ids.ts";
import { messageRowKey } from "../src/core/inbox/row-keys.ts";
import { decodeMessageRow } from "../src/core/inbox/rows.ts";
import type { RowKey } from "../src/core/log/rows.ts";
import type { ForkEvidence } from "../src/app/node/alarm-types.ts";
import { MemoryDisk } from "./doubles/memory-disk.ts";
import { Canaries, MARK } from "./world/canary.ts";
import type { Lie } from "./world/lying-stream.ts";
import { addressOf } from "./world/people.ts";
import { type Plan, planOf, type Step } from "./world/plan.ts";
import { quietPlan, send } from "./world/quiet-plan.ts";
import { Violation } from "./world/violation.ts";
import { World } from "./world/world.ts";

/** What the judge says of a world to which something was done. */
async function failureOf(plan: Plan, spoil: (world: World) => void): Promise<Error | null> {
  const world = new World(plan);
  spoil(world);
  return (await world.run()).failure;
}

function brokenInvariant(failure: Error | null): number | null {
  return failure instanceof Violation ? failure.invariant : null;
}

describe("the world of whole devices", function () {
  this.timeout(120_000);

  it("invariant 15: gives the same trace for the same seed, and another for another", async () => {
    const run = (seed: number): Promise<Awaited<ReturnType<World["run"]>>> =>
      new World(planOf(seed), { isRecording: true }).run();
    const first = await run(5);
    equal(first.failure, null);
    ok(first.lines.length > 100);
    const second = await run(5);
    deepEqual(second.lines, first.lines);
    equal(second.trace, first.trace);
    notEqual((await run(4)).trace, first.trace);
  });

  it("lets two devices link, write, and be equal in peace", async () => {
    const world = new World(quietPlan([send(20_000, 0), send(21_000, 1)]));
    const { failure, counts } = await world.run();
    equal(failure, null);
    equal(counts.get("linked"), 1);
    equal(counts.get("messages promised"), 6);
  });

  it("finds an acknowledgement of what the disk does not hold", async () => {
    const failure = await failureOf(quietPlan([send(20_000, 0)]), (world) => {
      const [, second] = world.machines;
      // What the second device is given never reaches its disk, and it is told that it did.
      world.time.after(15_000, () => {
        second!.disk!.write = () => undefined;
      });
    });
    equal(brokenInvariant(failure), 2);
  });

  it("finds that a device does not show what it was told that it has done", async () => {
    const edit: Step = { at: 30_000, kind: "mark", device: 0, what: "edit", pick: 0, choice: 1, count: 1 };
    const plan = quietPlan([send(20_000, 0), edit]);
    equal((await new World(plan).run()).failure, null);
    const failure = await failureOf(plan, (world) => {
      world.time.after(25_000, () => {
        const { messages } = world.machines[0]!.running!.node;
        (messages as { edit: typeof messages.edit }).edit = () => Promise.resolve({ done: 1 });
      });
    });
    equal(brokenInvariant(failure), 8);
  });

  it("finds in the end what is overruled by a word that was said behind it", async () => {
    const title: Step = {
      at: 30_000,
      kind: "property",
      device: 0,
      what: "title",
      conversation: 0,
      choice: 1,
    };
    const failure = await failureOf(quietPlan([send(20_000, 0), title]), (world) => {
      world.time.after(50_000, () => {
        const [first] = world.machines;
        const { words } = world.witness;
        const subject = { of: "title", conversation: addressOf(0) } as const;
        const said = { what: "title", value: "another" };
        void words.say([subject], first!, said, () => Promise.resolve({ done: 1 }));
        first!.isRepairing = true;
      });
      world.time.after(51_000, () => {
        world.machines[0]!.isRepairing = false;
      });
    });
    equal(brokenInvariant(failure), 8);
    match(String(failure), /in the end/);
  });

  it("finds that a device has lost what it had acknowledged, also while its program does not run", async () => {
    const away: Step = { at: 40_000, kind: "absence", device: 1, forMs: 3_600_000 };
    const failure = await failureOf(quietPlan([send(20_000, 0), away, send(51_000, 0)]), (world) => {
      world.time.after(50_000, () => {
        for (const stored of world.machines[1]!.disk!.state.logs.values())
          stored.state = { ...stored.state, held: [] };
      });
    });
    equal(brokenInvariant(failure), 2);
    match(String(failure), /count on it/);
  });

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

  it("finds more bytes on their way to one peer than its streams may hold", async () => {
    const failure = await failureOf(quietPlan([send(20_000, 0), send(51_000, 0, 40)]), (world) => {
      world.time.after(50_000, () => {
        const { net } = world.machines[0]!.running!;
        net.unreadBy = () => new Map([["stranger", 2 ** 21]]);
      });
    });
    equal(brokenInvariant(failure), 14);
  });

  it("finds a promised message that a restart has lost", async () => {
    const crash: Step = {
      at: 30_000,
      kind: "crash",
      device: 0,
      calls: 0,
      how: "told",
      downMs: 100,
      againAtCall: 0,
    };
    const failure = await failureOf(quietPlan([send(20_000, 0), crash], { devices: 2 }), (world) => {
      const [first] = world.machines;
      world.time.after(15_000, () => {
        first!.disk!.write = () => undefined;
      });
    });
    ok([1, 2, 6].includes(brokenInvariant(failure)!), String(failure));
  });

  it("finds other bytes at a position than those that were written there", async () => {
    const failure = await failureOf(quietPlan([send(20_000, 0)]), (world) => {
      world.time.after(30_000, () => {
        const [first] = world.machines;
        for (const { entries, state } of first!.disk!.state.logs.values()) {
          const entry = entries.get(0)!;
          if (state.head.length > 0) entries.set(0, { ...entry, bytes: entry.bytes.map((byte) => byte ^ 1) });
        }
      });
    });
    equal(brokenInvariant(failure), 5);
  });

  it("finds a row of a view that another device with the same entries has otherwise", async () => {
    const failure = await failureOf(quietPlan([send(20_000, 0)]), (world) => {
      world.time.after(50_000, () => {
        const { rows } = world.machines[0]!.disk!.state;
        // When a message was unsent that nobody wrote: nothing shows it.
        const [, name] = [...rows].find(([key]) => key.startsWith("d"))!;
        rows.set(`u${"\0".repeat(16)}` as RowKey, name);
      });
    });
    equal(brokenInvariant(failure), 6);
    match(String(failure), /another inbox of the same set/);
  });

  describe("a member that misuses its keys", () => {
    const link: Step = {
      at: 12_000,
      kind: "link",
      device: 0,
      joiner: 2,
      code: "words",
      isRefused: false,
      diesAtCall: 0,
    };
    const visit = (at: number, device: number, history: 0 | 1, lie: Lie = "none", writes = false): Step => ({
      at,
      kind: "hostile-visit",
      device,
      history,
      lie,
      writes,
      forMs: 2_000,
    });
    const apart: Step = { at: 39_000, kind: "isolate", device: 1, forMs: 8_000 };
    const planWith = (...steps: readonly Step[]): Plan =>
      quietPlan([link, { at: 25_000, kind: "hostile-join", device: 0 }, send(36_000, 0), ...steps], {
        devices: 3,
      });

    it("L7, C2: devices that were shown two histories of one log tell their people, and agree on the rest", async () => {
      const world = new World(planWith(apart, visit(40_000, 0, 0), visit(43_000, 1, 1)));
      const { failure, counts } = await world.run();
      equal(failure, null);
      ok((counts.get("fork between honest devices told") ?? 0) > 0);
      equal(world.witness.forksTold.size, 3);
      const [log] = world.witness.forksTold.get(world.machines[0]!)!;
      const roots = world.machines.map(({ disk }) => disk!.state.logs.get(log as LogId)!.state.head.root);
      notDeepEqual(roots[0], roots[1]);
      // All else that this member wrote is waited for: what it had erased is missing on a device that has not been told yet what it was.
      const { logs } = world.machines[0]!.running!.replica.members;
      const excused = [...world.witness.forked].map((each) => logs.get(each as LogId)?.logClass);
      deepEqual(excused, ["messages"]);
    });

    it("L7, C2: so do devices that were shown two histories of different lengths", async () => {
      const plan = planWith(apart, visit(40_000, 0, 0), visit(43_000, 1, 1, "none", true));
      const world = new World(plan);
      const { failure, counts } = await world.run();
      equal(failure, null);
      ok((counts.get("fork of two lengths told") ?? 0) > 0);
      const [log] = [...world.witness.forksTold.values()].flatMap((logs) => [...logs]);
      const lengths = world.machines.map(({ disk }) => disk!.state.logs.get(log as LogId)!.state.head.length);
      equal(new Set(lengths).size, 2);
      for (const { disk } of world.machines) ok(disk!.state.meta.has(`fork/${log}`), "the evidence is kept");
      equal(world.witness.forksTold.size, 3);
    });

    it("L7: the judge finds an alarm of an honest log, and one whose evidence is none", async () => {
      const world = new World(planWith(apart, visit(40_000, 0, 0), visit(43_000, 1, 1)));
      const told: ForkEvidence[] = [];
      const tell = world.witness.forkTold.bind(world.witness);
      world.witness.forkTold = (machine, evidence) => {
        told.push(evidence);
        tell(machine, evidence);
      };
      equal((await world.run()).failure, null);
      const [evidence] = told;
      const failures: Violation[] = [];
      world.witness.onViolation = (violation) => failures.push(violation);
      const [machine] = world.machines;
      world.witness.forkTold(machine!, { ...evidence!, heads: evidence!.heads.with(1, evidence!.heads[0]!) });
      world.witness.forked.clear();
      world.witness.forkTold(machine!, evidence!);
      deepEqual(
        failures.map(({ invariant }) => invariant),
        [4, 4],
      );
    });

    it("L7: the judge finds a fork that nobody is told of", async () => {
      const failure = await failureOf(
        planWith(apart, visit(40_000, 0, 0), visit(43_000, 1, 1)),
        ({ witness }) => {
          witness.forkTold = () => undefined;
        },
      );
      equal(brokenInvariant(failure), 4);
    });

    it("L7: a member that brings a second history is shown the evidence", async () => {
      const { failure, counts } = await new World(planWith(visit(40_000, 0, 0), visit(43_000, 0, 1))).run();
      equal(failure, null);
      equal(counts.get("hostile device shown its own fork"), 1);
      ok((counts.get("alarm fork") ?? 0) > 0);
    });

    const closed = [
      ["unsolicited", "session closed unsolicited"],
      ["bad-proof", "session closed bad-proof"],
      ["bad-signature", "session closed bad-signature"],
      ["offers-more", "hostile device asked for what it offered"],
      ["far-ahead", "head far ahead taken"],
      ["erases", "erasing without a purge refused"],
    ] as const;
    for (const [lie, path] of closed) {
      it(`C3: ${lie}: the others notice, or lose nothing by it`, async () => {
        // The second time it is known by what it told the first time.
        const plan = planWith(visit(40_000, 0, 0, lie), visit(43_000, 0, 0, lie));
        const { failure, counts } = await new World(plan).run();
        equal(failure, null);
        ok((counts.get(path) ?? 0) > 0, path);
      });
    }
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

  it("S4: waits for a device whose disk was full until the end to open its store anew, and not for ever", async () => {
    const full: Step = { at: 58_000, kind: "disk-full", device: 1, forMs: 60_000 };
    const plan = quietPlan([send(20_000, 0), full, send(59_000, 1)]);
    const world = new World(plan);
    equal((await world.run()).failure, null);
    equal(world.counts.get("send refused DISK_FULL"), 3);
    const failure = await failureOf(plan, ({ machines: [, second], time }) => {
      // There is room again for everybody but this one.
      time.after(59_900, () => {
        second!.disk!.setFull = () => undefined;
      });
    });
    equal(brokenInvariant(failure), 13);
  });

  it("fails where the program breaks off with anything but an operating error", async () => {
    const failure = await failureOf(quietPlan([]), (world) => {
      world.time.after(20_000, () => {
        void Promise.reject(new Error("a fault of the program"));
      });
    });
    match(String(failure), /a fault of the program/);
  });
});
