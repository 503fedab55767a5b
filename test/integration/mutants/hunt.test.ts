/** Planting bugs into a project of two files, with a real compiler and real tests: what is caught, and what is not. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Control, hunt, type Outcome } from "../../mutants/hunt.ts";
import type { Catcher, Mutant } from "../../mutants/mutant.ts";
import { runProcess } from "../../mutants/run-process.ts";
import { readFailure } from "../../mutants/run-tests.ts";
import { ScratchTree } from "../../mutants/scratch-tree.ts";
import { repositoryRoot } from "../../support/paths.ts";

const NAMED: Catcher = { kind: "tests", files: ["test/a.test.ts"] };
const SOURCE = "export const add = (a: number, b: number): number => a + b;\nexport const unused = 1;\n";

const files: Readonly<Record<string, string>> = {
  ".gitignore": "node_modules\ndist\n",
  "package.json": JSON.stringify({ type: "module" }),
  "tsconfig.json": JSON.stringify({
    extends: join(repositoryRoot, "tsconfig.base.json"),
    compilerOptions: { rootDir: ".", outDir: "dist", types: ["node", "mocha"] },
    include: ["src", "test", "simulations"],
  }),
  "src/promise-with-resolvers.ts": "export {};\n",
  "src/a.ts": SOURCE,
  "test/a.test.ts": testOf("two", "equal(add(1, 1), 2);"),
  "test/b.test.ts": testOf("three", "equal(add(1, 2), 3);"),
  "test/c.test.ts": testOf("fails with a seed", 'equal(process.env["SEED"], undefined);'),
  "simulations/empty.ts": "export {};\n",
};

function testOf(name: string, body: string): string {
  return `import { equal } from "node:assert/strict";
import { add } from "../src/a.ts";
describe("adding", () => it("${name}", () => { void add; ${body} }));
`;
}

function mutantOf(find: string, put: string, by: Catcher = NAMED): Mutant {
  return { id: "a-b", file: "src/a.ts", find, put, bug: "a bug", breaks: "I1", by };
}

describe("hunting a planted bug", function () {
  this.timeout(120_000);
  let directory: string;
  let tree: ScratchTree;
  let control: Control;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "kinlog-hunt-"));
    const root = join(directory, "root");
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    symlinkSync(join(repositoryRoot, "node_modules"), join(root, "node_modules"));
    execFileSync("git", ["init", "-q"], { cwd: root });
    control = new Control(new ScratchTree(root, join(directory, "c")));
    tree = new ScratchTree(root, join(directory, "0"));
    for (const each of [control.tree, tree]) {
      const built = await each.build();
      equal(built.code, 0, built.output);
    }
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  afterEach(() => equal(readFileSync(join(tree.path, "src/a.ts"), "utf8"), SOURCE, "the bug is out again"));

  const seen = (mutant: Mutant, suite = true): Promise<Outcome> => hunt(mutant, { tree, control }, suite);

  it("says which of the named tests noticed it", async () => {
    const outcome = await seen(mutantOf("a + b", "a * b"));
    ok(outcome.kind === "caught");
    deepEqual([outcome.test, outcome.file, outcome.expected], ["adding two", "test/a.test.ts", true]);
  });

  it("tries the whole suite behind them, and says that it was not expected", async () => {
    const found = mutantOf("a + b", "a + b + (b === 2 ? 1 : 0)");
    const outcome = await seen(found);
    ok(outcome.kind === "caught");
    deepEqual([outcome.test, outcome.file, outcome.expected], ["adding three", "test/b.test.ts", false]);
    equal((await seen(found, false)).kind, "survived");
  });

  it("says of a bug that nobody notices that it survived", async () => {
    equal((await seen(mutantOf("unused = 1", "unused = 2"))).kind, "survived");
  });

  it("counts no test that fails without the bug as well", async () => {
    const seeds: Catcher = { kind: "seeds", file: "test/c.test.ts", seeds: [7] };
    const outcome = await seen(mutantOf("unused = 1", "unused = 2", seeds));
    ok(outcome.kind === "error");
    match(outcome.why, /fails without the bug as well/);
  });

  it("takes a row that is out of date, or does not compile, for an error", async () => {
    const outdated = await seen(mutantOf("a - b", "a * b"));
    ok(outdated.kind === "error");
    match(outdated.why, /stands 0 times/);
    const wrong = await seen(mutantOf("a + b", '"a"'));
    ok(wrong.kind === "error");
    match(wrong.why, /does not compile: .*TS2322/s);
  });
});

describe("running a process with a limit", () => {
  it("ends it, and all that it started, when the time is over", async () => {
    const child = "setInterval(() => undefined, 1_000)";
    const script = `const { spawn } = require("node:child_process");
      console.log(spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }).pid);
      setInterval(() => undefined, 1_000);`;
    const ended = await runProcess(["-e", script], { cwd: tmpdir(), limitMs: 1_500, env: {} });
    equal(ended.code, null);
    ok(Number(ended.output.trim()) > 0, ended.output);
    // The child held the output open too, so that without its end there would be none.
    ok(ended.tookMs < 10_000);
  });
});

describe("reading what the tests said", () => {
  it("finds the first failing test among whatever was printed", () => {
    const output = [
      '["start",{"total":2}]',
      "[a line of a program",
      '["fail",{"title":"b","fullTitle":"a b","file":"/x/0/dist/test/unit/a.test.js","duration":1}]',
      '["fail",{"title":"c","fullTitle":"a c","file":null}]',
    ].join("\n");
    deepEqual(readFailure(output, "/x/0"), { test: "a b", file: "test/unit/a.test.ts" });
    equal(readFailure('["pass",{"fullTitle":"a"}]\n["end",{}]', "/x/0"), undefined);
  });
});
