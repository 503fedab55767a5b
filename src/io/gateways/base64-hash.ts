/**
 * SHA-256 of what base64 text holds, as the text comes piece by piece. Used by xml-sifter.ts for attached files.
 * Tests: test/unit/gateways/xml-sifter.test.ts.
 */
import { RunningHash } from "../../core/crypto/running-hash.ts";

const NO_DIGITS = /[^A-Za-z0-9+/=]+/g;
/** RFC 4648, section 3.3: padding stands at the end, and what is behind it is not part of the data. */
const PADDING = "=";
const DIGITS_PER_GROUP = 4;

export class Base64Hash {
  readonly #hash = new RunningHash();
  #rest = "";
  #isEmpty = true;
  #isPadded = false;

  /** Line breaks and spaces are passed over. */
  add(piece: string): void {
    if (this.#isPadded) return;
    const added = piece.replace(NO_DIGITS, "");
    const end = added.indexOf(PADDING);
    this.#isPadded = end !== -1;
    const digits = this.#rest + (this.#isPadded ? added.slice(0, end) : added);
    const whole = digits.length - (digits.length % DIGITS_PER_GROUP);
    this.#rest = digits.slice(whole);
    this.#feed(digits.slice(0, whole));
  }

  /** Lower-case hex, or nothing where there was nothing to hash. */
  finish(): string {
    this.#feed(this.#rest);
    return this.#isEmpty ? "" : Buffer.from(this.#hash.finish()).toString("hex");
  }

  #feed(digits: string): void {
    const bytes = Buffer.from(digits, "base64");
    if (bytes.length === 0) return;
    this.#isEmpty = false;
    this.#hash.add(bytes);
  }
}
