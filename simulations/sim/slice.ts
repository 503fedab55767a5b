/** A process that runs the seeds given as arguments, one after the other, and prints one line of JSON for each. */
import "../../src/promise-with-resolvers.ts";
import { planOf } from "../world/plan.ts";
import { runPlan } from "./run-seed.ts";

for (const text of process.argv.slice(2)) {
  const { lines: _, ...result } = await runPlan(planOf(Number(text)));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
