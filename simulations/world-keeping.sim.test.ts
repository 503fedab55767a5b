/** Freeing space in the world of whole devices. Sets of seeds run with `npm run sim`. Spec: docs/spec/sync.md, "Keeping". */
import { equal, match, ok } from "node:assert/strict";
import type { LogId } from "../src/core/base/ids.ts";
import { withoutPayload } from "../src/core/log/header.ts";
import { rangeOf } from "../src/core/log/ranges.ts";
import { encodePlaces } from "../src/app/replica/ledger.ts";
import { META } from "../src/app/replica/meta-names.ts";
import type { Machine } from "./world/machine.ts";
import type { Plan, Step } from "./world/plan.ts";
import { quietPlan, send } from "./world/quiet-plan.ts";
import { Violation } from "./world/violation.ts";
import { World } from "./world/world.ts";

const SENT = 6;

describe("freeing space in the world of whole devices", function () {
  this.timeout(120_000);
  const evict = (at: number, device: number): Step => ({ at, kind: "evict", device, olderThanDays: null });
  const fetchBack = (at: number, device: number): Step => ({
    at,
    kind: "fetch-back",
    device,
    pick: 0,
    count: 100,
  });
  const planWith = (...steps: readonly Step[]): Plan => quietPlan([send(20_000, 0, SENT), ...steps]);

  /** What the world counts where nothing is wrong. */
  async function countsOf(plan: Plan): Promise<(path: string) => number> {
    const world = new World(plan);
    equal((await world.run()).failure, null);
    return (path) => world.counts.get(path) ?? 0;
  }

  /** What the judge says of a world in which something is done to the disks after 50 s. */
  async function foundIn(plan: Plan, spoil: (machines: readonly Machine[]) => void): Promise<string> {
    const world = new World(plan);
    world.time.after(50_000, () => spoil(world.machines));
    const { failure } = await world.run();
    ok(failure instanceof Violation && failure.invariant === 2, String(failure));
    return failure.message;
  }

  /** The messages log of a device. */
  function messagesLog({ running }: Machine): LogId {
    const { members, self } = running!.replica;
    const [log] = [...members.logs].find(
      ([, { device, logClass }]) => device === self && logClass === "messages",
    )!;
    return log;
  }

  it("I2: texts leave a device against a promise, come back, and the promise is released", async () => {
    const count = await countsOf(planWith(evict(30_000, 1), fetchBack(40_000, 1)));
    // Once in the storm, and once more in the calm, when the other device frees what is not promised by then.
    ok(count("evicted against a promise") >= 2 * (SENT - 2), String(count("evicted against a promise")));
    ok(count("fetched back") >= 2);
    ok(count("promise released") >= 2);
  });

  it("I2: two devices that free space at once never both free one message", async () => {
    const count = await countsOf(planWith(evict(30_000, 0), evict(30_000, 1)));
    ok(count("evicting refused promised-to-others") > 0);
  });

  it("frees nothing where nobody promises, and brings nothing back while the keeper is away", async () => {
    const keeps: Step = { at: 25_000, kind: "retention", device: 0, days: 1 };
    const refused = await countsOf(planWith(keeps, evict(30_000, 1)));
    // In the calm the second of two has nobody either, since the first has evicted the same.
    const promised = await countsOf(planWith(evict(30_000, 1)));
    const path = "evicting refused not-promised";
    equal(refused(path), promised(path) + 1);
    const away: Step = { at: 38_000, kind: "isolate", device: 1, forMs: 15_000 };
    const vain = await countsOf(planWith(evict(30_000, 1), away, fetchBack(40_000, 1)));
    equal(vain("fetch in vain"), 1);
  });

  it("I6: a view that is built again without what was evicted is whole in the end", async () => {
    const upgrade: Step = { at: 45_000, kind: "upgrade", device: 1 };
    const count = await countsOf({ ...planWith(evict(30_000, 1), upgrade), older: 1 });
    equal(count("view built again without what was evicted"), 1);
  });

  it("I2: finds what was evicted and nobody has promised to keep", async () => {
    const found = await foundIn(planWith(), ([first]) => {
      const { disk } = first!;
      const log = messagesLog(first!);
      const empty = withoutPayload(disk!.state.logs.get(log)!.entries.get(1)!, "absent");
      const bodiless = new Map([[log, new Map([[1, empty]])]]);
      disk!.write({ logs: [], puts: new Map(), dels: new Set(), meta: new Map(), bodiless });
    });
    match(found, /no other disk holds and has promised/);
  });

  it("I2: finds a promise that was forgotten, and a payload that its keeper has lost", async () => {
    const plan = planWith(evict(30_000, 1), send(55_000, 1));
    const forgotten = await foundIn(plan, ([first, second]) => {
      first!.disk!.state.meta.delete(`${META.keptFor}${second!.device}`);
    });
    match(forgotten, /device-0 forgot what it promised device-1/);
    const lost = await foundIn(plan, ([first]) => {
      const { entries } = first!.disk!.state.logs.get(messagesLog(first!))!;
      for (const [position, entry] of entries) entries.set(position, withoutPayload(entry, "absent"));
    });
    match(lost, /device-0 lost what it keeps for device-1/);
  });

  it("I2: finds in the end what nobody can bring back, and what is kept for nobody", async () => {
    const gone = await foundIn(planWith(evict(30_000, 1)), ([, second]) => {
      const { messages } = second!.running!.node;
      (messages as { fetch: typeof messages.fetch }).fetch = () => Promise.resolve({ done: 0 });
    });
    match(gone, /cannot be fetched back/);
    const loose = await foundIn(planWith(), ([first, second]) => {
      const places = new Map([[messagesLog(first!), rangeOf(1, 3)]]);
      first!.disk!.state.meta.set(`${META.keptFor}${second!.device}`, encodePlaces(places));
    });
    match(loose, /keeps 2 messages for device-1, which relies on none/);
  });
});
