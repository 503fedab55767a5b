/**
 * The recovery phrase: 24 English words of BIP39 for 32 random bytes, and the two root keys that come of them. BIP39's own
 * stretching to a wallet seed is not used: 256 random bits need none.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/phrase.test.ts (BIP39's vectors).
 */
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist as words } from "@scure/bip39/wordlists/english.js";
import { EngineError } from "../base/errors.ts";
import { hkdfSha256 } from "./hash.ts";
import { requireKeySize } from "./key-size.ts";
import { labelled, labels } from "./labels.ts";
import { createSigningKey } from "./sign.ts";
import type { SigningKey } from "./sign.ts";

export const PHRASE_WORD_COUNT = 24;
export const PHRASE_ENTROPY_BYTES = 32;
/** Longer than any phrase with every separator doubled; bounds what normalising can cost. */
const PHRASE_TEXT_MAX = 1_000;
/** Further away, the nearest word is no likely meaning of what was typed. */
const GUESS_DISTANCE_MAX = 3;

const knownWords: ReadonlySet<string> = new Set(words);

/** The 2,048 English words of BIP39 in order. Link codes are made of them too. */
export function wordlist(): readonly string[] {
  return words;
}

/**
 * 24 words, separated by one space.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for entropy that is not 32 bytes.
 */
export function entropyToPhrase(entropy: Uint8Array): string {
  requireKeySize(entropy, PHRASE_ENTROPY_BYTES, "a phrase's entropy");
  return entropyToMnemonic(entropy, words);
}

/**
 * The 32 bytes of a phrase as a person types it: any case, spaces and line breaks, and any Unicode form of the letters.
 *
 * @throws EngineError `PHRASE_INVALID` for a wrong number of words, for a word that is not in the list (`remedy` names
 *   the nearest one) and for words whose checksum is wrong. The message tells which and repeats nothing that was typed.
 */
export function phraseToEntropy(text: string): Uint8Array {
  const typed = splitWords(text);
  if (typed.length !== PHRASE_WORD_COUNT) {
    throw new EngineError(
      "PHRASE_INVALID",
      `a recovery phrase has ${PHRASE_WORD_COUNT} words, this one has ${typed.length}`,
    );
  }
  const unknown = typed.filter((word) => !knownWords.has(word));
  if (unknown[0] !== undefined) throw unknownWord(typed.indexOf(unknown[0]) + 1, unknown);
  try {
    return mnemonicToEntropy(typed.join(" "), words);
  } catch {
    // Count and words are right, so this is the checksum. The library's error is not kept: it could quote the phrase.
    throw new EngineError(
      "PHRASE_INVALID",
      "every word is in the list, but together they are no recovery phrase",
      {
        remedy: "Compare each word and their order with what you wrote down.",
      },
    );
  }
}

/** The key that speaks for the account, and the seed of the key that opens wraps made for the phrase (`createOpenKey`). */
export interface RootKeys {
  readonly rootSign: SigningKey;
  readonly rootOpenSeed: Uint8Array;
}

/**
 * Both root keys, by HKDF under separate labels, so that neither tells anything of the other.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for entropy that is not 32 bytes.
 */
export function rootKeysFromPhraseEntropy(entropy: Uint8Array): RootKeys {
  requireKeySize(entropy, PHRASE_ENTROPY_BYTES, "a phrase's entropy");
  const derive = (label: string): Uint8Array =>
    hkdfSha256({ secret: entropy, salt: new Uint8Array(0), info: labelled(label), size: 32 });
  return { rootSign: createSigningKey(derive(labels.rootSign)), rootOpenSeed: derive(labels.rootOpen) };
}

function splitWords(text: string): readonly string[] {
  if (text.length > PHRASE_TEXT_MAX) {
    throw new EngineError(
      "PHRASE_INVALID",
      `a recovery phrase has ${PHRASE_WORD_COUNT} words, this text is far longer`,
    );
  }
  return text
    .normalize("NFKD")
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== "");
}

function unknownWord(position: number, unknown: readonly string[]): EngineError {
  const others = unknown.length > 1 ? ` (and ${unknown.length - 1} more)` : "";
  const guess = nearestWord(unknown[0]!);
  const remedy =
    guess === undefined
      ? "A recovery phrase is made of 24 English words."
      : `Word ${position} may be "${guess}".`;
  return new EngineError("PHRASE_INVALID", `word ${position} is not in the list of words${others}`, {
    remedy,
  });
}

/** The first word of the list with the smallest distance; undefined where none is near. */
function nearestWord(typed: string): string | undefined {
  let nearest: string | undefined;
  let smallest = GUESS_DISTANCE_MAX + 1;
  for (const word of words) {
    if (Math.abs(word.length - typed.length) >= smallest) continue;
    const distance = editDistance(typed, word);
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = word;
  }
  return nearest;
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, beforeLast[j - 2]! + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
