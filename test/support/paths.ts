/** Where things lie on disk, from the compiled tests' point of view. Reading them is the caller's part. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. This file runs as `dist/test/support/paths.js`. */
export const repositoryRoot: string = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** The path of a vector file, for example `vectorPath("log/inclusion.json")`. */
export function vectorPath(name: string): string {
  return join(repositoryRoot, "test", "vectors", name);
}
