/**
 * Numbered trials in processes of their own, a line of JSON each: LevelDB may abort on files that it cannot make sense of, and then the
 * next process goes on behind the trial that did it.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Stage } from "./stage.ts";

export interface Ended {
  readonly trial: number;
  /** How the process ended in the middle of the trial. */
  readonly died: string;
}

/** Runs `program FROM TO ARGS…`; `told` gets what each trial says, `died` the trials in which the process ended. */
export async function runTrials(
  stage: Stage,
  input: {
    readonly program: string;
    /** What the program is run by, such as `unshare -m`. */
    readonly through?: readonly string[];
    readonly args: readonly string[];
    readonly from: number;
    readonly to: number;
    readonly told: (value: Readonly<Record<string, unknown>>) => void;
    readonly died: (ended: Ended) => void;
  },
): Promise<void> {
  let next = input.from;
  while (next < input.to && !stage.isInterrupted) {
    const command = [
      ...(input.through ?? []),
      process.execPath,
      input.program,
      String(next),
      String(input.to),
      ...input.args,
    ];
    const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    const ended = new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code === 0 ? "" : `${signal ?? `exit ${code}`}`));
    });
    for await (const line of createInterface({ input: child.stdout })) {
      input.told(JSON.parse(line) as Record<string, unknown>);
      next++;
      if (stage.isInterrupted) child.kill("SIGKILL");
    }
    const died = await ended;
    if (stage.isInterrupted || next >= input.to) return;
    input.died({ trial: next, died: `${died} ${errors.trim()}` });
    next++;
  }
}
