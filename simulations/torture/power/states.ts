/** One disk that a power cut may leave, chosen by a number. The rules: disk.ts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Random } from "../../doubles/random.ts";
import {
  applyWrites,
  type File,
  namesAfter,
  namingLimits,
  splitWrites,
  type Trace,
  type Write,
} from "./disk.ts";

const MODES = ["none", "all", "some", "torn", "zeros", "garbage", "sectors"] as const;

export type Mode = (typeof MODES)[number];

const SECTOR_BYTES = 512;

export interface DiskState {
  /** The power went before this moment. */
  readonly cut: number;
  /** How many changes of names have reached the disk, of how many. */
  readonly namings: number;
  readonly namingsMost: number;
  readonly mode: Mode;
  /** Content by path; null for a directory. */
  readonly content: ReadonlyMap<string, Uint8Array | null>;
}

export function chooseState(trace: Trace, seed: number): DiskState {
  const random = new Random(seed);
  const cut = 1 + random.below(trace.moments);
  const { least, most } = namingLimits(trace, cut);
  const namings = random.pick([least, most, random.between(least, most)]);
  const mode = random.pick(MODES);
  const content = new Map<string, Uint8Array | null>();
  for (const [path, file] of namesAfter(trace.namings.slice(0, namings))) {
    content.set(path, file === null ? null : contentOf(file, cut, mode, random));
  }
  return { cut, namings, namingsMost: most, mode, content };
}

export function writeState({ content }: DiskState, dir: string): void {
  for (const [path, bytes] of content) {
    const whole = join(dir, path);
    mkdirSync(bytes === null ? whole : dirname(whole), { recursive: true, mode: 0o700 });
    if (bytes !== null) writeFileSync(whole, bytes, { mode: 0o600 });
  }
}

/** Every file of its own: one may keep all of what another loses, which is how holes between two logs come to be. */
function contentOf(file: File, cut: number, mode: Mode, random: Random): Uint8Array {
  const { durable, pending } = splitWrites(file, cut);
  if (pending.length === 0) return durable;
  const own = random.chance(70) ? mode : random.pick(MODES);
  const all = applyWrites(durable, pending);
  switch (own) {
    case "none":
      return durable;
    case "all":
      return all;
    case "some":
      return applyWrites(
        durable,
        pending.filter(() => random.chance(50)),
      );
    case "torn":
      return applyWrites(durable, tear(pending, random));
    case "zeros":
    case "garbage":
      return spoil(durable, pending, random, (size) =>
        own === "zeros" ? new Uint8Array(size) : random.bytes(size),
      );
    case "sectors":
      return dropSectors(durable, all, random);
  }
}

/** The first writes, and a part of the next. */
function tear(pending: readonly Write[], random: Random): readonly Write[] {
  const at = random.below(pending.length);
  const torn = pending[at]!;
  return [
    ...pending.slice(0, at),
    { ...torn, bytes: torn.bytes.subarray(0, random.below(torn.bytes.length + 1)) },
  ];
}

/** The size has reached the disk, the bytes from some place on have not. */
function spoil(
  durable: Uint8Array,
  pending: readonly Write[],
  random: Random,
  fill: (size: number) => Uint8Array,
): Uint8Array {
  const spoiled = pending.map((write) => {
    const good = random.below(write.bytes.length + 1);
    const bytes = write.bytes.slice();
    bytes.set(fill(bytes.length - good), good);
    return { ...write, bytes };
  });
  return applyWrites(durable, spoiled);
}

/** Of the sectors that differ some are old: in place, or zeros behind the old end. */
function dropSectors(durable: Uint8Array, all: Uint8Array, random: Random): Uint8Array {
  const mixed = all.slice();
  for (let from = 0; from < mixed.length; from += SECTOR_BYTES) {
    if (random.chance(50)) continue;
    const to = Math.min(mixed.length, from + SECTOR_BYTES);
    mixed.fill(0, from, to);
    if (from < durable.length) mixed.set(durable.subarray(from, Math.min(to, durable.length)), from);
  }
  return mixed;
}
