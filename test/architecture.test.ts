/**
 * The rules of ARCHITECTURE.md, held against the project's own source. The data is in layers.ts.
 *
 * Works on text, since the compiler has no JavaScript API. What it cannot see (a name built at run time) is
 * caught by the compiler instead: core compiles without Node's types and without the DOM.
 */
import { deepEqual, ok } from "node:assert/strict";
import { asyncCrypto, compositionRoot, entryFile, packagePlaces, polyfillFile, rooms } from "./layers.ts";
import { readSourceFiles, sourceFile, type SourceFile } from "./support/source-files.ts";

const FILE_LINES_MAX = 400;

/** Ways to learn the time, to wait or to draw lots that neither core nor app may use by itself. */
const CLOCK_OR_CHANCE =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.|\bMath\.random\b|\bprocess\.|\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bAbortSignal\.timeout\b|\bgetRandomValues\b|\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\brandombytes_\w+|\bcrypto_\w+_keygen\b/g;

/** Waiting, which core does not do. A type may still name `Promise<...>`. */
const WAITING = /\bawait\b|\basync\b|\bnew Promise\b|\bPromise\.|\.then\(/g;

const VAGUE_NAME = /(?:^|[/-])(?:utils?|helpers?|common|misc)(?:[/.-]|$)/;

const files = readSourceFiles(["src", "cli", "simulations", "test", "bench"]);
const under = (...folders: readonly string[]): readonly SourceFile[] =>
  files.filter(({ path }) => folders.some((folder) => path.startsWith(folder)));
const roomOf = (path: string): number => rooms.findIndex((room) => path.startsWith(`src/${room}/`));
const isRoot = (path: string): boolean => compositionRoot.some((pattern) => pattern.test(path));

/** Every import of one of `from` that `isWrong`, as `a -> b`. */
function wrongImports(
  from: readonly SourceFile[],
  isWrong: (importer: string, imported: string) => boolean,
): readonly string[] {
  return from.flatMap(({ path, imports }) =>
    imports.filter((to) => isWrong(path, to)).map((to) => `${path} -> ${to}`),
  );
}

/** Every match of `pattern` in the code of `from`, as `a: match`. */
function matches(from: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return from.flatMap(({ path, code }) => (code.match(pattern) ?? []).map((found) => `${path}: ${found}`));
}

/** The first circle found from each file, as `a -> b -> a`. */
function findCircles(all: readonly SourceFile[]): readonly string[] {
  const importsByPath = new Map(all.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) circles.push([...trail.slice(start), path].join(" -> "));
    if (start !== -1 || done.has(path)) return;
    for (const next of importsByPath.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of all) walk(path, []);
  return circles;
}

describe("the architecture", () => {
  it("puts every file of src into a room of layers.ts", () => {
    const homeless = under("src/").filter(({ path }) => roomOf(path) === -1);
    deepEqual(
      homeless.map(({ path }) => path).filter((path) => path !== entryFile && path !== polyfillFile),
      [],
    );
  });

  it("lets imports of src point down only", () => {
    const inRooms = under("src/").filter(({ path }) => path !== entryFile);
    const isUpward = (from: string, to: string): boolean =>
      to !== polyfillFile && (roomOf(to) === -1 || roomOf(to) > roomOf(from));
    deepEqual(wrongImports(inRooms, isUpward), []);
  });

  it("keeps io rooms apart", () => {
    const isSideways = (from: string, to: string): boolean =>
      to.startsWith("src/io/") && roomOf(to) !== roomOf(from);
    deepEqual(wrongImports(under("src/io/"), isSideways), []);
  });

  it("shows cli only src/app and the published entry", () => {
    const isAllowed = (to: string): boolean =>
      to.startsWith("src/app/") || to.startsWith("cli/") || to === entryFile || to === polyfillFile;
    deepEqual(
      wrongImports(under("cli/"), (_, to) => !isAllowed(to)),
      [],
    );
  });

  it("lets nothing but tests import cli", () => {
    const isCli = (_: string, to: string): boolean => to.startsWith("cli/");
    deepEqual(wrongImports(under("src/", "simulations/", "bench/"), isCli), []);
  });

  it("keeps src and cli free of simulations, tests and benchmarks", () => {
    const isOutside = (_: string, to: string): boolean => /^(?:simulations|test|bench)\//.test(to);
    deepEqual(wrongImports(under("src/", "cli/"), isOutside), []);
  });

  it("has no circle of imports", () => {
    deepEqual(findCircles(files), []);
  });
});

describe("core decides and never waits", () => {
  const core = under("src/core/");

  it("uses no clock, no timer and no randomness of its own", () => {
    deepEqual(matches(core, CLOCK_OR_CHANCE), []);
  });

  it("awaits nothing outside core/crypto/async", () => {
    const synchronous = core.filter(({ path }) => !path.startsWith(asyncCrypto));
    deepEqual(matches(synchronous, WAITING), []);
  });

  it("imports Node's modules in core/crypto only", () => {
    const used = core
      .filter(({ path }) => !path.startsWith("src/core/crypto/"))
      .flatMap(({ path, packages }) =>
        packages.filter((name) => name.startsWith("node:")).map((name) => `${path}: ${name}`),
      );
    deepEqual(used, []);
  });

  it("lets only app call the asynchronous part of core/crypto", () => {
    const others = under("src/core/", "src/io/").filter(({ path }) => !path.startsWith(asyncCrypto));
    deepEqual(
      wrongImports(others, (_, to) => to.startsWith(asyncCrypto)),
      [],
    );
  });
});

describe("app waits through ports only", () => {
  const app = under("src/app/").filter(({ path }) => !isRoot(path));

  it("uses no clock, no timer and no randomness outside its composition root", () => {
    deepEqual(matches(app, CLOCK_OR_CHANCE), []);
  });

  it("imports Node's modules in its composition root only", () => {
    deepEqual(
      app.flatMap(({ path, packages }) =>
        packages.filter((name) => name.startsWith("node:")).map((name) => `${path}: ${name}`),
      ),
      [],
    );
  });
});

describe("libraries and files", () => {
  it("imports each library only where layers.ts says", () => {
    const isAllowed = (path: string, name: string): boolean => {
      const places = packagePlaces[name];
      if (places === undefined) return name.startsWith("node:");
      return places.some((place) => path.startsWith(place));
    };
    deepEqual(
      under("src/", "cli/").flatMap(({ path, packages }) =>
        packages.filter((name) => !isAllowed(path, name)).map((name) => `${path}: ${name}`),
      ),
      [],
    );
  });

  it(`has no file of more than ${FILE_LINES_MAX} lines`, () => {
    const linesOf = ({ text }: SourceFile): number => text.trimEnd().split("\n").length;
    deepEqual(
      files.filter((file) => linesOf(file) > FILE_LINES_MAX).map((file) => `${file.path}: ${linesOf(file)}`),
      [],
    );
  });

  it("has no vague names", () => {
    deepEqual(
      files.map(({ path }) => path).filter((path) => VAGUE_NAME.test(path)),
      [],
    );
  });

  it("has no barrel but src/index.ts", () => {
    const onlyReexports = ({ code }: SourceFile): boolean =>
      code.trim() !== "" &&
      code.replace(/\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*"";?/g, "").trim() ===
        "";
    const isBarrel = (file: SourceFile): boolean =>
      file.path !== entryFile && (file.path.endsWith("/index.ts") || onlyReexports(file));
    deepEqual(
      files.filter(isBarrel).map(({ path }) => path),
      [],
    );
  });
});

describe("the architecture test itself", () => {
  it("sees imports of every form, and none in comments and strings", () => {
    const file = sourceFile(
      "src/core/log/a.ts",
      [
        'import { a } from "../base/a.ts";',
        'import type { B } from "../base/b.ts";',
        'import {\n  c,\n} from "@noble/curves/ed25519.js";',
        'export { d } from "./d.ts";',
        'import "node:fs";',
        'const e = await import("./e.ts");',
        '// import { f } from "./f.ts";',
        '/* import { g } from "./g.ts"; */',
        'const url = "https://example.org"; const h = `import "./h.ts"`;',
      ].join("\n"),
    );
    deepEqual(file.imports, [
      "src/core/base/a.ts",
      "src/core/base/b.ts",
      "src/core/log/d.ts",
      "src/core/log/e.ts",
    ]);
    deepEqual(file.packages, ["@noble/curves", "node:fs"]);
  });

  it("finds what core may not do, and lets comments and strings speak of it", () => {
    const bad = sourceFile("src/core/log/a.ts", "const now = Date.now();\nawait `${Math.random()}`;");
    deepEqual(matches([bad], CLOCK_OR_CHANCE), [
      "src/core/log/a.ts: Date.now",
      "src/core/log/a.ts: Math.random",
    ]);
    deepEqual(matches([bad], WAITING), ["src/core/log/a.ts: await"]);
    const good = sourceFile(
      "src/core/log/b.ts",
      '// Date.now\nconst text = "await"; type Port = () => Promise<void>;',
    );
    deepEqual([...matches([good], CLOCK_OR_CHANCE), ...matches([good], WAITING)], []);
  });

  it("finds a circle", () => {
    const circle = [
      sourceFile("src/a.ts", 'import "./b.ts";'),
      sourceFile("src/b.ts", 'import "./c.ts";'),
      sourceFile("src/c.ts", 'import "./b.ts";'),
    ];
    deepEqual(findCircles(circle), ["src/b.ts -> src/c.ts -> src/b.ts"]);
  });

  it("finds vague names but no words that merely contain one", () => {
    ok(VAGUE_NAME.test("src/core/base/byte-utils.ts"));
    ok(VAGUE_NAME.test("src/core/common/a.ts"));
    ok(!VAGUE_NAME.test("src/core/base/utilisation.ts"));
  });
});
