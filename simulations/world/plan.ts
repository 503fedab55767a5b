/**
 * What happens in a world, as data: everything that people do and every fault, each with its time. A seed makes one plan; the shrinker
 * drops steps of it. A step holds all that it needs, so that dropping one changes no other.
 */
import { Random } from "../doubles/random.ts";
import { faultStep } from "./fault-plan.ts";
import { type HostileStep, hostileSteps } from "./hostile-plan.ts";
import { type InboxStep, inboxSteps } from "./inbox-plan.ts";
import { type KeepingStep, keepingSteps } from "./keeping-plan.ts";
import { purgePlan, type PurgeStep } from "./purge-plan.ts";
import type { FaultStep, PeopleStep, SecondLifeStep } from "./steps.ts";

export type Step = { readonly at: number } & (
  | PeopleStep
  | InboxStep
  | PurgeStep
  | KeepingStep
  | FaultStep
  | SecondLifeStep
  | HostileStep
);

export interface Plan {
  readonly seed: number;
  readonly devices: number;
  /** The device that begins with an older version of the program; null: none. */
  readonly older: number | null;
  readonly stormMs: number;
  readonly delayMsMax: number;
  readonly pieceBytesMax: number;
  readonly syncMsMax: number;
  readonly batchBytesMax: number;
  readonly slowPercent: number;
  readonly slowMsMax: number;
  readonly discoveryLossPercent: number;
  readonly backups: number;
  /** So often everything is switched off for more than a week, once the storm is over. */
  readonly weeksOff: number;
  readonly steps: readonly Step[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const CONVERSATIONS = 5;

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const devices = random.pick([2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8]);
  // Most worlds are short and dense; some last hours.
  const stormMs = random.pick([2 * MINUTE, 4 * MINUTE, 4 * MINUTE, 10 * MINUTE, 10 * MINUTE, 3 * HOUR]);
  const stepsOf = devices > 4 ? 30 : 45;
  const faults = random.pick([6, 14, 25, 40]);
  const steps: Step[] = [];
  const time = (): number => random.between(0, stormMs);
  // The first two meet in peace in most worlds; everyone else joins in the middle of it.
  for (let joiner = 1; joiner < devices; joiner++) {
    const at = joiner === 1 && random.chance(80) ? 0 : random.between(0, Math.floor(stormMs / 2));
    steps.push(linkStep(random, at, joiner));
    if (random.chance(50))
      steps.push({ ...linkStep(random, time(), joiner), at: random.between(at, stormMs) });
  }
  for (let n = 0; n < stepsOf; n++) steps.push({ at: time(), ...peopleStep(random, devices, stormMs) });
  for (let n = 0; n < faults; n++) steps.push({ at: time(), ...faultStep(random, devices, stormMs) });
  // By a chance of its own, so that the plans of seeds that broke before it came stay what they were.
  const later = new Random(seed + 0xc4a7);
  const batchBytesMax = later.pick([300, 300, 1_500, 131_072]);
  for (let n = later.pick([0, 1, 3]); n > 0; n--)
    steps.push({ at: later.between(0, stormMs), ...chatterStep(later, devices) });
  if (devices > 2 && later.chance(50)) steps.push(...sleeperSteps(later, devices, stormMs));
  const inbox = new Random(seed + 0x1b0c);
  steps.push(...inboxSteps(inbox, devices, stormMs, CONVERSATIONS));
  const older = inbox.chance(25) ? inbox.below(devices) : null;
  // Else it is upgraded when all is calm.
  if (older !== null && inbox.chance(50))
    steps.push({ at: inbox.between(Math.floor(stormMs / 3), stormMs), kind: "upgrade", device: older });
  const hostile = hostileSteps(seed, devices, stormMs);
  const purges = purgePlan(seed, devices, stormMs, hostile.length === 0 ? null : hostile[0]!.at);
  const isHostile = hostile.length > 0;
  const keeping = keepingSteps(seed, { devices, conversations: CONVERSATIONS, stormMs, isHostile });
  return {
    seed,
    devices,
    older,
    stormMs,
    delayMsMax: random.pick([2, 20, 120, 400]),
    pieceBytesMax: random.pick([120, 1_400, 20_000]),
    syncMsMax: random.pick([1, 5, 40, 300]),
    batchBytesMax,
    slowPercent: random.pick([0, 2, 15]),
    slowMsMax: random.pick([1, 10, 100]),
    discoveryLossPercent: random.pick([0, 10, 40]),
    backups: 2,
    weeksOff: purges.weeksOff,
    steps: [...withDeaths(seed, devices, stormMs, steps), ...hostile, ...purges.steps, ...keeping].toSorted(
      (a, b) => a.at - b.at,
    ),
  };
}

/** Devices that die while they start or join, and admissions apart; by a chance of their own as well. */
function withDeaths(seed: number, devices: number, stormMs: number, steps: readonly Step[]): readonly Step[] {
  const random = new Random(seed + 0xd1e5);
  const apart = devices > 3 && random.chance(40) ? admissionsApart(random, stormMs) : [];
  const dying = steps.map((step): Step => {
    if (step.kind === "link" && random.chance(20)) return { ...step, diesAtCall: 1 + random.below(260) };
    if (step.kind === "crash" && random.chance(33)) return { ...step, againAtCall: 1 + random.below(60) };
    return step;
  });
  return [...dying, ...apart];
}

/** Three devices in peace, of which one gets a second life; what else happens is what people do. */
export function planOfSecondLife(seed: number, kind: "copy-put-back" | "clone" | "disk-lost"): Plan {
  const random = new Random(seed);
  const stormMs = 5 * MINUTE;
  const device = random.below(3);
  const steps: Step[] = [1, 2].map((joiner) => ({
    at: joiner * 10 * SECOND,
    kind: "link",
    device: 0,
    joiner,
    code: "words",
    isRefused: false,
    diesAtCall: 0,
  }));
  for (let n = 0; n < 40; n++) {
    const at = random.between(40 * SECOND, stormMs);
    const step = peopleStep(random, 3, stormMs);
    const isPlain = step.kind === "send" || step.kind === "read" || step.kind === "delete";
    // Both its histories are to have one length when they meet: only then are two heads evidence.
    const isBetween = step.device === device && at > 80 * SECOND && at < 240 * SECOND;
    if (isPlain && !isBetween) steps.push({ at, ...step });
  }
  // It writes after the copy was laid aside, and again after it was put back.
  for (const at of [100, 110, 190, 200])
    steps.push({ at: at * SECOND, kind: "send", device, conversation: 1, count: 2, isReceived: false });
  steps.push({ at: 90 * SECOND, kind: "copy-kept", device }, { at: 180 * SECOND, kind, device });
  // Connected, it would be given its own tail before it writes; alone, it writes where it wrote before.
  steps.push({ at: 179 * SECOND, kind: "isolate", device, forMs: 30 * SECOND });
  return {
    ...planOf(seed),
    devices: 3,
    older: null,
    weeksOff: 0,
    stormMs,
    syncMsMax: 5,
    delayMsMax: 20,
    discoveryLossPercent: 0,
    steps: steps.toSorted((a, b) => a.at - b.at),
  };
}

function linkStep(random: Random, at: number, joiner: number): Step {
  return {
    at,
    kind: "link",
    device: random.below(joiner),
    joiner,
    code: random.pick(["words", "words", "words", "qr", "address", "wrong"]),
    isRefused: random.chance(8),
    diesAtCall: 0,
  };
}

function chatterStep(random: Random, devices: number): PeopleStep {
  return {
    kind: "chatter",
    device: random.below(devices),
    conversation: random.below(CONVERSATIONS),
    everyMs: random.pick([50, 300, SECOND]),
    forMs: random.pick([2 * SECOND, 10 * SECOND]),
  };
}

/** One device hears nothing while two others talk on; when it hears again, both bring the same at once, one further than the other. */
function sleeperSteps(random: Random, devices: number, stormMs: number): readonly Step[] {
  const at = random.between(Math.floor(stormMs / 2), stormMs - 60 * SECOND);
  const sleeper = random.below(devices);
  const forMs = random.pick([5 * SECOND, 20 * SECOND]);
  const talk = [1, 2].map((next): Step => {
    const device = (sleeper + next) % devices;
    const everyMs = random.pick([100, 300]);
    return { at, kind: "chatter", device, conversation: next, everyMs, forMs: forMs + 5 * SECOND };
  });
  return [{ at, kind: "isolate", device: sleeper, forMs }, ...talk];
}

/** Two members that do not hear of each other admit a device each. */
function admissionsApart(random: Random, stormMs: number): readonly Step[] {
  const at = random.between(Math.floor(stormMs / 10), Math.floor(stormMs / 3));
  const links = [0, 1].map((device): Step => ({
    ...linkStep(random, at + 2 * SECOND, 2 + device),
    kind: "link",
    device,
    joiner: 2 + device,
    code: "address",
    isRefused: false,
    diesAtCall: 0,
  }));
  return [{ at, kind: "cut", device: 0, other: 1, ways: 2, forMs: 30 * SECOND }, ...links];
}

function peopleStep(random: Random, devices: number, stormMs: number): PeopleStep {
  const device = random.below(devices);
  const conversation = random.below(CONVERSATIONS);
  const pick = random.below(1_000);
  const dice = random.below(100);
  if (dice < 50)
    return {
      kind: "send",
      device,
      conversation,
      count: random.pick([1, 1, 2, 5, 20]),
      isReceived: random.chance(50),
    };
  if (dice < 58) return { kind: "read", device, conversation };
  if (dice < 62) return { kind: "unread", device, conversation };
  if (dice < 72) return { kind: "delete", device, pick, count: random.pick([1, 1, 4]) };
  if (dice < 78) return { kind: "restore", device, pick, count: 1 };
  if (dice < 80) return { kind: "clear", device, conversation };
  if (dice < 83) return { kind: "rename", device, target: random.below(devices) };
  if (dice < 90) return { kind: "import", device, backup: random.below(2) };
  if (dice < 93) return { kind: "newer-version", device, what: random.pick(["entry", "operation"]) };
  if (dice < 96) return { kind: "absence", device, forMs: random.between(SECOND, stormMs) };
  return { kind: "verify", device };
}

/** A step as a line that a person can read and that tells it from others. */
export function stepText({ at, kind, ...rest }: Step): string {
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return `${(at / SECOND).toFixed(3)} s ${kind} ${fields.join(" ")}`.trimEnd();
}
