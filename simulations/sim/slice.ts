/** A process that runs the seeds that it is given, one a line, as they come, and prints one line of JSON for each. */
import "../../src/promise-with-resolvers.ts";
import { createInterface } from "node:readline";
import { planOf } from "../world/plan.ts";
import { runPlan } from "./run-seed.ts";

for await (const text of createInterface(process.stdin)) {
  const { lines: _, ...result } = await runPlan(planOf(Number(text)));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
