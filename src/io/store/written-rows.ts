/**
 * Which view rows may be there, as far as that is known without the database: a fresh device that takes in its history asks for
 * every message whether it is here already, and asking costs more than all else that is done with the row.
 * A Bloom filter (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970): it errs only by saying
 * "perhaps", so the more rows there are, the more often the database is asked after all. Tests: test/unit/store/written-rows.test.ts.
 */
import type { RowKey } from "../../core/log/rows.ts";

/** A mebibyte: with a million rows one in seven that are not there is asked for. */
const BITS = 2 ** 23;
const PROBES = 4;
/** A letter and an id. Longer keys begin with those of what they belong to, so "perhaps" is said of all of them together. */
const HASHED_LENGTH = 17;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class WrittenRows {
  readonly #initials: ReadonlySet<string>;
  /** Made with the first row that it is for: most stores have rows of all kinds when they are opened. */
  #bits: Uint32Array | undefined;

  /** @param initials Characters with which keys of rows begin that were there before. */
  constructor(initials: ReadonlySet<string>) {
    this.#initials = initials;
  }

  add(key: RowKey): void {
    if (this.#initials.has(key.charAt(0))) return;
    const bits = (this.#bits ??= new Uint32Array(BITS / 32));
    const hash = hashOf(key);
    const step = stepOf(hash);
    for (let probe = 0, at = hash; probe < PROBES; probe++, at += step)
      bits[(at >>> 5) % bits.length]! |= 1 << (at & 31);
  }

  /** False only for a row that was never added. */
  mayHave(key: RowKey): boolean {
    if (this.#initials.has(key.charAt(0))) return true;
    const bits = this.#bits;
    if (bits === undefined) return false;
    const hash = hashOf(key);
    const step = stepOf(hash);
    for (let probe = 0, at = hash; probe < PROBES; probe++, at += step)
      if ((bits[(at >>> 5) % bits.length]! & (1 << (at & 31))) === 0) return false;
    return true;
  }
}

/** FNV-1a over the first characters, mixed at the end, since keys differ mostly in bytes that FNV alone leaves in the low bits. */
function hashOf(key: RowKey): number {
  let hash = FNV_OFFSET;
  const size = Math.min(key.length, HASHED_LENGTH);
  for (let at = 0; at < size; at++) hash = Math.imul(hash ^ key.charCodeAt(at), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Odd, so that the probes do not meet. */
function stepOf(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 16), 0x297a2d39) | 1) >>> 0;
}
