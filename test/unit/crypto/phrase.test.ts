/** The recovery phrase of src/core/crypto/phrase.ts: BIP39's vectors, and what people type. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import { type EngineError, isEngineError } from "../../../src/core/base/errors.ts";
import {
  entropyToPhrase,
  phraseToEntropy,
  rootKeysFromPhraseEntropy,
  wordlist,
} from "../../../src/core/crypto/phrase.ts";
import { assertCode } from "../../support/assert-code.ts";
import { readVectors } from "../../support/wycheproof.ts";

type Bip39 = Readonly<Record<string, readonly (readonly [entropy: string, phrase: string])[]>>;
const bip39 = readVectors<Bip39>("bip39/vectors.json");
const english = bip39["english"]!;

/** Fixed and well spread: no word twice. */
const entropy = hexToBytes("f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f");
const phrase = entropyToPhrase(entropy);
const words = phrase.split(" ");

function refusal(text: string): EngineError {
  try {
    phraseToEntropy(text);
  } catch (error) {
    ok(isEngineError(error, "PHRASE_INVALID"), String(error));
    return error;
  }
  throw new Error("the phrase was accepted");
}

describe("BIP39's English vectors", () => {
  it("are 24: eight of 24 words, eight of 18, eight of 12", () => {
    const counts = english.map(([, text]) => text.split(" ").length);
    deepEqual(
      [24, 18, 12].map((size) => counts.filter((count) => count === size).length),
      [8, 8, 8],
    );
  });

  it("of 24 words turn into each other", () => {
    const long = english.filter(([bytes]) => bytes.length === 64);
    equal(long.length, 8);
    for (const [bytes, text] of long) {
      equal(entropyToPhrase(hexToBytes(bytes)), text);
      equal(hex(phraseToEntropy(text)), bytes);
    }
  });

  it("P14: of 12 and 18 words are phrases of something else, and are refused by their count", () => {
    const short = english.filter(([bytes]) => bytes.length < 64);
    equal(short.length, 16);
    for (const [bytes, text] of short) {
      assertCode(() => entropyToPhrase(hexToBytes(bytes)), "CRYPTO_KEY_INVALID");
      ok(refusal(text).message.includes(`has ${text.split(" ").length}`), text);
    }
  });
});

