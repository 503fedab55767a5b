/**
 * Loaded into a node before its own code (`node --import`): its wall clock is off by KINLOG_WIFI_CLOCK_SHIFT_MS. The monotonic
 * clock and the program itself stay as they are.
 */
const shiftMs = Number(process.env["KINLOG_WIFI_CLOCK_SHIFT_MS"] ?? "0");
const trueNow = Date.now.bind(Date);

globalThis.Date = class extends Date {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(trueNow() + shiftMs);
    else super(...(args as [number]));
  }

  static override now(): number {
    return trueNow() + shiftMs;
  }
} as DateConstructor;
