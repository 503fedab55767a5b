/**
 * `npm run mutants`: do the tests catch bugs? Each bug of the register is planted into a copy of the project, which is built and
 * tested; a bug that no test notices is a failure. What was seen: docs/reliability.md, "Planted bugs".
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { formatCounts, formatMs } from "../../simulations/wifi/table.ts";
import { repositoryRoot } from "../support/paths.ts";
import { Control, hunt, type Outcome } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { readOptions } from "../../simulations/read-options.ts";
import { register } from "./register.ts";
import { endAll } from "./run-process.ts";
import { ScratchTree } from "./scratch-tree.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

function choose({ only }: Options): readonly Mutant[] {
  const chosen = register.filter(({ id }) => only.length === 0 || only.some((start) => id.startsWith(start)));
  const unknown = only.find((start) => !register.some(({ id }) => id.startsWith(start)));
  if (unknown === undefined) return chosen;
  console.error(`no planted bug has an id that begins with ${unknown}\n\n${usage}`);
  return process.exit(EXIT_USAGE);
}

function describe(mutant: Mutant, outcome: Outcome): string {
  switch (outcome.kind) {
    case "caught": {
      const elsewhere = outcome.expected ? "" : ", which the register does not name";
      return `caught    ${mutant.id}  ${formatMs(outcome.tookMs)}  ${outcome.file}${elsewhere}: ${outcome.test}`;
    }
    case "survived":
      return `SURVIVED  ${mutant.id}: ${mutant.bug} (${mutant.breaks})`;
    case "error":
      return `ERROR     ${mutant.id}: ${outcome.why}`;
  }
}

/** Every tree takes the next mutant as soon as it is free. */
async function huntAll(
  mutants: readonly Mutant[],
  { jobs, suite }: Options,
  scratch: string,
): Promise<Outcome[]> {
  const waiting = [...mutants];
  const outcomes: Outcome[] = [];
  const newTree = async (name: string): Promise<ScratchTree> => {
    const tree = new ScratchTree(repositoryRoot, join(scratch, name));
    const built = await tree.build();
    if (built.code !== 0) throw new Error(`the project does not compile: ${built.output}`);
    return tree;
  };
  const control = new Control(await newTree("c"));
  const work = async (_: unknown, at: number): Promise<void> => {
    const tree = await newTree(String(at));
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await hunt(mutant, { tree, control }, suite);
      outcomes.push(outcome);
      console.log(describe(mutant, outcome));
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, mutants.length) }, work));
  return outcomes;
}

const options = readOptions(parseOptions, usage);
const mutants = choose(options);
if (options.list) {
  for (const { id, file, bug, breaks } of mutants) console.log(`${id}  ${file}: ${bug} (${breaks})`);
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), "kinlog-m-"));
// Tests run parts of the project as another user too.
chmodSync(scratch, 0o755);
process.on("exit", () => {
  endAll();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(EXIT_INTERRUPTED));

const begunAt = performance.now();
// Asked now, since the copies are made now.
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
  cwd: repositoryRoot,
  encoding: "utf8",
});
const outcomes = await huntAll(mutants, options, scratch);
const passed = outcomes.filter(({ kind }) => kind === "caught").length;
console.log(
  `\n${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, Node ${process.version}, commit ${commit.trim()}, ${options.jobs} at once, ${formatMs(performance.now() - begunAt)}`,
);
console.log(formatCounts({ passed, failed: outcomes.length - passed, skipped: 0 }));
process.exit(passed === outcomes.length ? 0 : EXIT_FAILED);
