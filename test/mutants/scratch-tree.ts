/**
 * A copy of the project to plant bugs in: what git tracks or would track, as it lies in the working tree, with the installed
 * modules linked. Builds and restores itself; the working tree is only read.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Mutant, plantInto } from "./mutant.ts";
import { type Ended, runProcess } from "./run-process.ts";

const BUILD_MS_MAX = 300_000;
const MODULES = "node_modules";

export class ScratchTree {
  readonly path: string;
  /** Of what runs in the tree. Beside it and short, since the paths of sockets are. */
  readonly temporary: string;

  constructor(root: string, path: string) {
    this.path = path;
    this.temporary = `${path}t`;
    mkdirSync(this.temporary, { recursive: true });
    const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const file of listed.split("\0")) {
      // Deleted and not yet committed; and modules that are a link themselves.
      if (file === "" || file === MODULES || !existsSync(join(root, file))) continue;
      mkdirSync(dirname(join(path, file)), { recursive: true });
      cpSync(join(root, file), join(path, file));
    }
    symlinkSync(join(root, MODULES), join(path, MODULES));
  }

  /** Compiles what has changed. A mutant that does not compile would say nothing about the tests. */
  build(): Promise<Ended> {
    return this.run([join(MODULES, "typescript", "bin", "tsc"), "-b"], BUILD_MS_MAX);
  }

  /** Node with these arguments, in the tree. */
  run(args: readonly string[], limitMs: number, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return runProcess(args, { cwd: this.path, limitMs, env: { ...env, TMPDIR: this.temporary } });
  }

  /** @throws Error where the register is out of date. */
  plant(mutant: Mutant): void {
    const file = join(this.path, mutant.file);
    writeFileSync(file, plantInto(readFileSync(file, "utf8"), mutant));
  }

  /** Takes the bug out again: the file is copied anew from the tree that is as it was. */
  restore({ file }: Mutant, from: ScratchTree): void {
    cpSync(join(from.path, file), join(this.path, file));
  }
}
