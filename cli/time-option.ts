/** An option that is a day or a time. */
import type { Arguments } from "./arguments.ts";
import { usageError } from "./usage-error.ts";

/** In UTC; a day means its beginning in this machine's zone. Null where the option is missing. @throws EngineError `USAGE` */
export function timeOption(args: Arguments, name: string): string | null {
  const text = args.text(name);
  if (text === undefined) return null;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?$/.test(text);
  const ms = isDay ? Date.parse(`${text}T00:00`) : isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw usageError(`--${name} must be a day or a time`, "Write it as 2026-01-31 or 2026-01-31T12:00:00Z.");
  }
  return new Date(ms).toISOString();
}
