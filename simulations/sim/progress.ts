/** What a long run has done so far, in one small file, so that it goes on where it stopped. Of one commit only. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";

export interface Progress {
  readonly commit: string;
  /** Seeds below have been run. */
  readonly next: number;
  readonly passed: number;
  readonly failed: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
}

export function readProgress(path: string): Progress | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Progress;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

export function writeProgress(path: string, progress: Progress): void {
  writeFileSync(`${path}.new`, JSON.stringify(progress));
  renameSync(`${path}.new`, path);
}
