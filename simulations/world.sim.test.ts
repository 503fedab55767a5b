/**
 * The world of whole devices itself: a seed repeats, and what breaks an invariant is found. Sets of seeds run with `npm run sim`.
 */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import type { MessageId } from "../src/core/base/ids.ts";
import { Canaries, MARK } from "./world/canary.ts";
import { addressOf } from "./world/people.ts";
import { type Plan, planOf, type Step } from "./world/plan.ts";
import { Violation } from "./world/violation.ts";
import { World } from "./world/world.ts";

/** Two devices that meet in peace, and what a test adds. */
function quietPlan(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  const link: Step = {
    at: 0,
    kind: "link",
    device: 0,
    joiner: 1,
    code: "words",
    isRefused: false,
    diesAtCall: 0,
  };
  return {
    ...planOf(1),
    devices: 2,
    older: null,
    stormMs: 60_000,
    delayMsMax: 20,
    discoveryLossPercent: 0,
    steps: [link, ...steps],
    ...more,
  };
}

const send = (at: number, device: number, count = 3): Step => ({
  at,
  kind: "send",
  device,
  conversation: 0,
  count,
  isReceived: false,
});

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

  it("fails where the program breaks off with anything but an operating error", async () => {
    const failure = await failureOf(quietPlan([]), (world) => {
      world.time.after(20_000, () => {
        void Promise.reject(new Error("a fault of the program"));
      });
    });
    match(String(failure), /a fault of the program/);
  });
});
