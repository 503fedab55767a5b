/**
 * UTF-8 in pieces to text in pieces. Bytes that are no UTF-8 become U+FFFF, which no XML may hold, so that the one record
 * they stand in can be told from the others. Tests: test/unit/gateways/utf8-stream.test.ts (threat U4).
 */

/** What stands for each byte that is not part of well-formed UTF-8. */
export const NOT_UTF8 = "\uffff";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Utf8Stream {
  /** The beginning of a character whose other bytes are still to come. */
  #rest: Uint8Array = new Uint8Array(0);

  /** The text of all whole characters so far. */
  push(bytes: Uint8Array): string {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = endOfWholeCharacters(all);
    this.#rest = all.slice(end);
    return decode(all.subarray(0, end));
  }

  /** Call at the end: what is left began a character that never came. */
  end(): string {
    const rest = decode(this.#rest);
    this.#rest = new Uint8Array(0);
    return rest;
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    // Rare: only pieces that hold something that is not UTF-8 are walked byte by byte.
    return decodeMarking(bytes);
  }
}

function decodeMarking(bytes: Uint8Array): string {
  let text = "";
  let good = 0;
  let at = 0;
  while (at < bytes.length) {
    const size = characterSize(bytes, at);
    if (size > 0) {
      at += size;
      continue;
    }
    text += decoder.decode(bytes.subarray(good, at)) + NOT_UTF8;
    at++;
    good = at;
  }
  return text + decoder.decode(bytes.subarray(good));
}

/** Bytes of the well-formed character at `at`, or 0 (Unicode 15, table 3-7). */
function characterSize(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const size = sizeOfLead(lead);
  if (size === 0 || at + size > bytes.length) return 0;
  const second = bytes[at + 1]!;
  if (lead === 0xe0 && second < 0xa0) return 0;
  if (lead === 0xed && second > 0x9f) return 0;
  if (lead === 0xf0 && second < 0x90) return 0;
  if (lead === 0xf4 && second > 0x8f) return 0;
  for (let next = at + 1; next < at + size; next++) if (!isTrail(bytes[next]!)) return 0;
  return size;
}

function sizeOfLead(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

function isTrail(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

/** Where the last character begins if bytes of it are still to come; else the end. */
function endOfWholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (isTrail(byte)) continue;
    return sizeOfLead(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
