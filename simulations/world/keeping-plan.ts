/**
 * What people do to free space on their devices, as data; a part of plan.ts. In one world of four texts are evicted against another device's
 * promise and fetched back, devices keep messages for a while only, and devices are away or die in the middle of it. Who does it: keeping-people.ts.
 */
import { Random } from "../doubles/random.ts";
import type { FaultStep, PeopleStep } from "./steps.ts";

export type KeepingStep =
  /** Messages of that age, or all, are taken off the device as far as others promise to keep them. */
  | { readonly kind: "evict"; readonly device: number; readonly olderThanDays: number | null }
  /** Some of what was evicted there comes back. */
  | { readonly kind: "fetch-back"; readonly device: number; readonly pick: number; readonly count: number }
  /** How many days the device keeps messages; null: for ever. */
  | { readonly kind: "retention"; readonly device: number; readonly days: number | null };

type Planned = { readonly at: number } & (
  | KeepingStep
  | Extract<PeopleStep, { kind: "read" | "send" | "absence" }>
  | Extract<FaultStep, { kind: "isolate" | "crash" }>
);

const SECOND = 1_000;
const PICKS = 1_000;
const ALL = 10_000;
const WORLDS_PERCENT = 30;

/**
 * By a chance of its own, so that plans of seeds in which nobody frees space stay what they were. Not beside a hostile member: what that
 * promises and does not keep is lost where nobody else has it, which is no fault of the program (sync.md, "Keeping").
 */
export function keepingSteps(
  seed: number,
  world: {
    readonly devices: number;
    readonly conversations: number;
    readonly stormMs: number;
    readonly isHostile: boolean;
  },
): readonly Planned[] {
  const random = new Random(seed ^ 0x6b3e9);
  const { devices, conversations, stormMs, isHostile } = world;
  if (!random.chance(WORLDS_PERCENT) || isHostile) return [];
  const device = (): number => random.below(devices);
  const late = (): number => random.between(Math.floor(stormMs / 3), stormMs - 40 * SECOND);
  const steps: Planned[] = [];
  // What is not read is not evicted, nor the newest of a conversation.
  for (let conversation = 0; conversation < conversations; conversation++) {
    const at = random.between(Math.floor(stormMs / 6), Math.floor(stormMs / 3));
    steps.push({ at, kind: "send", device: device(), conversation, count: 4, isReceived: random.chance(50) });
    steps.push({ at: at + 5 * SECOND, kind: "read", device: device(), conversation });
  }
  for (let n = random.pick([3, 5, 8]); n > 0; n--) steps.push({ at: late(), ...evict(random, device()) });
  for (let n = random.pick([2, 4, 6]); n > 0; n--) steps.push({ at: late(), ...fetchBack(random, device()) });
  if (random.chance(50)) {
    const at = late();
    const keeper = device();
    steps.push({ at, kind: "retention", device: keeper, days: random.pick([1, 30]) });
    if (random.chance(50))
      steps.push({ at: random.between(at, stormMs), kind: "retention", device: keeper, days: null });
  }
  for (let n = random.pick([1, 2]); n > 0; n--) steps.push(...keeperAway(random, device(), late()));
  if (random.chance(60)) steps.push(...bothAtOnce(random, devices, late()));
  if (random.chance(50)) steps.push(...backAndAgain(random, device(), late()));
  if (random.chance(50)) steps.push(...dyingMeanwhile(random, devices, late()));
  return steps;
}

function evict(random: Random, device: number): KeepingStep {
  return { kind: "evict", device, olderThanDays: random.pick([null, null, null, 0, 1]) };
}

function fetchBack(random: Random, device: number): KeepingStep {
  return { kind: "fetch-back", device, pick: random.below(PICKS), count: random.pick([1, 5, ALL]) };
}

/** It hears nothing when it wants its messages back, nor when it wants more evicted; a little later it does. */
function keeperAway(random: Random, device: number, at: number): readonly Planned[] {
  const back: KeepingStep = { kind: "fetch-back", device, pick: random.below(PICKS), count: 5 };
  return [
    { at, kind: "evict", device, olderThanDays: null },
    { at: at + 12 * SECOND, kind: "isolate", device, forMs: 16 * SECOND },
    { at: at + 13 * SECOND, ...back },
    { at: at + 14 * SECOND, kind: "evict", device, olderThanDays: null },
    { at: at + 35 * SECOND, ...back },
  ];
}

/** Two devices want the same gone at the same time, or one of them soon after the other. */
function bothAtOnce(random: Random, devices: number, at: number): readonly Planned[] {
  const first = random.below(devices);
  const second = (first + 1 + random.below(devices - 1)) % devices;
  const afterMs = random.pick([0, 50, 15 * SECOND]);
  return [
    { at, kind: "evict", device: first, olderThanDays: null },
    { at: at + afterMs, kind: "evict", device: second, olderThanDays: null },
  ];
}

/** What has just come back is evicted again, while what was promised is still being released. */
function backAndAgain(random: Random, device: number, at: number): readonly Planned[] {
  return [
    { at, kind: "evict", device, olderThanDays: null },
    { at: at + 10 * SECOND, kind: "fetch-back", device, pick: random.below(PICKS), count: ALL },
    { at: at + 10 * SECOND + random.below(2 * SECOND), kind: "evict", device, olderThanDays: null },
  ];
}

/** Whoever evicts dies of it, or who promises. */
function dyingMeanwhile(random: Random, devices: number, at: number): readonly Planned[] {
  const device = random.below(devices);
  return [
    { at, kind: "evict", device, olderThanDays: null },
    {
      at,
      kind: "crash",
      device: random.chance(50) ? device : random.below(devices),
      calls: 1 + random.below(60),
      how: random.pick(["told", "silent"]),
      downMs: random.between(SECOND, 20 * SECOND),
      againAtCall: 0,
    },
    { at: at + 30 * SECOND, ...fetchBack(random, device) },
  ];
}
