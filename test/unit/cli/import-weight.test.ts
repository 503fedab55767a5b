/** P16: a command that only asks a running node loads neither the engine nor a library. By the compiled files, where types are gone. */
import { deepEqual, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { repositoryRoot } from "../../support/paths.ts";

const dist = join(repositoryRoot, "dist");

/** Everything that loading a file loads at once; what is imported later, when it is needed, is not followed. */
function loadedWith(entry: string): {
  readonly files: readonly string[];
  readonly packages: readonly string[];
} {
  const files = new Set<string>();
  const packages = new Set<string>();
  const walk = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    const code = readFileSync(join(dist, path), "utf8");
    for (const [, specifier] of code.matchAll(
      /^(?:import\s*|(?:import|export)\b[^"';()]*?\bfrom\s*)"([^"]+)";/gm,
    )) {
      if (specifier!.startsWith(".")) walk(relative(dist, join(dist, dirname(path), specifier!)));
      else packages.add(specifier!);
    }
  };
  walk(entry);
  return { files: [...files], packages: [...packages].filter((name) => !name.startsWith("node:")) };
}

describe("What a command loads", () => {
  const commands = readdirSync(join(dist, "cli/commands")).filter((name) => name.endsWith(".js"));
  const entries = [
    "cli/main.js",
    ...commands.map((name) => `cli/commands/${name}`),
    "src/app/api/open-api.js",
  ];

  it("P16: is no library, and of the engine nothing but its errors, before it needs more", () => {
    for (const entry of entries) {
      const { files, packages } = loadedWith(entry);
      deepEqual(packages, [], entry);
      const engine = files.filter((path) => /^src\/(?:core|io|app\/(?!api\/))/.test(path));
      deepEqual(
        engine.filter((path) => path !== "src/core/base/errors.js"),
        [],
        entry,
      );
    }
  });

  it("is told by a test that would see more", () => {
    const { files, packages } = loadedWith("src/app/node/open-node.js");
    ok(files.length > 20 && packages.length > 0);
  });
});
