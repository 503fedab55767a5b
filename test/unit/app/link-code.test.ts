/** Link codes as people type them and as a QR holds them. */
import { deepEqual, equal, match } from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../../src/core/base/bytes.ts";
import { EngineError, isEngineError } from "../../../src/core/base/errors.ts";
import type { Entropy } from "../../../src/core/base/ports.ts";
import { wordlist } from "../../../src/core/crypto/phrase.ts";
import { createCode, parseCode, passwordOfWords, uriOf } from "../../../src/app/link/link-code.ts";
import { assertCode } from "../../support/assert-code.ts";
import { testBytes } from "../../support/logs.ts";

const ADDRESSES = ["/ip4/192.168.1.7/tcp/4001/p2p/12D3Koo", "/ip6/fe80::1/tcp/4002"];

function entropyOf(seed: number): Entropy {
  let calls = 0;
  return { bytes: (size) => testBytes(seed * 1_000 + calls++, size) };
}

describe("Link codes", () => {
  it("what is shown is understood, as words and as a QR", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seed) => {
        const made = createCode(entropyOf(seed));
        match(made.text, /^[1-9][0-9]?-[a-z]+-[a-z]+$/);
        const typed = parseCode(made.text);
        equal(typed.number, made.number);
        deepEqual(typed.secret, { kind: "words", password: passwordOfWords(made.text) });
        deepEqual(typed.addresses, []);
        const scanned = parseCode(uriOf({ ...made, addresses: ADDRESSES }));
        deepEqual(scanned, {
          number: made.number,
          secret: { kind: "qr", password: utf8(made.qrSecret) },
          addresses: ADDRESSES,
        });
      }),
    );
  });

  it("a QR names loopback addresses only where there are no others", () => {
    const made = createCode(entropyOf(1));
    const loopback = ["/ip4/127.0.0.1/tcp/4001", "/ip6/::1/tcp/4001"];
    deepEqual(parseCode(uriOf({ ...made, addresses: [...loopback, ...ADDRESSES] })).addresses, ADDRESSES);
    deepEqual(parseCode(uriOf({ ...made, addresses: loopback })).addresses, loopback);
  });

  it("spaces for hyphens, capital letters and blanks around it are forgiven", () => {
    const expected = parseCode("42-ostrich-violin");
    for (const typed of [
      "42 ostrich violin",
      " 42-Ostrich-VIOLIN\n",
      "42  ostrich - violin",
      "42\tostrich\tviolin",
    ]) {
      deepEqual(parseCode(typed), expected, typed);
    }
  });

  it("P3: a code without its secret part is refused before anything is sent", () => {
    for (const typed of [
      "42",
      "42-",
      "42-ostrich",
      " 7 ",
      "kinlog:link?n=42",
      "kinlog:link?n=42&s=",
      "kinlog:link?n=42&s=00ff",
      "kinlog:link?n=42&a=/ip4/127.0.0.1/tcp/1",
      `kinlog:link?n=42&s=${"0".repeat(31)}g`,
    ]) {
      assertCode(() => parseCode(typed), "CODE_UNKNOWN");
    }
  });

  it("P3: no part of a code is taken for a whole one", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(), (seed, cut) => {
        const { text } = createCode(entropyOf(seed));
        const part = text.slice(0, cut % text.length);
        try {
          // A shorter word of the list may stand at its end: still two words.
          equal(parseCode(part).secret.password.length > 0, true);
          equal(part.split("-").length, 3);
          equal(wordlist().includes(part.split("-")[2]!), true);
        } catch (error) {
          equal(isEngineError(error, "CODE_UNKNOWN"), true);
        }
      }),
    );
  });

  it("other numbers, other words and more words are refused, with a remedy", () => {
    for (const typed of [
      "",
      "0-ostrich-violin",
      "100-ostrich-violin",
      "007-ostrich-violin",
      "4e1-ostrich-violin",
      "ostrich-violin",
      "42-ostrich-violin-zoo",
      "42-ostrich-violinn",
      "x".repeat(5_000),
    ]) {
      try {
        parseCode(typed);
        throw new Error(`taken for a code: ${typed}`);
      } catch (error) {
        equal(error instanceof EngineError && error.code === "CODE_UNKNOWN", true, typed);
        equal(error instanceof EngineError && error.remedy !== undefined, true);
      }
    }
  });

  it("no text whatever breaks the parser", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((rest) => `kinlog:link?${rest}`),
      fc.string().map((rest) => `42-${rest}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const { number, secret, addresses } = parseCode(text);
          equal(number >= 1 && number <= 99 && secret.password.length > 0 && addresses.length <= 16, true);
        } catch (error) {
          equal(isEngineError(error, "CODE_UNKNOWN"), true);
        }
      }),
    );
  });

  it("all numbers and all words come up", () => {
    const numbers = new Set<number>();
    const words = new Set<string>();
    for (let seed = 0; seed < 20_000; seed++) {
      const [number, ...rest] = createCode(entropyOf(seed)).text.split("-");
      numbers.add(Number(number));
      for (const word of rest) words.add(word);
    }
    equal(numbers.size, 99);
    equal(words.size > 2_000, true);
  });
});
