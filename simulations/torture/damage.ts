/** Damage to the files of a store, chosen by a number: mostly one flipped bit, else a file that is old, empty, cut or gone. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../doubles/random.ts";

/** What LevelDB reads: its lock and its diary do not matter. */
const READ = /^(?:\d+\.(?:ldb|log)|MANIFEST-\d+|CURRENT)$/;
const FLIPS_PERCENT = 80;

type Spoil = (db: string, random: Random) => string;

const flipBit: Spoil = (db, random) => {
  const files = sizedFiles(db);
  // Half of the time every bit is as likely as any other, else every file: the small ones matter most.
  const file = random.chance(50) ? bySize(files, random) : random.pick(files);
  const bit = random.below(file.bytes.length * 8);
  file.bytes[bit >>> 3]! ^= 1 << (bit & 7);
  writeFileSync(join(db, file.name), file.bytes);
  return `bit ${bit} of ${file.name}`;
};

const others: readonly Spoil[] = [
  (db) => {
    writeFileSync(join(db, "CURRENT"), "");
    return "CURRENT is empty";
  },
  (db) => {
    writeFileSync(join(db, "CURRENT"), readFileSync(join(db, "CURRENT"), "utf8").trimEnd());
    return "CURRENT has no end of line";
  },
  (db, random) => change(db, random, /\.ldb$/, "is empty", () => new Uint8Array(0)),
  (db, random) => change(db, random, /\.ldb$/, "is gone", () => null),
  (db, random) => change(db, random, /^MANIFEST/, "is gone", () => null),
  (db, random) => change(db, random, /^CURRENT$/, "is gone", () => null),
  (db, random) => change(db, random, /\.log$/, "is gone", () => null),
  (db, random) =>
    change(db, random, /\.log$/, "is as it was earlier", (bytes) =>
      bytes.subarray(0, random.below(bytes.length)),
    ),
  (db, random) =>
    change(db, random, /\.(?:ldb|log)$/, "ends in zeros", (bytes) =>
      bytes.fill(0, random.below(bytes.length)),
    ),
  (db, random) => {
    const tables = sizedFiles(db).filter(({ name }) => name.endsWith(".ldb"));
    const [to, from] = [random.pick(tables), random.pick(tables)];
    writeFileSync(join(db, to.name), from.bytes);
    return `${to.name} holds what ${from.name} holds`;
  },
];

/** Says what it did. */
export function damage(db: string, random: Random): string {
  return random.chance(FLIPS_PERCENT) ? flipBit(db, random) : random.pick(others)(db, random);
}

interface Sized {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function sizedFiles(db: string): readonly Sized[] {
  return readdirSync(db)
    .filter((name) => READ.test(name))
    .toSorted()
    .map((name) => ({ name, bytes: readFileSync(join(db, name)) }))
    .filter(({ bytes }) => bytes.length > 0);
}

function bySize(files: readonly Sized[], random: Random): Sized {
  let at = random.below(files.reduce((sum, { bytes }) => sum + bytes.length, 0));
  return files.find(({ bytes }) => (at -= bytes.length) < 0)!;
}

function change(
  db: string,
  random: Random,
  which: RegExp,
  what: string,
  make: (bytes: Uint8Array) => Uint8Array | null,
): string {
  const files = sizedFiles(db).filter(({ name }) => which.test(name));
  const { name, bytes } = random.pick(files);
  const made = make(bytes);
  if (made === null) rmSync(join(db, name));
  else writeFileSync(join(db, name), made);
  return `${name} ${what}`;
}
