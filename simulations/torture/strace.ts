/** strace: whether it works here, how a device is run under it, and what its output says. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SCRIPTED_DEVICE = fileURLToPath(new URL("programs/scripted-device.js", import.meta.url));

/** The calls that change a disk, and no others: the fewer, the faster. */
export const DISK_CALLS = [
  "openat",
  "write",
  "pwrite64",
  "fsync",
  "fdatasync",
  "rename",
  "unlink",
  "mkdir",
  "rmdir",
  "ftruncate",
] as const;

/** Why it cannot be used here; undefined where it can. */
export function straceMissing(): string | undefined {
  try {
    execFileSync("strace", ["-f", "--seccomp-bpf", "-e", "trace=fsync", "-o", "/dev/null", "true"], {
      stdio: "ignore",
    });
    return undefined;
  } catch {
    return "strace is missing or may not trace here";
  }
}

export interface Ran {
  readonly output: string;
  readonly errors: string;
  readonly code: number | null;
}

/** Runs a scripted device under strace with these options; its pool has one thread, so that counting calls means something. */
export function runScripted(input: {
  readonly dir: string;
  readonly backup: string;
  readonly large?: number;
  readonly options: readonly string[];
  readonly timeoutMs: number;
}): Promise<Ran> {
  const { dir, backup, large = 0, options, timeoutMs } = input;
  const program = [process.execPath, SCRIPTED_DEVICE, dir, backup, String(large)];
  // Stopped by the filter of --seccomp-bpf, a process takes no injected signal.
  const filter = options.some((option) => option.includes(":signal=")) ? [] : ["--seccomp-bpf"];
  const child = spawn("strace", [...filter, ...options, ...program], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
  });
  return new Promise((resolve, reject) => {
    let output = "";
    let errors = "";
    // strace ends with its tracee, and a killed strace takes it along.
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ output, errors, code });
    });
  });
}

export interface Call {
  readonly thread: string;
  /** How many of this call the thread had made before, from 1. */
  readonly ordinal: number;
  readonly name: string;
  /** Lines of the record: when the call began, and when it was over. strace sees all threads one after the other. */
  readonly began: number;
  readonly ended: number;
  /** Between the brackets; strings in hex, descriptors with their paths. */
  readonly args: string;
  readonly result: number;
}

/** strace options for a full record in one file. */
export function recordOptions(file: string): readonly string[] {
  const calls = `trace=${DISK_CALLS.join()}`;
  return ["-f", "-y", "-xx", "--string-limit=1000000000", "-e", calls, "-o", file];
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+)/;
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/;
const OVER = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/;

/** All calls of all threads in the order in which they were over. One that never was is left out. */
export function readRecord(file: string): readonly Call[] {
  const calls: Call[] = [];
  const counts = new Map<string, number>();
  const begun = new Map<string, Omit<Call, "ended" | "result">>();
  const begin = (
    began: number,
    thread: string,
    name: string,
    args: string,
  ): Omit<Call, "ended" | "result"> => {
    const ordinal = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, ordinal);
    return { thread, ordinal, name, began, args };
  };
  for (const [at, line] of readFileSync(file, "latin1").split("\n").entries()) {
    const whole = WHOLE.exec(line);
    const first = whole === null ? BEGUN.exec(line) : null;
    const last = whole === null && first === null ? OVER.exec(line) : null;
    if (whole !== null) {
      const call = begin(at, whole[1]!, whole[2]!, whole[3]!);
      calls.push({ ...call, ended: at, result: Number(whole[4]) });
    } else if (first !== null) begun.set(first[1]!, begin(at, first[1]!, first[2]!, first[3]!));
    else if (last !== null) {
      const call = begun.get(last[1]!);
      if (call === undefined || call.name !== last[2])
        throw new Error(`a call is over that did not begin: ${line.slice(0, 80)}`);
      calls.push({ ...call, args: call.args + last[3]!, ended: at, result: Number(last[4]) });
    }
  }
  return calls;
}

/** Bytes of a `\x68\x69` string. */
export function hexBytes(text: string): Uint8Array {
  // A plain array, since a Buffer's `slice` shares its bytes.
  return new Uint8Array(Buffer.from(text.replaceAll("\\x", ""), "hex"));
}

/** The path behind a descriptor such as `20<\x2f…>`, and its number. */
export function descriptor(text: string): { readonly number: number; readonly path: string } | undefined {
  const match = /^(\d+)<([^>]*)>/.exec(text);
  if (match === null) return undefined;
  return { number: Number(match[1]), path: Buffer.from(hexBytes(match[2]!)).toString() };
}

/** The strings among the arguments, in order. */
export function stringsIn(args: string): readonly string[] {
  return [...args.matchAll(/"([^"]*)"/g)].map(([, text]) => text!);
}
