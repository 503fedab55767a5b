/**
 * Plants one bug and finds the test that notices it. A test counts only if its file passes without the bug, so that a test that
 * fails anyway catches nothing. Tests: test/integration/mutants/hunt.test.ts.
 */
import type { Catcher, Mutant } from "./mutant.ts";
import { type Environment, runTests, suiteOf, type TestRun } from "./run-tests.ts";
import type { ScratchTree } from "./scratch-tree.ts";

export type Outcome =
  | {
      readonly kind: "caught";
      readonly test: string;
      readonly file: string;
      /** Of the run that ended with the failing test, the start of Node and mocha included. */
      readonly tookMs: number;
      /** False where only the whole suite caught it. */
      readonly expected: boolean;
    }
  | { readonly kind: "survived" }
  /** Nothing is known about the tests: the register is out of date, or the run went wrong. */
  | { readonly kind: "error"; readonly why: string };

/** The project as it is, in which a file is run once however many bugs it catches. */
export class Control {
  readonly tree: ScratchTree;
  readonly #passes = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(tree: ScratchTree) {
    this.tree = tree;
  }

  passes(file: string, env: Environment): Promise<boolean> {
    const key = JSON.stringify([file, env]);
    let passes = this.#passes.get(key);
    if (passes === undefined) {
      passes = this.#last.then(async () => (await runTests(this.tree, [file], env)).kind === "passed");
      this.#passes.set(key, passes);
      this.#last = passes;
    }
    return passes;
  }
}

/** The tree is as it was afterwards, but for what is compiled. */
export async function hunt(
  mutant: Mutant,
  trees: { readonly tree: ScratchTree; readonly control: Control },
  suite: boolean,
): Promise<Outcome> {
  const { tree, control } = trees;
  const named = (): Promise<TestRun> => runCatcher(mutant.by, tree);
  const all = (): Promise<TestRun> => runTests(tree, suiteOf(tree));
  try {
    tree.plant(mutant);
    const built = await tree.build();
    if (built.code !== 0) return { kind: "error", why: `it does not compile: ${built.output.trim()}` };
    for (const run of suite ? [named, all] : [named]) {
      const found = await run();
      if (found.kind === "broken") return { kind: "error", why: found.why };
      if (found.kind === "passed") continue;
      const { test, file, tookMs, env } = found;
      if (!(await control.passes(file, env)))
        return { kind: "error", why: `${file} fails without the bug as well` };
      return { kind: "caught", test, file, tookMs, expected: isExpected(mutant.by, file) };
    }
    return { kind: "survived" };
  } catch (error) {
    return { kind: "error", why: error instanceof Error ? error.message : String(error) };
  } finally {
    tree.restore(mutant, control.tree);
  }
}

async function runCatcher(by: Catcher, tree: ScratchTree): Promise<TestRun> {
  if (by.kind === "tests") return runTests(tree, by.files);
  let tookMs = 0;
  for (const seed of by.seeds) {
    const run = await runTests(tree, [by.file], { SEED: String(seed) });
    if (run.kind !== "passed") return run;
    tookMs += run.tookMs;
  }
  return { kind: "passed", tookMs };
}

function isExpected(by: Catcher, file: string): boolean {
  return by.kind === "tests" ? by.files.includes(file) : by.file === file;
}
