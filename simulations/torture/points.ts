/**
 * Every moment at which a scripted run touches its disk: which call, on which file, the how-many-th. Found by one recorded run; used
 * to break another one exactly there by strace's fault injection.
 */
import { join } from "node:path";
import type { Stage } from "./stage.ts";
import {
  type Call,
  descriptor,
  hexBytes,
  readRecord,
  recordOptions,
  runScripted,
  stringsIn,
} from "./strace.ts";

export interface Point {
  readonly call: string;
  /** Below the device's directory. */
  readonly file: string;
  /** Of this call on this file, in one thread; where the file's name is new in every run, of this call on any file. */
  readonly ordinal: number;
  readonly hasNewName: boolean;
}

const RECORD_MS = 60_000;
/** LevelDB's own diary and its lock: nothing depends on what they hold. */
const WITHOUT_MEANING = /(?:^|\/)(?:LOG|LOG\.old|LOCK)$/;
/** A store that is being begun bears its device's name. */
const NEW_NAME = /(?:^|\/)db\.[0-9a-f]/;

/** In the order in which they came. */
export async function findPoints(stage: Stage): Promise<readonly Point[]> {
  const dir = stage.directory("recorded");
  const record = join(stage.directory("record"), "calls");
  const { path: backup } = stage.backup;
  const { errors, code } = await runScripted({
    dir,
    backup,
    options: recordOptions(record),
    timeoutMs: RECORD_MS,
  });
  if (code !== 0) throw new Error(`the recorded run ended with ${code}: ${errors}`);
  const counts = new Map<string, number>();
  const points: Point[] = [];
  for (const call of readRecord(record)) {
    const file = touched(call)
      .find((path) => path.startsWith(`${dir}/`))
      ?.slice(dir.length + 1);
    if (file === undefined || WITHOUT_MEANING.test(file)) continue;
    const hasNewName = NEW_NAME.test(file);
    const key = `${call.thread} ${call.name} ${file}`;
    const ofFile = (counts.get(key) ?? 0) + 1;
    counts.set(key, ofFile);
    points.push({ call: call.name, file, hasNewName, ordinal: hasNewName ? call.ordinal : ofFile });
  }
  return points;
}

/** What makes strace inject `fault` at a point of a run in `dir`. */
export function injection(dir: string, point: Point, fault: string): readonly string[] {
  const only = point.hasNewName ? [] : ["-P", join(dir, point.file)];
  return [
    "-f",
    "-o",
    "/dev/null",
    ...only,
    "-e",
    `trace=${point.call}`,
    "-e",
    `inject=${point.call}:${fault}:when=${point.ordinal}`,
  ];
}

export function namePoint({ call, file, ordinal, hasNewName }: Point): string {
  return `${call} ${ordinal} of ${hasNewName ? "a new store" : file}`;
}

/** Paths that a call names, by descriptor or by string. */
function touched({ args, name }: Call): readonly string[] {
  const open = descriptor(args);
  if (open !== undefined) return [open.path];
  if (name === "write" || name === "pwrite64") return [];
  return stringsIn(args).map((text) => Buffer.from(hexBytes(text)).toString());
}

/** `rounds` of all points, spread over the whole run, beginning with the `seed`-th. */
export function choosePoints(
  points: readonly Point[],
  rounds: number,
  seed: number,
): readonly { readonly point: Point; readonly number: number }[] {
  const count = Math.min(rounds, points.length);
  return Array.from({ length: count }, (_, at) => {
    const number = (Math.floor((at * points.length) / count) + seed - 1) % points.length;
    return { point: points[number]!, number };
  });
}
