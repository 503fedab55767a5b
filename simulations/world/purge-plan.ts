/**
 * What people do to have messages erased, as data; a part of plan.ts. Small purges, some at the same time as something else on a device that
 * does not hear of them; now and then a large one, which waits until another device agrees, or is stopped. Who does it: purge-people.ts.
 */
import { Random } from "../doubles/random.ts";
import type { HostileStep } from "./hostile-plan.ts";
import type { InboxStep } from "./inbox-plan.ts";
import type { FaultStep, PeopleStep } from "./steps.ts";

export type PurgeStep =
  | {
      readonly kind: "purge";
      readonly device: number;
      /** As in `mark`: even: one that all have who are there, and the same each time. */
      readonly pick: number;
      readonly count: number;
      /** Of those that were sent, or of those that were taken in. */
      readonly of: "sent" | "taken-in";
    }
  /** Many messages are sent at once, and then purged together. */
  | { readonly kind: "purge-many"; readonly device: number; readonly count: number }
  /** What waits here of others is agreed to, or of anybody is stopped. */
  | { readonly kind: "purge-approve" | "purge-stop"; readonly device: number };

type Planned = { readonly at: number } & (
  | PurgeStep
  | HostileStep
  | InboxStep
  | Extract<PeopleStep, { kind: "import" }>
  | Extract<FaultStep, { kind: "isolate" }>
);

export interface PurgePlan {
  readonly steps: readonly Planned[];
  /** So often all devices are switched off for more than a week when the storm is over: in the end a month has passed. */
  readonly weeksOff: number;
}

const SECOND = 1_000;
const PICKS = 1_000;
const MANY = 100;
const WEEKS = 5;
const APART_MS = SECOND;
const HOSTILE_FOR_MS = 5 * SECOND;

/** By a chance of its own, so that all the rest of a plan stays what it was. */
export function purgePlan(
  seed: number,
  devices: number,
  stormMs: number,
  hostileFrom: number | null,
): PurgePlan {
  const random = new Random(seed ^ 0x9e4a5e);
  const steps: Planned[] = [];
  const late = (): number => random.between(Math.floor(stormMs / 3), stormMs);
  for (let n = random.pick([0, 1, 2, 3]); n > 0; n--)
    steps.push({ at: late(), ...smallPurge(random, random.below(devices)) });
  if (random.chance(60)) steps.push(...race(random, devices, late()));
  const isMany = devices < 5 && random.chance(20);
  if (isMany) steps.push(...many(random, devices, stormMs));
  if (hostileFrom !== null && random.chance(60))
    steps.push(...hostile(random, devices, hostileFrom, stormMs));
  return { steps, weeksOff: isMany && random.chance(40) ? WEEKS : 0 };
}

function smallPurge(random: Random, device: number): PurgeStep {
  return {
    kind: "purge",
    device,
    pick: random.below(PICKS),
    count: random.pick([1, 1, 2, 5]),
    of: random.chance(75) ? "sent" : "taken-in",
  };
}

/** One device purges a message while another, which hears nothing of it, does something else to it. */
function race(random: Random, devices: number, at: number): readonly Planned[] {
  const first = random.below(devices);
  const second = (first + 1 + random.below(devices - 1)) % devices;
  const pick = 2 * random.below(PICKS / 2);
  const purge: Planned = { at, kind: "purge", device: first, pick, count: 1, of: "sent" };
  const apart: Planned = { at: at - APART_MS, kind: "isolate", device: second, forMs: 8 * SECOND };
  const mark = (afterMs: number, what: "delete" | "restore" | "edit" | "react", count = 1): Planned => ({
    at: at + afterMs,
    kind: "mark",
    device: second,
    what,
    pick,
    choice: 1,
    count,
  });
  switch (random.below(4)) {
    case 0:
      return [apart, purge, mark(0, "delete"), mark(2 * SECOND, "restore")];
    case 1:
      return [apart, purge, mark(0, "edit", 2)];
    case 2:
      return [apart, purge, mark(0, "react")];
    default: {
      const backup = random.below(2);
      const taken = { kind: "import", backup } as const;
      const several: Planned = { ...purge, kind: "purge", of: "taken-in", count: 3 };
      return [
        { at: at - 20 * SECOND, ...taken, device: first },
        apart,
        several,
        { at, ...taken, device: second },
      ];
    }
  }
}

/** Then it waits; some agree, some stop it, and some do nothing. */
function many(random: Random, devices: number, stormMs: number): readonly Planned[] {
  const at = random.between(Math.floor(stormMs / 2), Math.floor((stormMs * 3) / 4));
  const device = random.below(devices);
  const steps: Planned[] = [{ at, kind: "purge-many", device, count: MANY }];
  const answer = random.pick(["purge-approve", "purge-stop", null] as const);
  if (answer === null) return steps;
  for (let n = 1; n < 4; n++)
    steps.push({
      at: at + n * 20 * SECOND,
      kind: answer,
      device: answer === "purge-stop" ? random.below(devices) : (device + n) % devices,
    });
  return steps;
}

/** The hostile member wants all of it gone, at once or little by little, and says that it is. */
function hostile(random: Random, devices: number, fromMs: number, stormMs: number): readonly Planned[] {
  const lies = random.pick([["purges-all"], ["purges-few"], ["purges-few", "purges-all"]] as const);
  const steps = lies.flatMap((lie): readonly Planned[] =>
    [0, 1].map(() => ({
      at: random.between(fromMs, stormMs - HOSTILE_FOR_MS),
      kind: "hostile-visit",
      device: random.below(devices),
      history: 0,
      lie,
      writes: false,
      forMs: HOSTILE_FOR_MS,
    })),
  );
  if (random.chance(50))
    steps.push({ at: stormMs - SECOND, kind: "purge-stop", device: random.below(devices) });
  return steps;
}
