/** What the project's own files must not hold: calls that bring back what is gone, compression, dependencies without a seal. */
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./support/paths.ts";
import { readSourceFiles, sourceFile, type SourceFile } from "./support/source-files.ts";

const source = readSourceFiles(["src", "cli"]);

function places(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, code }) => (code.match(pattern) ?? []).map((found) => `${path}: ${found}`));
}

/** `level` and `classic-level` offer it as a static method. */
const LEVEL_REPAIR = /\b(?:Level|ClassicLevel)\s*\.\s*(?:repair|destroy)\b|\brepairDb\b/g;
const PACKING =
  /\b(?:createGzip|createDeflate\w*|createBrotliCompress|gzip(?:Sync)?|deflate(?:Raw)?(?:Sync)?|brotliCompress(?:Sync)?|zstdCompress(?:Sync)?)\b/g;

const TEST_FILE = /\b(?:test|simulations)\/[\w/-]+\.test\.ts\b/g;

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

describe("The project's own files", () => {
  it("S12: never call the database's repair, which brings back what is old and deleted", () => {
    deepEqual(places(source, LEVEL_REPAIR), []);
    const bad = sourceFile("src/io/store/a.ts", "await ClassicLevel.repair(path);");
    deepEqual(places([bad], LEVEL_REPAIR), ["src/io/store/a.ts: ClassicLevel.repair"]);
  });

  it("C12: compress nothing: the size of what is sealed would tell what is in it", () => {
    deepEqual(places(source, PACKING), []);
    deepEqual(places([sourceFile("src/a.ts", "const small = gzipSync(bytes);")], PACKING), [
      "src/a.ts: gzipSync",
    ]);
  });

  it("name no tests in their comments that are not there", () => {
    const missing = (files: readonly SourceFile[]): readonly string[] =>
      files.flatMap(({ path, text }) =>
        [...text.matchAll(TEST_FILE)].flatMap(([name]) =>
          existsSync(join(repositoryRoot, name)) ? [] : [`${path}: ${name}`],
        ),
      );
    deepEqual(missing(source), []);
    deepEqual(missing([sourceFile("src/a.ts", "/** Tests: test/unit/none/a.test.ts. */")]), [
      "src/a.ts: test/unit/none/a.test.ts",
    ]);
  });

  it("K12: pin every dependency, seal what is installed, and let one package run an install script", () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(join(repositoryRoot, name), "utf8"));
    const manifest = read("package.json") as Readonly<
      Record<string, Readonly<Record<string, string | boolean>>>
    >;
    const direct = { ...manifest["dependencies"], ...manifest["devDependencies"] };
    const exact = /^\d+\.\d+\.\d+$/;
    deepEqual(
      Object.entries(direct).filter(([, version]) => !exact.test(String(version))),
      [],
    );
    const { packages } = read("package-lock.json") as { readonly packages: Readonly<Record<string, Locked>> };
    const installed = Object.entries(packages).filter(([path]) => path !== "");
    ok(installed.length > 100);
    deepEqual(
      installed.filter(
        ([, { integrity, link }]) => link !== true && integrity?.startsWith("sha512-") !== true,
      ),
      [],
    );
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const allowed = Object.keys(manifest["allowScripts"] ?? {});
    deepEqual(
      scripted
        .map(([path]) => path.replace(/^.*node_modules\//, ""))
        .filter((name) => !allowed.includes(name)),
      [],
    );
  });
});
