/** What a member does that misuses its keys, as data; a part of plan.ts. Who does it: hostile-device.ts. */
import { Random } from "../doubles/random.ts";
import { LIES, type Lie } from "./lying-stream.ts";

export type HostileStep =
  /** The device, or the next one that is on, admits it; others are asked until one does. */
  | { readonly kind: "hostile-join"; readonly device: number }
  /** It meets the device, or the next one that is on, with one of its two histories. */
  | {
      readonly kind: "hostile-visit";
      readonly device: number;
      readonly history: 0 | 1;
      readonly lie: Lie;
      /** Another message first, in this history alone. */
      readonly writes: boolean;
      readonly forMs: number;
    };

/** One of those, or a device that hears nobody else meanwhile. */
type Step = { readonly at: number } & (
  | HostileStep
  | { readonly kind: "isolate"; readonly device: number; readonly forMs: number }
);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** In some worlds a member turns against the others, towards the end; by a chance of its own as well. */
export function hostileSteps(seed: number, devices: number, stormMs: number): readonly Step[] {
  const random = new Random(seed ^ 0x7217);
  // Where it is gone, all look for it as long as the world lasts: of many devices that costs more than it shows.
  if (devices > 5 || !random.chance(25)) return [];
  const spanMs = Math.min(stormMs, 10 * MINUTE);
  const join: Step = {
    at: stormMs - spanMs + Math.floor(spanMs / 10),
    kind: "hostile-join",
    device: random.below(devices),
  };
  const forMs = random.pick([2 * SECOND, 10 * SECOND]);
  // Heads of one length are found in another way than those of two: in half of the worlds the histories stay as long as they are.
  const writesPercent = random.pick([0, 0, 60, 100]);
  const times = Array.from({ length: random.pick([4, 7]) }, () =>
    random.between(stormMs - Math.floor((spanMs * 2) / 3), stormMs - 2 * forMs - 6 * SECOND),
  ).toSorted((a, b) => a - b);
  return [
    join,
    ...times.flatMap((at, n) => visits(random, { at, devices, forMs, writesPercent, isFirst: n === 0 })),
  ];
}

/** One history to one device and the other to another one, or to the same again. At first nobody has seen either. */
function visits(
  random: Random,
  {
    at,
    devices,
    forMs,
    writesPercent,
    isFirst,
  }: {
    readonly at: number;
    readonly devices: number;
    readonly forMs: number;
    readonly writesPercent: number;
    readonly isFirst: boolean;
  },
): readonly Step[] {
  const device = random.below(devices);
  const other = (device + (isFirst ? 1 : random.below(devices))) % devices;
  const [first, second] = random.pick([[0, 1] as const, [1, 0] as const]);
  const lie = (): Lie => (isFirst || random.chance(40) ? "none" : random.pick(LIES));
  const visit = { kind: "hostile-visit", forMs } as const;
  const steps: Step[] = [
    { at, ...visit, device, history: first, lie: lie(), writes: random.chance(writesPercent) },
    { at: at + forMs, ...visit, device: other, history: second, lie: lie(), writes: false },
  ];
  // Meanwhile the first one hears nothing of the others, and they do not have what it is shown.
  if (isFirst || random.chance(50)) steps.push({ at, kind: "isolate", device, forMs: 3 * forMs });
  return steps;
}
