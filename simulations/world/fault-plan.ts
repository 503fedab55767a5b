/** What goes wrong, chosen by chance. */
import type { Random } from "../doubles/random.ts";
import type { FaultStep } from "./steps.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TEN_YEARS = 3_652 * 24 * HOUR;

/** One fault; `stormMs` is how long the world goes wrong. */
export function faultStep(random: Random, devices: number, stormMs: number): FaultStep {
  const device = random.below(devices);
  const other = (device + 1 + random.below(Math.max(1, devices - 1))) % devices;
  const forMs = random.pick([SECOND, 10 * SECOND, MINUTE, Math.ceil(stormMs / 3)]);
  switch (random.below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return {
        kind: "crash",
        device,
        calls: random.pick([0, 1 + random.below(30), 1 + random.below(400)]),
        how: random.pick(["told", "silent"]),
        downMs: random.pick([0, 500, 20 * SECOND, Math.ceil(stormMs / 4)]),
        againAtCall: 0,
      };
    case 4:
      return { kind: "break", device, other, ends: random.pick(["both", "one"]) };
    case 5:
    case 6:
      return { kind: "cut", device, other, ways: random.pick([1, 2]), forMs };
    case 7:
      return { kind: "isolate", device, forMs };
    case 8:
      return {
        kind: "slow-link",
        device,
        other,
        delayMs: random.pick([500, 3 * SECOND, MINUTE, 24 * HOUR]),
        bytesPerSecond: random.pick([500, 5_000, 1_000_000]),
        forMs,
      };
    case 9:
      return { kind: "loss", per10000: random.pick([20, 200, 2_000]), forMs };
    case 10:
      return { kind: "corrupt", device, where: random.below(1_000_000) };
    case 11:
      return { kind: "move", device };
    case 12:
    case 13:
      return { kind: "disk-full", device, forMs: Math.min(forMs, MINUTE) };
    case 14:
      return { kind: "failed-write", device, landed: random.pick([0, 0, 1, 3]) };
    case 15:
      return { kind: "slow-disk", device, syncMs: random.pick([500, 5 * SECOND]), forMs };
    case 16:
      return { kind: "bit-flip", device, pick: random.below(1_000_000) };
    case 17:
      return {
        kind: "clock",
        device,
        offMs: random.pick([0, -MINUTE, 2 * HOUR, TEN_YEARS, -TEN_YEARS, random.between(-HOUR, HOUR)]),
      };
    case 18:
      return { kind: "frozen-clock", device, forMs };
    default:
      return {
        kind: "stranger",
        device,
        how: random.pick(["garbage", "half-handshake", "wrong-account", "flood", "half-link"]),
      };
  }
}
