/**
 * What people type: addresses and titles of conversations, names, texts. Brings addresses to the one form that names a
 * conversation, and refuses what no device may write. Spec: docs/spec/inbox.md, "Addresses".
 * Loops instead of patterns: the texts come from strangers (threat U12). Tests: test/unit/inbox/address.test.ts.
 */
import { utf8 } from "../base/bytes.ts";
import { EngineError } from "../base/errors.ts";
import {
  ADDRESS_BYTES_MAX,
  NAME_BYTES_MAX,
  SETTING_NAME_BYTES_MAX,
  SETTING_VALUE_BYTES_MAX,
  TEXT_BYTES_MAX,
} from "./types.ts";

const COMPOSED = "NFC";
/** UTF-8 never takes more bytes for one UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

/**
 * The form under which an address or title names its conversation: composed (NFC) and trimmed; mail addresses in lower case;
 * phone numbers without spaces, dots, hyphens, brackets and invisible marks. Never fails; applying it again changes nothing.
 */
export function normaliseAddress(text: string): string {
  const composed = text.normalize(COMPOSED).trim();
  const phone = phoneNumber(composed);
  if (phone !== null) return phone;
  return isMailAddress(composed) ? composed.toLowerCase().normalize(COMPOSED) : composed;
}

/**
 * Refuses an address that cannot name a conversation, or a title that cannot be shown.
 *
 * @throws EngineError `NAME_INVALID` when it is empty or has control characters, `TEXT_TOO_LONG`, `TEXT_NOT_UTF8`.
 */
export function validateAddress(text: string): void {
  validateLine(text, { what: "an address or title", bytesMax: ADDRESS_BYTES_MAX });
}

/**
 * Refuses a name that a device cannot have.
 *
 * @throws EngineError `NAME_INVALID` when it is empty or has control characters, `TEXT_TOO_LONG`, `TEXT_NOT_UTF8`.
 */
export function validateName(text: string): void {
  validateLine(text, { what: "a name", bytesMax: NAME_BYTES_MAX });
}

/**
 * Refuses a text of a message that cannot be written. Control characters are allowed: the text is kept as it came.
 *
 * @throws EngineError `TEXT_NOT_UTF8` for half a surrogate pair, `TEXT_TOO_LONG` over 65,536 bytes.
 */
export function validateText(text: string): void {
  validateSize(text, { what: "a message", bytesMax: TEXT_BYTES_MAX });
  if (!isWellFormed(text)) {
    throw new EngineError("TEXT_NOT_UTF8", "a message has half a surrogate pair, which no UTF-8 can hold");
  }
}

/**
 * Refuses a setting that cannot be kept: a name is one line, a value any text.
 *
 * @throws EngineError `NAME_INVALID`, `TEXT_TOO_LONG`, `TEXT_NOT_UTF8`.
 */
export function validateSetting(name: string, value: string): void {
  validateLine(name, { what: "a setting's name", bytesMax: SETTING_NAME_BYTES_MAX });
  validateSize(value, { what: "a setting's value", bytesMax: SETTING_VALUE_BYTES_MAX });
  if (!isWellFormed(value)) throw new EngineError("TEXT_NOT_UTF8", "a setting has half a surrogate pair");
}

/** True where UTF-8 can hold the text: no half of a surrogate pair stands alone. */
export function isWellFormed(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = unit < 0xdc00 ? text.charCodeAt(at + 1) : 0;
    if (!(next >= 0xdc00 && next <= 0xdfff)) return false;
    at++;
  }
  return true;
}

function validateLine(text: string, limit: { readonly what: string; readonly bytesMax: number }): void {
  validateSize(text, limit);
  if (!isWellFormed(text)) throw new EngineError("TEXT_NOT_UTF8", `${limit.what} has half a surrogate pair`);
  if (text.trim() === "") throw new EngineError("NAME_INVALID", `${limit.what} is empty`);
  for (let at = 0; at < text.length; at++) {
    if (isControl(text.charCodeAt(at))) {
      throw new EngineError("NAME_INVALID", `${limit.what} has a control character`, {
        remedy: "Leave out line breaks and other control characters.",
      });
    }
  }
}

function validateSize(text: string, limit: { readonly what: string; readonly bytesMax: number }): void {
  // Most texts are far below the limit; only those that might pass it are encoded to be counted.
  if (text.length * BYTES_PER_UNIT_MAX <= limit.bytesMax) return;
  if (text.length <= limit.bytesMax && utf8(text).length <= limit.bytesMax) return;
  throw new EngineError("TEXT_TOO_LONG", `${limit.what} is over ${limit.bytesMax} bytes`, {
    remedy: "Shorten it or send it in parts.",
  });
}

/** C0, delete and C1. */
function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f);
}

/** The number without what people put between its digits, or null where it is no phone number. */
function phoneNumber(text: string): string | null {
  let number = "";
  let digitCount = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isBetweenDigits(unit)) continue;
    const isDigit = unit >= 48 && unit <= 57;
    const isSign = unit === 42 || unit === 35 || (unit === 43 && number === ""); // * and # anywhere, + in front.
    if (!isDigit && !isSign) return null;
    if (isDigit) digitCount++;
    number += text[at];
  }
  return digitCount > 0 ? number : null;
}

/** Spaces, dots, hyphens and brackets, also those that word processors and address books put in their place. */
function isBetweenDigits(unit: number): boolean {
  switch (unit) {
    case 0x20: // Space.
    case 0x09:
    case 0xa0: // No-break space.
    case 0x202f: // Narrow no-break space.
    case 0x2e: // Dot.
    case 0x2d: // Hyphen.
    case 0xad: // Soft hyphen.
    case 0x28: // ( ) [ ]
    case 0x29:
    case 0x5b:
    case 0x5d:
      return true;
    default:
      // Spaces of fixed width and zero width, direction marks, hyphens and dashes; direction embeddings and isolates.
      return (
        (unit >= 0x2000 && unit <= 0x2015) ||
        (unit >= 0x202a && unit <= 0x202e) ||
        (unit >= 0x2066 && unit <= 0x2069)
      );
  }
}

/** One @ with something on either side, and no space. */
function isMailAddress(text: string): boolean {
  const at = text.indexOf("@");
  return at > 0 && at < text.length - 1 && at === text.lastIndexOf("@") && !text.includes(" ");
}
