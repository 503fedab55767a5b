/** Purging in the world of whole devices. Sets of seeds run with `npm run sim`. Spec: docs/spec/purge.md. */
import { equal } from "node:assert/strict";
import type { Step } from "./world/plan.ts";
import { quietPlan, send } from "./world/quiet-plan.ts";
import { World } from "./world/world.ts";

describe("purges in the world of whole devices", function () {
  this.timeout(120_000);
  const many: Step = { at: 20_000, kind: "purge-many", device: 0, count: 100 };

  it("L8: a large one waits for another device, and then nothing of it is left on any", async () => {
    const waiting = new World(quietPlan([many]));
    equal((await waiting.run()).failure, null);
    equal(waiting.counts.get("large purge held back to the end"), 1);
    equal(waiting.counts.get("payloads erased"), undefined);
    const approved = new World(quietPlan([many, { at: 40_000, kind: "purge-approve", device: 1 }]));
    equal((await approved.run()).failure, null);
    equal(approved.counts.get("large purge approved by another device"), 1);
    equal(approved.counts.get("payloads erased"), 2);
  });

  it("L8: a large one that is stopped leaves all of it in the bin", async () => {
    const world = new World(quietPlan([many, { at: 40_000, kind: "purge-stop", device: 1 }]));
    equal((await world.run()).failure, null);
    equal(world.counts.get("large purge stopped to the end"), 1);
    equal(world.counts.get("payloads erased"), undefined);
  });

  it("P9: a large one that is stopped while another device agrees to it is carried out everywhere", async () => {
    const away: Step = { at: 39_000, kind: "isolate", device: 1, forMs: 8_000 };
    const agree: Step = { at: 40_000, kind: "purge-approve", device: 1 };
    const stop: Step = { at: 40_000, kind: "purge-stop", device: 0 };
    const world = new World(quietPlan([many, away, agree, stop]));
    equal((await world.run()).failure, null);
    equal(world.counts.get("large purge stopped"), 1);
    equal(world.counts.get("large purge stopped to the end"), undefined);
    equal(world.counts.get("payloads erased"), 2);
  });

  it("L8: a small one is carried out everywhere, with what another device says of it at the same time", async () => {
    const away: Step = { at: 29_000, kind: "isolate", device: 1, forMs: 8_000 };
    const purge: Step = { at: 30_000, kind: "purge", device: 0, pick: 0, count: 1, of: "sent" };
    const edit: Step = { at: 30_000, kind: "mark", device: 1, what: "edit", pick: 0, choice: 1, count: 1 };
    const world = new World(quietPlan([send(20_000, 0), away, purge, edit]));
    equal((await world.run()).failure, null);
    equal(world.counts.get("late place named by a further purge"), 1);
  });

  for (const device of [0, 1])
    it(`P9: where a clock was behind and came right, as on device ${device}, a large one stands a week less`, async () => {
      const behind: Step = { at: 10_000, kind: "clock", device, offMs: -315_532_800_000 };
      const world = new World(quietPlan([behind, many], { weeksOff: 5 }));
      equal((await world.run()).failure, null);
      equal(world.counts.get("large purge carried out after a month"), 1);
    });

  it("P9: the bin ends for what was taken in and cleared with its conversation", async () => {
    const taken: Step = { at: 20_000, kind: "import", device: 0, backup: 0 };
    const clear: Step = { at: 30_000, kind: "clear", device: 0, conversation: 0 };
    const world = new World(quietPlan([taken, clear], { weeksOff: 5 }));
    equal((await world.run()).failure, null);
    equal((world.counts.get("payloads erased") ?? 0) > 0, true);
  });

  it("L8: what a hostile member wanted gone is in the bin where it is stopped, whoever restored it before", async () => {
    const visit = { kind: "hostile-visit", device: 0, history: 0, writes: false, forMs: 3_000 } as const;
    const world = new World(
      quietPlan([
        send(18_000, 0, 100),
        { at: 20_000, kind: "delete", device: 0, pick: 0, count: 1 },
        { at: 21_000, kind: "restore", device: 0, pick: 0, count: 1 },
        { at: 25_000, kind: "hostile-join", device: 0 },
        { ...visit, at: 36_000, lie: "none" },
        { ...visit, at: 40_000, lie: "purges-all" },
        { at: 50_000, kind: "purge-stop", device: 1 },
      ]),
    );
    equal((await world.run()).failure, null);
    equal(world.counts.get("large purge stopped to the end"), 1);
  });

  it("P9: nothing is compared in the end while what a device agrees to is on its way to its disk", async () => {
    const away: Step = { at: 29_000, kind: "isolate", device: 0, forMs: 60_000 };
    const purge: Step = { at: 30_000, kind: "purge", device: 1, pick: 0, count: 1, of: "sent" };
    const world = new World(quietPlan([send(20_000, 0), away, purge], { syncMsMax: 800 }));
    equal((await world.run()).failure, null);
    equal(world.counts.get("payloads erased"), 2);
  });
});
