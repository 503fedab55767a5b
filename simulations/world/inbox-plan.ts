/**
 * What people do with messages that are there, and with conversations, as data: edits, unsends, reactions, delivery states, pins, drafts,
 * settings and what else the inbox has; in bursts, and on two devices at once while one of them hears nothing.
 */
import type { Random } from "../doubles/random.ts";
import type { FaultStep, PeopleStep } from "./steps.ts";

export type MarkStep = {
  readonly kind: "mark";
  readonly device: number;
  readonly what: "edit" | "unsend" | "react" | "unreact" | "deliver" | "delete" | "restore";
  /** Which message; even: one that all have who are there, and the same each time; odd: one of the last few. */
  readonly pick: number;
  /** Which emoji and whose, or which state. */
  readonly choice: number;
  /** So many at once. */
  readonly count: number;
};

export type PropertyStep = {
  readonly kind: "property";
  readonly device: number;
  readonly what:
    | "title"
    | "pin"
    | "unpin"
    | "mute"
    | "unmute"
    | "archive"
    | "unarchive"
    | "draft"
    | "participants";
  readonly conversation: number;
  /** What is set; 0: nothing, or without more being said. */
  readonly choice: number;
};

export type SettingStep = {
  readonly kind: "setting";
  readonly device: number;
  readonly name: number;
  /** 0: none. */
  readonly choice: number;
  readonly scope: "account" | "device";
};

export type InboxStep = MarkStep | PropertyStep | SettingStep;

/** Of what people do besides and what goes wrong, what belongs to it. */
type Beside =
  | Extract<FaultStep, { kind: "isolate" }>
  | Extract<PeopleStep, { kind: "send" | "read" | "newer-version" }>;

type Planned = { readonly at: number } & (InboxStep | Beside);

const SECOND = 1_000;
const PICKS = 1_000;
const CHOICES = 8;
/** A device hears nothing from so long before both act. */
const APART_MS = SECOND;
/** What they quarrel about is so old by then, and on both. */
const EARLIER_MS = 20 * SECOND;

export function inboxSteps(
  random: Random,
  devices: number,
  stormMs: number,
  conversations: number,
): readonly Planned[] {
  const steps: Planned[] = [];
  const device = (): number => random.below(devices);
  for (let n = devices > 4 ? 16 : 24; n > 0; n--)
    steps.push({ at: random.between(0, stormMs), ...inboxStep(random, device(), conversations) });
  for (let n = random.pick([1, 2, 3]); n > 0; n--) steps.push(...race(random, devices, stormMs));
  if (random.chance(50)) steps.push(...typing(random, device(), stormMs, conversations));
  if (random.chance(25))
    steps.push({ at: random.between(0, stormMs), kind: "newer-version", device: device(), what: "message" });
  return steps;
}

function inboxStep(random: Random, device: number, conversations: number): InboxStep {
  const choice = random.below(CHOICES);
  const dice = random.below(100);
  if (dice < 55) {
    return {
      kind: "mark",
      device,
      what: random.pick([
        "edit",
        "edit",
        "edit",
        "unsend",
        "react",
        "react",
        "unreact",
        "deliver",
        "deliver",
      ]),
      pick: random.below(PICKS),
      choice,
      count: random.pick([1, 1, 3]),
    };
  }
  if (dice < 90) {
    return {
      kind: "property",
      device,
      what: random.pick([
        "title",
        "pin",
        "pin",
        "unpin",
        "mute",
        "unmute",
        "archive",
        "unarchive",
        "draft",
        "draft",
        "participants",
      ]),
      conversation: random.below(conversations),
      choice,
    };
  }
  return {
    kind: "setting",
    device,
    name: random.below(3),
    choice,
    scope: random.pick(["account", "account", "device"]),
  };
}

/** Two devices of which one hears nothing do to one thing what cannot both stand. */
function race(random: Random, devices: number, stormMs: number): readonly Planned[] {
  const at = random.between(Math.floor(stormMs / 2), stormMs);
  const first = random.below(devices);
  const second = (first + 1 + random.below(devices - 1)) % devices;
  const pick = 2 * random.below(PICKS);
  const choice = random.below(CHOICES);
  const conversation = choice % 5;
  const isolation: Planned = {
    at: at - APART_MS,
    kind: "isolate",
    device: first,
    forMs: random.pick([5 * SECOND, 20 * SECOND]),
  };
  const mark = (device: number, what: MarkStep["what"], afterMs = 0, count = 1): Planned => ({
    at: at + afterMs,
    kind: "mark",
    device,
    what,
    pick,
    choice,
    count,
  });
  const property = (device: number, what: PropertyStep["what"], of = conversation): Planned => ({
    at,
    kind: "property",
    device,
    what,
    conversation: of,
    choice,
  });
  switch (random.below(7)) {
    case 0:
      return [isolation, mark(first, "edit", 0, 2), mark(second, "edit")];
    case 1:
      return [isolation, mark(first, "unsend"), mark(second, "edit", 0, 2)];
    case 2:
      return [
        mark(first, "react", -EARLIER_MS),
        isolation,
        mark(second, "unreact"),
        mark(first, "unreact"),
        mark(first, "react", 2 * SECOND),
      ];
    case 3:
      return [
        mark(first, "delete", -EARLIER_MS),
        isolation,
        mark(first, "restore"),
        mark(second, "restore"),
        mark(second, "delete", 2 * SECOND),
      ];
    case 4:
      return [isolation, property(first, "pin", first), property(second, "pin", second)];
    case 5:
      return [
        isolation,
        ...[first, second].flatMap((device) => [
          property(device, "title"),
          property(device, "draft"),
          property(device, "participants"),
        ]),
      ];
    default:
      // It reads up to where it was when it heard nothing any more, and others have read further.
      return [
        isolation,
        { at, kind: "send", device: second, conversation, count: 5, isReceived: true },
        { at: at + 2 * SECOND, kind: "read", device: second, conversation },
        { at: at + 3 * SECOND, kind: "read", device: first, conversation },
        { at: at + 3 * SECOND, kind: "send", device: second, conversation, count: 2, isReceived: true },
      ];
  }
}

/** A text that somebody types, stops, and goes on with. */
function typing(random: Random, device: number, stormMs: number, conversations: number): readonly Planned[] {
  const at = random.between(0, stormMs - 20 * SECOND);
  const conversation = random.below(conversations);
  return [0, 300, 700, 4 * SECOND, 13 * SECOND].map((after, choice) => ({
    at: at + after,
    kind: "property",
    device,
    what: "draft",
    conversation,
    choice: choice + 1,
  }));
}
