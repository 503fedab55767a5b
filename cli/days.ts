/** A number of days, as people type it. */
import { usageError } from "./usage-error.ts";

export const DAYS_MAX = 36_500;

/** From 1 to 36,500. @throws EngineError `USAGE` */
export function daysOf(text: string, name: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= DAYS_MAX) return days;
  throw usageError(`${name} must be a number of days from 1 to ${DAYS_MAX}`);
}
