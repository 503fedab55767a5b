/** Times for people, in the zone of this machine; and counts, bytes and spans. */

const DAY_MS = 24 * 3_600_000;

/** `2026-01-31 14:02`. */
export function localTime(text: string): string {
  const time = new Date(text);
  return `${localDay(time)} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** `14:02` today, else the day as well. */
export function shortTime(text: string, now: Date): string {
  const time = new Date(text);
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return localDay(time) === localDay(now) ? clock : `${localDay(time)} ${clock}`;
}

/** `3 days ago`. */
export function ago(text: string, now: Date): string {
  const ms = now.getTime() - new Date(text).getTime();
  if (ms < 60_000) return "just now";
  if (ms < 3_600_000) return `${plural(Math.floor(ms / 60_000), "minute")} ago`;
  if (ms < 2 * DAY_MS) return `${plural(Math.floor(ms / 3_600_000), "hour")} ago`;
  return `${plural(Math.floor(ms / DAY_MS), "day")} ago`;
}

/** `4:05` for minutes and seconds. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}

/** `1,234`. */
export function count(value: number): string {
  return value.toFixed(0).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 device`, `2 devices`, `2 entries`. */
export function plural(value: number, noun: string): string {
  if (value === 1) return `1 ${noun}`;
  return `${count(value)} ${/[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}

/** `1.4 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const units = ["kB", "MB", "GB"] as const;
  let value = bytes / 1_000;
  let at = 0;
  for (; value >= 1_000 && at < units.length - 1; at++) value /= 1_000;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[at]}`;
}

function localDay(time: Date): string {
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
