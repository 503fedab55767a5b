/** One process of Node with a limit. Nothing of it outlives its end: it leads a group of its own, which is ended with it. */
import { spawn } from "node:child_process";

/** Of what it prints the beginning is kept: a mutant can make a test print without end. */
const OUTPUT_CHARACTERS_MAX = 4 * 1024 * 1024;

export interface Ended {
  /** Null where it was ended: it took longer than the limit, or a signal came. */
  readonly code: number | null;
  readonly output: string;
  readonly tookMs: number;
}

const groups = new Set<number>();

export function runProcess(
  args: readonly string[],
  options: { readonly cwd: string; readonly limitMs: number; readonly env: Readonly<Record<string, string>> },
): Promise<Ended> {
  const begunAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    let output = "";
    const take = (piece: string): void => {
      if (output.length < OUTPUT_CHARACTERS_MAX) output += piece;
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    const timer = setTimeout(() => endGroup(pid), options.limitMs);
    child.once("error", reject);
    // What it started may hold its output open, so its own end comes first.
    child.once("exit", () => endGroup(pid));
    child.once("close", (code) => {
      clearTimeout(timer);
      if (pid !== undefined) groups.delete(pid);
      resolve({ code, output, tookMs: performance.now() - begunAt });
    });
  });
}

/** Ends all that is under way. */
export function endAll(): void {
  for (const pid of groups) endGroup(pid);
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined || !groups.has(pid)) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of the group has ended by itself, and its number may come to belong to others.
    groups.delete(pid);
  }
}
