/**
 * A disk as a trace of calls has made it, and what may be left of it after a power cut at any moment.
 *
 * What may be left, as file systems with a journal promise it (ext4, xfs, btrfs, APFS, NTFS): names change in the order of the calls, up
 * to some call; at least up to the last synced directory, and up to the naming of each file that was synced since. Of a file, everything
 * before its last sync; of what was written after it: nothing, everything, some of the writes, a torn one, zeros or anything else in its
 * place. Tests: test/unit/torture/disk.test.ts.
 */

export interface Write {
  /** The moment at which it was over. */
  readonly at: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A file, whatever it is called. */
export interface File {
  readonly number: number;
  readonly writes: Write[];
  /** Moments at which it had been synced. */
  readonly syncs: number[];
  /** Moments at which it was cut to a length. */
  readonly cuts: { readonly at: number; readonly length: number }[];
}

/** A change of names. */
export type Naming = { readonly at: number; readonly path: string } & (
  | { readonly kind: "file"; readonly file: File }
  | { readonly kind: "directory" }
  | { readonly kind: "gone" }
  | { readonly kind: "renamed"; readonly to: string }
);

export interface Trace {
  /** A cut comes before one of so many moments. */
  readonly moments: number;
  readonly namings: readonly Naming[];
  readonly files: readonly File[];
  /** Moments at which a directory had been synced. */
  readonly directorySyncs: readonly number[];
  readonly said: readonly { readonly at: number; readonly line: string }[];
}

/** Names at one moment: files by path, and directories as null. */
export type Names = ReadonlyMap<string, File | null>;

export function namesAfter(namings: readonly Naming[]): Names {
  const names = new Map<string, File | null>();
  for (const naming of namings) {
    const { path } = naming;
    if (naming.kind === "file") names.set(path, naming.file);
    else if (naming.kind === "directory") names.set(path, null);
    else if (naming.kind === "gone") names.delete(path);
    else renameIn(names, path, naming.to);
  }
  return names;
}

/** Takes along what lies below a directory. */
export function renameIn(names: Map<string, File | null>, from: string, to: string): void {
  for (const [path, file] of Array.from(names)) {
    if (path !== from && !path.startsWith(`${from}/`)) continue;
    names.delete(path);
    names.set(to + path.slice(from.length), file);
  }
}

/** How many of the first namings a cut before moment `cut` must leave, and how many it may. */
export function namingLimits(
  { namings, files, directorySyncs }: Trace,
  cut: number,
): { readonly least: number; readonly most: number } {
  const most = namings.filter(({ at }) => at < cut).length;
  const upTo = (call: number): number => namings.filter(({ at }) => at < call).length;
  let least = Math.max(0, ...directorySyncs.filter((at) => at < cut).map(upTo));
  for (const file of files) {
    const sync = file.syncs.findLast((at) => at < cut);
    if (sync === undefined) continue;
    const named = namings.findLast((naming) => naming.at < sync && namesFile(naming, file));
    if (named !== undefined) least = Math.max(least, upTo(named.at + 1));
  }
  return { least, most };
}

function namesFile(naming: Naming, file: File): boolean {
  return naming.kind === "file" && naming.file === file;
}

/** What of a file is sure to be there, and the writes that may be. */
export function splitWrites(
  file: File,
  cut: number,
): { readonly durable: Uint8Array; readonly pending: readonly Write[] } {
  const sync = file.syncs.findLast((at) => at < cut) ?? -1;
  const before = file.writes.filter(({ at }) => at < sync);
  const pending = file.writes.filter(({ at }) => at >= sync && at < cut);
  let durable = applyWrites(new Uint8Array(0), before);
  for (const { at, length } of file.cuts) {
    if (at >= cut) continue;
    // What was written before a cut and lies beyond it is gone, on the disk at the latest with the next sync.
    const after = before.filter((write) => write.at > at);
    durable = applyWrites(
      applyWrites(
        new Uint8Array(0),
        before.filter((write) => write.at < at),
      ).slice(0, length),
      after,
    );
  }
  return { durable, pending };
}

/** Gaps read as zeros. */
export function applyWrites(base: Uint8Array, writes: readonly Write[]): Uint8Array {
  const size = writes.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes.length), base.length);
  const whole = new Uint8Array(size);
  whole.set(base);
  for (const { offset, bytes } of writes) whole.set(bytes, offset);
  return whole;
}
