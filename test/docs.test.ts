/** The examples of the README are compiled and run, so that they stay true. */
import { equal, notEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "./support/paths.ts";

const BLOCK = /```ts\n([\s\S]*?)```/g;
const COMPILER = join(repositoryRoot, "node_modules", "typescript", "bin", "tsc");

/** Tests stay off the network of the machine that runs them. */
function withoutNetwork(example: string): string {
  return example.replace('name: "Desk" }', 'name: "Desk", network: false }');
}

describe("the README", () => {
  it("has an example of the library that compiles and does what it says", function () {
    this.timeout(60_000);
    const text = readFileSync(join(repositoryRoot, "README.md"), "utf8");
    const [example] = [...text.matchAll(BLOCK)].map(([, code]) => code!);
    notEqual(example, undefined);
    // Within the package, so that it finds itself by its name.
    const folder = join(repositoryRoot, "dist", "readme");
    const cwd = mkdtempSync(join(tmpdir(), "kinlog-readme-"));
    try {
      mkdirSync(folder, { recursive: true });
      const source = join(folder, "example.mts");
      writeFileSync(source, withoutNetwork(example!));
      const options = [
        "--ignoreConfig",
        "--strict",
        "--skipLibCheck",
        "--module",
        "nodenext",
        "--target",
        "es2023",
      ];
      const libraries = ["--lib", "es2023,es2024.promise,esnext.disposable", "--types", "node"];
      execFileSync(process.execPath, [COMPILER, ...options, ...libraries, source], {
        cwd: repositoryRoot,
        encoding: "utf8",
      });
      const printed = execFileSync(process.execPath, [join(folder, "example.mjs")], {
        cwd,
        encoding: "utf8",
      });
      equal(printed, "hello\n");
    } finally {
      rmSync(cwd, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