describe("a recovery phrase", () => {
  it("turns every 32 bytes into 24 words and back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const text = entropyToPhrase(bytes);
        equal(text.split(" ").length, 24);
        deepEqual(phraseToEntropy(text), bytes);
      }),
    );
  });

  it("P14: is read in any case, with any space, line break or Unicode form", () => {
    const typed = [
      phrase.toUpperCase(),
      `  ${words.join("   ")}\n`,
      words.join("\r\n"),
      words.join("\t"),
      words.join("\u00a0"),
      words.join("\u3000"),
      phrase.replace(/[a-z]/g, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0)),
    ];
    for (const text of typed) deepEqual(phraseToEntropy(text), entropy, text);
  });

  it("P14: with a word missing or too many is refused by its count", () => {
    for (const count of [0, 1, 12, 23, 25, 48]) {
      const text = Array.from({ length: count }, (_, n) => words[n % 24]).join(" ");
      equal(refusal(text).message, `a recovery phrase has 24 words, this one has ${count}`);
    }
    ok(refusal("").message.includes("has 0"));
  });

  it("P14: with a typing error names the word's place and the nearest word of the list", () => {
    const errors: readonly (readonly [position: number, typed: string])[] = [
      [1, words[0]!.slice(0, -1)],
      [7, `${words[6]!}x`],
      [24, words[23]!.replace(/^(.)(.)/, "$2$1")],
      [12, words[11]!.replace(/.$/, "q")],
    ];
    for (const [position, typed] of errors) {
      ok(!wordlist().includes(typed), typed);
      const error = refusal(words.with(position - 1, typed).join(" "));
      equal(error.message, `word ${position} is not in the list of words`);
      equal(error.remedy, `Word ${position} may be "${words[position - 1]!}".`);
    }
  });

  it("P14: with several unknown words names the first and counts the others", () => {
    const error = refusal(words.with(2, "xxxx").with(9, "yyyy").with(20, "zzzz").join(" "));
    equal(error.message, "word 3 is not in the list of words (and 2 more)");
  });

  it("P14: in another language is refused as no English words", () => {
    const foreign = Object.entries(bip39).filter(([language]) => language !== "english");
    equal(foreign.length, 11);
    for (const [language, vectors] of foreign) {
      for (const [bytes, text] of vectors) {
        if (bytes.length < 64) continue;
        ok(/is not in the list|has 24 words/.test(refusal(text).message), language);
      }
    }
  });

  it("P14: with two words swapped or one replaced by another is refused by its checksum", () => {
    const swapped = words.with(3, words[4]!).with(4, words[3]!).join(" ");
    let refused = 0;
    for (const other of wordlist()) {
      try {
        phraseToEntropy(words.with(10, other).join(" "));
      } catch (error) {
        if (isEngineError(error, "PHRASE_INVALID")) refused += 1;
      }
    }
    ok(refusal(swapped).message.includes("together"));
    // The checksum has 8 bits: of 2,048 words, about one in 256 passes, ours among them.
    ok(refused > 2_020 && refused < 2_048, `${refused}`);
  });

  it("P14: is never repeated by an error, whatever is wrong with it", () => {
    const secrets = new Set(words);
    const typed = [
      words.with(5, "wrongword").join(" "),
      words.slice(1).join(" "),
      words.with(3, words[4]!).with(4, words[3]!).join(" "),
      `${phrase} ${phrase}`,
    ];
    for (const text of typed) {
      const error = refusal(text);
      const shown = `${error.message} ${JSON.stringify(error)} ${String(error.stack)}`.split(/[^a-z]+/);
      const leaked = shown.filter((word) => secrets.has(word) && !ordinary.has(word));
      deepEqual(leaked, []);
      equal(error.cause, undefined);
    }
  });

  it("U12: of enormous length is refused at once", () => {
    const before = performance.now();
    ok(refusal("\ufdfa".repeat(5_000_000)).message.includes("far longer"));
    ok(refusal("ab ".repeat(333)).message.includes("has 333"));
    ok(refusal(`${words.slice(1).join(" ")} ${"q".repeat(800)}`).message.includes("word 24"));
    ok(performance.now() - before < 1000);
  });
});

/** Words of the list that our own sentences, or paths in a stack, use. */
const ordinary: ReadonlySet<string> = new Set([
  "word",
  "list",
  "this",
  "one",
  "have",
  "test",
  "unit",
  "mocha",
]);

describe("root keys", () => {
  const expected = readVectors<{ readonly rootKeys: Readonly<Record<string, string>> }>(
    "derivations/derivations.json",
  ).rootKeys;

  it("are those of the derivation vectors, and differ from each other and from the entropy", () => {
    const keys = rootKeysFromPhraseEntropy(hexToBytes(expected["entropy"]!));
    equal(hex(keys.rootSign.publicKey), expected["rootSignPublicKey"]);
    equal(hex(keys.rootOpenSeed), expected["rootOpenSeed"]);
    const seeds = [hex(keys.rootSign.secretKey.subarray(0, 32)), hex(keys.rootOpenSeed), expected["entropy"]];
    equal(new Set(seeds).size, 3);
  });

  it("K9: come of 32 bytes only", () => {
    assertCode(() => rootKeysFromPhraseEntropy(new Uint8Array(16)), "CRYPTO_KEY_INVALID");
    assertCode(() => rootKeysFromPhraseEntropy(new Uint8Array(33)), "CRYPTO_KEY_INVALID");
  });
});

describe("the word list", () => {
  it("has 2,048 words that differ in their first four letters", () => {
    equal(wordlist().length, 2_048);
    equal(new Set(wordlist().map((word) => word.slice(0, 4))).size, 2_048);
  });
});
