/** One seed, run and reported: what it found, and how to see it again. */
import { planOf, type Plan, stepText } from "../world/plan.ts";
import { World } from "../world/world.ts";

export interface SeedResult {
  readonly seed: number;
  /** Null: everything held. */
  readonly failure: string | null;
  readonly trace: string;
  readonly events: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly lines: readonly string[];
}

export async function runPlan(plan: Plan, isRecording = false): Promise<SeedResult> {
  const world = new World(plan, { isRecording });
  const { failure, trace, events, counts, lines } = await world.run();
  return {
    seed: plan.seed,
    failure: failure === null ? null : (failure.stack ?? failure.message),
    trace,
    events,
    counts: Object.fromEntries(counts),
    lines,
  };
}

/** The plan of a seed without some of its steps, by their places in the whole plan. */
export function planWithout(seed: number, dropped: readonly number[]): Plan {
  const plan = planOf(seed);
  const gone = new Set(dropped);
  return { ...plan, steps: plan.steps.filter((_, at) => !gone.has(at)) };
}

/** For a person: the seed, the commit, all steps with their places, and the command that runs it again. */
export function describeFailure(
  result: SeedResult,
  where: { readonly commit: string; readonly without: readonly number[] },
): string {
  const { seed, failure } = result;
  const gone = new Set(where.without);
  const steps = planOf(seed).steps.flatMap((step, at) =>
    gone.has(at) ? [] : [`  ${at}: ${stepText(step)}`],
  );
  const without = where.without.length === 0 ? "" : ` --without ${where.without.join(",")}`;
  return [
    `SEED=${seed} COMMIT=${where.commit}`,
    ...steps,
    failure ?? "everything held",
    `again: npm run sim -- --seed ${seed}${without} --commit ${where.commit} --trace`,
  ].join("\n");
}
