/** Copies a database that may be open and busy, as a crash at one moment would leave it. */
import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** Tables come and go while they are copied; then the copy is thrown away and made again. */
export async function copyStore(from: string, to: string): Promise<void> {
  for (;;) {
    const before = await versionOf(from);
    try {
      await cp(from, to, { recursive: true, filter: (source) => !source.endsWith("/LOCK") });
      if ((await versionOf(from)) === before) return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
    await rm(to, { recursive: true, force: true });
  }
}

/** Changes with every table that is written or deleted. */
async function versionOf(path: string): Promise<string> {
  const names = (await readdir(path)).toSorted();
  const manifest = names.find((name) => name.startsWith("MANIFEST-"));
  const bytes = manifest === undefined ? "" : await readFile(join(path, manifest), "latin1");
  return `${names.join()} ${bytes}`;
}
