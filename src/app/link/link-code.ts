/** Link codes as people type them and as a QR holds them. Format: docs/spec/link.md. Tests: test/unit/app/link-code.test.ts. */
import { hex, utf8 } from "../../core/base/bytes.ts";
import { EngineError } from "../../core/base/errors.ts";
import type { Entropy } from "../../core/base/ports.ts";
import { wordlist } from "../../core/crypto/phrase.ts";

export const CODE_LIVES_MS = 300_000;
const NUMBER_MAX = 99;
const WORDS = 2;
const QR_SECRET_BYTES = 16;
const CODE_CHARACTERS_MAX = 4_096;
const URI_START = "kinlog:link?";
const LOOPBACK = /^\/ip4\/127\.|^\/ip6\/::1\//;

/** The secret that one exchange proves: the words, or the bits of the QR. */
export interface LinkSecret {
  readonly kind: "words" | "qr";
  readonly password: Uint8Array;
}

export interface LinkCode {
  readonly number: number;
  readonly secret: LinkSecret;
  /** Where to dial; empty where mDNS must find the member. */
  readonly addresses: readonly string[];
}

/** A fresh code: words to type and bits for the QR, under one number. */
export function createCode(entropy: Entropy): {
  readonly number: number;
  readonly text: string;
  readonly qrSecret: string;
} {
  const list = wordlist();
  const number = 1 + pick(entropy, NUMBER_MAX);
  const words = Array.from({ length: WORDS }, () => list[pick(entropy, list.length)]!);
  return { number, text: [number, ...words].join("-"), qrSecret: hex(entropy.bytes(QR_SECRET_BYTES)) };
}

/** The words of a code, as the exchange takes them. */
export function passwordOfWords(text: string): Uint8Array {
  return utf8(text.split("-").slice(1).join("-"));
}

/** Loopback addresses lead the device that scans it to itself; they stand in it only where there are no others. */
export function uriOf(code: {
  readonly number: number;
  readonly qrSecret: string;
  readonly addresses: readonly string[];
}): string {
  const reachable = code.addresses.filter((address) => !LOOPBACK.test(address));
  const addresses = (reachable.length > 0 ? reachable : code.addresses)
    .map((address) => `&a=${address}`)
    .join("");
  return `${URI_START}n=${code.number}&s=${code.qrSecret}${addresses}`;
}

/**
 * Reads what was typed or scanned. Spaces for hyphens and capital letters are forgiven.
 *
 * @throws EngineError `CODE_UNKNOWN` for anything that is not a whole code, one without its secret part included.
 */
export function parseCode(text: string): LinkCode {
  const typed = text.trim();
  if (typed.length > CODE_CHARACTERS_MAX) throw malformed("it is too long");
  return typed.toLowerCase().startsWith(URI_START) ? parseUri(typed) : parseWords(typed);
}

function parseWords(typed: string): LinkCode {
  const [number, ...words] = typed.toLowerCase().split(/[\s-]+/);
  if (words.length === 0) throw malformed("the words after the number are missing");
  if (words.length !== WORDS) throw malformed(`it has ${words.length} words instead of ${WORDS}`);
  const list = wordlist();
  const strange = words.find((word) => !list.includes(word));
  if (strange !== undefined) throw malformed("one of its words is not among those that codes are made of");
  return {
    number: parseNumber(number ?? ""),
    secret: { kind: "words", password: utf8(words.join("-")) },
    addresses: [],
  };
}

function parseUri(typed: string): LinkCode {
  const fields = typed
    .slice(URI_START.length)
    .split("&")
    .map((field) => {
      const at = field.indexOf("=");
      return [field.slice(0, at), field.slice(at + 1)] as const;
    });
  const one = (name: string): string => fields.find(([key]) => key === name)?.[1] ?? "";
  const secret = one("s");
  if (!/^[0-9a-f]{32}$/.test(secret)) throw malformed("its secret part is missing");
  return {
    number: parseNumber(one("n")),
    secret: { kind: "qr", password: utf8(secret) },
    addresses: fields
      .filter(([key]) => key === "a")
      .map(([, address]) => address.trim())
      .filter((address) => address !== "")
      .slice(0, 16),
  };
}

function parseNumber(text: string): number {
  const number = /^[0-9]{1,2}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > NUMBER_MAX) throw malformed("it does not begin with a number from 1 to 99");
  return number;
}

function malformed(why: string): EngineError {
  return new EngineError("CODE_UNKNOWN", `this is no link code: ${why}`, {
    remedy: "Type the whole code as `kinlog link` shows it, such as 42-ocean-violin.",
  });
}

/** Uniform below `limit`, a power of two or small beside 2^32: the bias stays under one in ten million. */
function pick(entropy: Entropy, limit: number): number {
  let value = 0;
  for (const byte of entropy.bytes(4)) value = value * 256 + byte;
  return value % limit;
}
