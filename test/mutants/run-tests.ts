/** Runs test files in a scratch tree up to the first failing test. Tests: test/integration/mutants/hunt.test.ts. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ScratchTree } from "./scratch-tree.ts";

/** Not the project's settings, which report for people and run files side by side. */
const MOCHA: readonly string[] = [
  join("node_modules", "mocha", "bin", "mocha.js"),
  "--no-config",
  "--bail",
  "--exit",
  "--timeout=60000",
  "--reporter=json-stream",
  "--require=./dist/src/promise-with-resolvers.js",
];

const FILES_MS_MAX = 180_000;
const SUITE_MS_MAX = 900_000;

/** Tests of the register hold it against the source, so that every bug would fail them: no merit of a test. */
const ABOUT_MUTANTS = "/mutants/";

export type Environment = Readonly<Record<string, string>>;

export type TestRun =
  | { readonly kind: "passed"; readonly tookMs: number }
  | {
      readonly kind: "failed";
      readonly test: string;
      readonly file: string;
      readonly tookMs: number;
      /** What the run was given beside the file. */
      readonly env: Environment;
    }
  /** Nothing can be said: the run did not end, or ended without a failing test. */
  | { readonly kind: "broken"; readonly why: string };

/** `files` as sources, `test/unit/log/tree.test.ts`. */
export async function runTests(
  tree: ScratchTree,
  files: readonly string[],
  env: Environment = {},
): Promise<TestRun> {
  const limitMs = files.length > 20 ? SUITE_MS_MAX : FILES_MS_MAX;
  const compiled = files.map((file) => join("dist", file.replace(/\.ts$/, ".js")));
  const ended = await tree.run([...MOCHA, ...compiled], limitMs, env);
  const failed = readFailure(ended.output, tree.path);
  if (failed !== undefined) return { kind: "failed", ...failed, tookMs: ended.tookMs, env };
  if (ended.code === 0) return { kind: "passed", tookMs: ended.tookMs };
  const last = ended.output.trim().split("\n").slice(-5).join("\n");
  const how = ended.code === null ? `took more than ${limitMs / 1_000} s` : `ended with exit ${ended.code}`;
  return { kind: "broken", why: `the tests ${how} and none failed: ${last}` };
}

/** The first failing test in what mocha's reporter `json-stream` wrote, among whatever else was printed. */
export function readFailure(
  output: string,
  root: string,
): { readonly test: string; readonly file: string } | undefined {
  for (const line of output.split("\n")) {
    if (!line.startsWith('["fail",')) continue;
    const [, { fullTitle, file }] = JSON.parse(line) as [string, { fullTitle: string; file: string | null }];
    const source = (file ?? "").replace(`${join(root, "dist")}/`, "").replace(/\.js$/, ".ts");
    return { test: fullTitle, file: source };
  }
  return undefined;
}

/** Every test file of the tree but those of the register itself. */
export function suiteOf(tree: ScratchTree): readonly string[] {
  return ["test", "simulations"].flatMap((folder) =>
    readdirSync(join(tree.path, folder), { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => path.endsWith(".test.ts") && !path.includes(ABOUT_MUTANTS))
      .toSorted(),
  );
}
