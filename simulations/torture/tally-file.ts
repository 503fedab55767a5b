/** Results of many runs, a line of JSON each, so that figures of one commit add up. Tests: test/unit/torture/options.test.ts. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

export interface TallyLine {
  readonly name: string;
  readonly commit: string;
  readonly rounds: number;
  readonly failed: number;
}

/** The sum with this line. */
export function addToTally(
  file: string,
  line: TallyLine,
): { readonly rounds: number; readonly failed: number } {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
  return sumOf(file, line.name, line.commit);
}

/** The number behind the last trial of any of these names at this commit. */
export function seedBehind(file: string, names: readonly string[], commit: string, first: number): number {
  return first + Math.max(...names.map((name) => sumOf(file, name, commit).rounds));
}

function sumOf(
  file: string,
  name: string,
  commit: string,
): { readonly rounds: number; readonly failed: number } {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  const mine = lines
    .map((line) => JSON.parse(line) as TallyLine)
    .filter((line) => line.name === name && line.commit === commit);
  return {
    rounds: mine.reduce((sum, { rounds }) => sum + rounds, 0),
    failed: mine.reduce((sum, { failed }) => sum + failed, 0),
  };
}
