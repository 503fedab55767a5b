/** Makes a trace of a disk out of strace's record of a run: only what lies below one directory counts. */
import type { Call } from "../strace.ts";
import { descriptor, hexBytes, stringsIn } from "../strace.ts";
import { type File, type Naming, renameIn, type Trace, type Write } from "./disk.ts";

export function readTrace(calls: readonly Call[], dir: string): Trace {
  const reader = new TraceReader(dir);
  for (const call of calls) if (call.result >= 0) reader.take(call);
  return { ...reader.trace, moments: (calls.at(-1)?.ended ?? 0) + 1 };
}

class TraceReader {
  readonly trace: {
    readonly namings: Naming[];
    readonly files: File[];
    readonly directorySyncs: number[];
    readonly said: { readonly at: number; readonly line: string }[];
  } = { namings: [], files: [], directorySyncs: [], said: [] };
  readonly #dir: string;
  readonly #names = new Map<string, File | null>();
  /** Where the next write through a descriptor goes, and into what. */
  readonly #open = new Map<number, { readonly file: File; position: number }>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  take(call: Call): void {
    // A call that is not over has perhaps done nothing yet; what it says may have been heard as soon as it began.
    const { name, args, began, ended: at } = call;
    if (name === "openat") this.#opened(at, call);
    else if (name === "write") this.#wrote(at, began, args);
    else if (name === "pwrite64") this.#wroteAt(at, args);
    else if (name === "fsync" || name === "fdatasync") this.#synced(at, args);
    else if (name === "ftruncate") this.#cut(at, args);
    else this.#named(at, name, args);
  }

  #opened(at: number, { args, result }: Call): void {
    this.#open.delete(result);
    const path = this.#below(pathIn(args));
    if (path === undefined) return;
    const known = this.#names.get(path);
    if (known === undefined && args.includes("O_CREAT")) {
      const file: File = { number: this.trace.files.length, writes: [], syncs: [], cuts: [] };
      this.trace.files.push(file);
      this.#names.set(path, file);
      this.trace.namings.push({ at, kind: "file", path, file });
      this.#open.set(result, { file, position: 0 });
    } else if (known !== undefined && known !== null) {
      if (args.includes("O_TRUNC")) known.cuts.push({ at, length: 0 });
      const size = args.includes("O_APPEND") ? sizeOf(known) : 0;
      this.#open.set(result, { file: known, position: size });
    }
  }

  #wrote(at: number, began: number, args: string): void {
    const to = descriptor(args);
    const bytes = hexBytes(stringsIn(args)[0] ?? "");
    if (to?.number === 1) {
      for (const line of Buffer.from(bytes).toString().split("\n").filter(Boolean))
        this.trace.said.push({ at: began, line });
      return;
    }
    const open = this.#fileOf(to);
    if (open === undefined) return;
    open.file.writes.push({ at, offset: open.position, bytes });
    open.position += bytes.length;
  }

  #wroteAt(at: number, args: string): void {
    const open = this.#fileOf(descriptor(args));
    const offset = /, (\d+)$/.exec(args)?.[1];
    if (open === undefined || offset === undefined) return;
    open.file.writes.push({ at, offset: Number(offset), bytes: hexBytes(stringsIn(args)[0] ?? "") });
  }

  #synced(at: number, args: string): void {
    const what = descriptor(args);
    const open = this.#fileOf(what);
    if (open !== undefined) open.file.syncs.push(at);
    else if (what !== undefined && this.#isHere(what.path)) this.trace.directorySyncs.push(at);
  }

  #cut(at: number, args: string): void {
    const open = this.#fileOf(descriptor(args));
    const length = /, (\d+)$/.exec(args)?.[1];
    if (open !== undefined && length !== undefined) open.file.cuts.push({ at, length: Number(length) });
  }

  #named(at: number, name: string, args: string): void {
    const [path, to] = stringsIn(args).map((text) => this.#below(Buffer.from(hexBytes(text)).toString()));
    if (path === undefined) return;
    if (name === "mkdir") {
      this.#names.set(path, null);
      this.trace.namings.push({ at, kind: "directory", path });
    } else if (name === "rename" && to !== undefined) {
      renameIn(this.#names, path, to);
      this.trace.namings.push({ at, kind: "renamed", path, to });
    } else if (name === "unlink" || name === "rmdir") {
      this.#names.delete(path);
      this.trace.namings.push({ at, kind: "gone", path });
    }
  }

  #fileOf(to: ReturnType<typeof descriptor>): { readonly file: File; position: number } | undefined {
    return to !== undefined && this.#isHere(to.path) ? this.#open.get(to.number) : undefined;
  }

  #isHere(path: string): boolean {
    return path === this.#dir || path.startsWith(`${this.#dir}/`);
  }

  #below(path: string): string | undefined {
    return path.startsWith(`${this.#dir}/`) ? path.slice(this.#dir.length + 1) : undefined;
  }
}

function pathIn(args: string): string {
  return Buffer.from(hexBytes(stringsIn(args)[0] ?? "")).toString();
}

function sizeOf({ writes }: File): number {
  return writes.reduce((most: number, { offset, bytes }: Write) => Math.max(most, offset + bytes.length), 0);
}
