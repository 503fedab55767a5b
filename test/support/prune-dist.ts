/**
 * Removes compiled files whose source is gone. The compiler leaves them behind, and a test that was renamed
 * or deleted would go on running under its old name.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { repositoryRoot } from "./paths.ts";

const OUTPUT = /\.(?:js|js\.map|d\.ts)$/;

function pruneDist(): void {
  const dist = join(repositoryRoot, "dist");
  for (const found of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    if (!found.isFile() || !OUTPUT.test(found.name)) continue;
    const output = join(found.parentPath, found.name);
    const source = join(repositoryRoot, relative(dist, output).replace(OUTPUT, ".ts"));
    if (!existsSync(source)) rmSync(output);
  }
}

pruneDist();
