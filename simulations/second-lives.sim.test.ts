/**
 * Devices with two lives, in a set of seeds of its own: an old copy put back (L11), a clone (L9), a lost disk. What must hold today: no
 * honest device breaks, nothing of other logs is lost, and where two histories meet a person is told. Replay one with SEED=n.
 */
import { ok } from "node:assert/strict";
import { planOfSecondLife } from "./world/plan.ts";
import { World } from "./world/world.ts";
import { skipUnless } from "../test/support/skip-unless.ts";

const fixed = process.env["SEED"];
const seeds = fixed === undefined ? [1, 2] : [Number(fixed)];

describe("devices with two lives", function () {
  this.timeout(120_000);
  const counts = new Map<string, number>();

  for (const kind of ["copy-put-back", "clone", "disk-lost"] as const) {
    for (const seed of seeds) {
      it(`L7, L9, L11: ${kind}: the others keep what they have and go on; SEED=${seed}`, async () => {
        const world = new World(planOfSecondLife(seed, kind));
        const { failure, counts: counted } = await world.run();
        if (failure !== null) throw new Error(`SEED=${seed}`, { cause: failure });
        ok(world.secondLives.touched.size === 1);
        for (const [path, count] of counted) counts.set(path, (counts.get(path) ?? 0) + count);
      });
    }
  }

  it("L7: tells a person where two histories of one log met", function () {
    skipUnless(this, fixed === undefined, "SEED asks for one seed only");
    ok((counts.get("alarm fork") ?? 0) > 0, "no fork was ever found in these seeds");
  });
});
