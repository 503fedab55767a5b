/** A world in which nothing goes wrong but what a test adds to it. */
import { type Plan, planOf, type Step } from "./plan.ts";

/** Two devices that meet in peace, and what a test adds. */
export function quietPlan(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  const link: Step = {
    at: 0,
    kind: "link",
    device: 0,
    joiner: 1,
    code: "words",
    isRefused: false,
    diesAtCall: 0,
  };
  return {
    ...planOf(1),
    devices: 2,
    older: null,
    weeksOff: 0,
    stormMs: 60_000,
    delayMsMax: 20,
    discoveryLossPercent: 0,
    steps: [link, ...steps],
    ...more,
  };
}

export const send = (at: number, device: number, count = 3): Step => ({
  at,
  kind: "send",
  device,
  conversation: 0,
  count,
  isReceived: false,
});
