/**
 * The world of whole devices itself: a seed repeats, and what breaks an invariant is found. Sets of seeds run with `npm run sim`.
 */
import { deepEqual, equal, match, notDeepEqual, notEqual, ok } from "node:assert/strict";
import type { LogId } from "../src/core/base/ids.ts";
import type { RowKey } from "../src/core/log/rows.ts";
import type { ForkEvidence } from "../src/app/node/alarm-types.ts";
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
