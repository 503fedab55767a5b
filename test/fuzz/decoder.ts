/**
 * What a decoder under fuzzing is, and what all of them promise: nothing is thrown but the operating errors that are
 * documented, nothing of the language's own objects changes, and reading takes memory in proportion to the input.
 * What a decoder promises beside that stands in its own `read`. Docs: docs/reliability.md, "Fuzzing".
 */
import { type ErrorCode, isEngineError } from "../../src/core/base/errors.ts";

export const groups = [
  "wire",
  "log",
  "membership",
  "inbox",
  "store",
  "link",
  "import",
  "api",
  "discovery",
] as const;

export interface Decoder {
  readonly name: string;
  readonly group: (typeof groups)[number];
  /** Inputs that are good, or nearly; others with another seed. */
  readonly samples: (seed: number) => readonly Uint8Array[];
  /** Decodes one input. Throws where a promise is broken, or an operating error with one of `codes` where it refuses. */
  readonly read: (input: Uint8Array) => void | Promise<void>;
  /** Codes, or beginnings of codes, with which an input may be refused. */
  readonly codes: readonly string[];
  /** Words of the format that chance would not find. */
  readonly words?: readonly string[];
  /** Longer inputs are not made. */
  readonly sizeMax?: number;
}

export const SIZE_MAX = 4_096;
/** What reading an input may allocate beyond a fixed amount: each byte of a list of ranges is a fresh object at worst. */
const BYTES_PER_BYTE_MAX = 256;
const BYTES_FIXED = 4 * 1024 * 1024;

/** What every object inherits, and what a parser could be made to write to (threat U3). */
const ownNames = (): number => Object.getOwnPropertyNames(Object.prototype).length;
const namesAtStart = ownNames();

/** Undefined where the decoder kept its promises, whether it took the input or refused it; else what it did instead. */
export async function brokenPromise(decoder: Decoder, input: Uint8Array): Promise<string | undefined> {
  try {
    const reading = decoder.read(input);
    if (reading !== undefined) await reading;
  } catch (error) {
    if (!isRefusal(error, decoder.codes)) return describe(error);
  }
  return ownNames() === namesAtStart
    ? undefined
    : "the prototype of all objects has other properties than before";
}

/** As `brokenPromise`, and what was allocated on the way is in proportion to the input (threats U5, U11). */
export async function brokenPromiseOrBound(decoder: Decoder, input: Uint8Array): Promise<string | undefined> {
  const before = allocated();
  const broken = await brokenPromise(decoder, input);
  const grown = allocated() - before;
  if (broken !== undefined || grown <= BYTES_FIXED + BYTES_PER_BYTE_MAX * input.length) return broken;
  return `${input.length} bytes made ${grown}`;
}

/** True for an operating error with one of these codes. */
export function isRefusal(error: unknown, codes: readonly string[]): boolean {
  return isEngineError(error) && codes.some((code) => codeMatches(error.code, code));
}

/** Where a promise is broken: the sentence says which. */
export function promise(isKept: boolean, sentence: string): asserts isKept {
  if (!isKept) throw new Error(`broken: ${sentence}`);
}

function codeMatches(code: ErrorCode, pattern: string): boolean {
  return pattern.endsWith("*") ? code.startsWith(pattern.slice(0, -1)) : code === pattern;
}

function allocated(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const code = isEngineError(error) ? `${error.code}: ` : "";
  const [, place = ""] = (error.stack ?? "").split("\n");
  return `${code}${error.name}: ${error.message} ${place.trim()}`.slice(0, 300);
}
