/**
 * Stands between a backup's text and the XML parser, so that the parser never holds much and can read what the Android app
 * writes. Well-formedness is the parser's part. Tests: test/unit/gateways/xml-sifter.test.ts.
 *
 * - Attached files, which the app writes as base64 into an attribute, become their SHA-256: a video of 300 MB never stands in
 *   memory. Comments and CDATA, for which the format has no use, become the line breaks in them. Long values are cut.
 * - The app writes emoji as references to the two halves of a surrogate pair (`&#55357;&#56832;`), which XML forbids: they are
 *   joined.
 * - Characters that XML forbids, lone halves and bytes that are no UTF-8 pass the parser as U+FFFD, and `marks` says in order
 *   what each U+FFFD in an attribute value stands for.
 * - A document type is refused: nothing is ever expanded or fetched (threats U2, U5).
 */
import { Base64Hash } from "./base64-hash.ts";
import { NOT_UTF8 } from "./utf8-stream.ts";

/** What stands for a character that the parser cannot take. */
export const STAND_IN = "\ufffd";

/** No text that can be taken in comes near; what is longer is cut here and refused there. */
const VALUE_CHARS_MAX = 1024 * 1024;
const ELEMENT_CHARS_MAX = 4 * 1024 * 1024;
const ATTRIBUTES_MAX = 200;
/** As long as the longest mark that tells comments, CDATA and document types from tags. */
const OPENING_CHARS = 9;
/** As long as the longest reference to a character that is read here: `&#x0000D83D;`. */
const REFERENCE_CHARS = 12;

/** Values worth a closer look. All patterns here are linear in the text (threat U12). */
// oxlint-disable-next-line no-control-regex
const NEEDS_CARE = /&#|[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd-\uffff]/;
// oxlint-disable-next-line no-control-regex
const CARE = /&#(?:x[0-9a-f]{1,8}|[0-9]{1,9});|[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd-\uffff]/gi;
/** The parser would swallow everything up to the next semicolon. */
const NO_REFERENCE = /&(?!#?[0-9a-z]{1,10};)/i;
const LAST_REFERENCE = /&#[^;&]{1,9};$/;
const REFERENCE = /&[^;&]{1,10};/g;

type State = "text" | "dropped" | "instruction" | "tag" | "value" | "attached";

export class XmlSifter {
  /** Why nothing behind what was passed can be read; null: nothing is wrong so far. */
  fault: string | null = null;
  /** What each `STAND_IN` in an attribute value stands for, first come first; null: nothing that is text. */
  readonly marks: (string | null)[] = [];
  #state: State = "text";
  /** Input that cannot be told apart before more comes. */
  #carry = "";
  #out = "";
  /** What ends a dropped part, an instruction or a value. */
  #closer = "";
  /** A tag's characters since its last value. */
  #gap = "";
  #tagName = "";
  #attributeCount = 0;
  #elementChars = 0;
  #valueChars = 0;
  #attached = new Base64Hash();

  /** Nothing is held back, and what comes next stands in no tag, comment or instruction. */
  get isBetweenElements(): boolean {
    return this.#state === "text" && this.#carry === "";
  }

  /** What the parser may have of the text so far: up to the fault where there is one. */
  push(text: string): string {
    return this.#sift(this.#carry + text, false);
  }

  /** What was held back for want of more. */
  end(): string {
    return this.#sift(this.#carry, true);
  }

  #sift(input: string, isLast: boolean): string {
    this.#carry = "";
    this.#out = "";
    let at = 0;
    while (at < input.length && this.fault === null) at = this.#step(input, at, isLast);
    return this.#out;
  }

  /** Takes what one state has to say from `at` on, and returns where it ended. */
  #step(input: string, at: number, isLast: boolean): number {
    switch (this.#state) {
      case "text":
        return this.#inText(input, at, isLast);
      case "dropped":
        return this.#inDropped(input, at, isLast);
      case "instruction":
        return this.#inInstruction(input, at, isLast);
      case "tag":
        return this.#inTag(input, at);
      case "value":
      case "attached":
        return this.#inValue(input, at, isLast);
    }
  }

  #inText(input: string, at: number, isLast: boolean): number {
    const open = input.indexOf("<", at);
    const end = open === -1 ? input.length : open;
    const reference = input.slice(at, end).indexOf("&");
    if (reference !== -1)
      return this.#stop(this.#pass(input, at, at + reference), 'there is a "&" between elements');
    this.#pass(input, at, end);
    if (open === -1) return end;
    if (!isLast && input.length - open < OPENING_CHARS) return this.#hold(input, open);
    if (input.startsWith("<!--", open)) return this.#enter("dropped", "-->", open + 4);
    if (input.startsWith("<![CDATA[", open)) return this.#enter("dropped", "]]>", open + 9);
    if (input.startsWith("<!", open)) {
      return this.#stop(open, "it declares a document type, which no backup does");
    }
    this.#elementChars = 0;
    this.#attributeCount = 0;
    this.#gap = "";
    const isInstruction = input.startsWith("<?", open);
    this.#pass(input, open, open + 1);
    return this.#enter(isInstruction ? "instruction" : "tag", "?>", open + 1);
  }

  #inDropped(input: string, at: number, isLast: boolean): number {
    const end = input.indexOf(this.#closer, at);
    if (end !== -1) {
      this.#passLineBreaks(input.slice(at, end));
      return this.#enter("text", "", end + this.#closer.length);
    }
    const held = isLast ? input.length : Math.max(at, input.length - this.#closer.length + 1);
    this.#passLineBreaks(input.slice(at, held));
    return this.#hold(input, held);
  }

  #inInstruction(input: string, at: number, isLast: boolean): number {
    const end = input.indexOf(this.#closer, at);
    if (end !== -1) {
      this.#countChars(end - at);
      return this.#enter("text", "", this.#pass(input, at, end + this.#closer.length));
    }
    const held = isLast ? input.length : Math.max(at, input.length - this.#closer.length + 1);
    this.#countChars(held - at);
    this.#pass(input, at, held);
    return this.#hold(input, held);
  }

  #inTag(input: string, at: number): number {
    let end = at;
    while (end < input.length && !isTagStop(input.charCodeAt(end))) end++;
    const stop = input[end] ?? "";
    this.#gap += input.slice(at, end);
    this.#countChars(end - at);
    this.#pass(input, at, Math.min(end + 1, input.length));
    if (stop === ">") return this.#enter("text", "", end + 1);
    if (stop === "") return end;
    if (++this.#attributeCount > ATTRIBUTES_MAX) {
      return this.#stop(end, `an element has more than ${ATTRIBUTES_MAX} attributes`);
    }
    if (this.#attributeCount === 1) this.#tagName = firstWord(this.#gap);
    const isAttached = this.#tagName === "part" && attributeName(this.#gap) === "data";
    this.#gap = "";
    this.#valueChars = 0;
    if (isAttached) this.#attached = new Base64Hash();
    return this.#enter(isAttached ? "attached" : "value", stop, end + 1);
  }

  #inValue(input: string, at: number, isLast: boolean): number {
    const end = input.indexOf(this.#closer, at);
    const all = input.slice(at, end === -1 ? input.length : end);
    const piece = end !== -1 || isLast ? all : all.slice(0, endOfWholeReferences(all));
    if (this.#state === "attached") {
      this.#attached.add(piece.replace(REFERENCE, ""));
      this.#passLineBreaks(piece);
    } else {
      this.#passValue(piece);
    }
    if (end === -1) return this.#hold(input, at + piece.length);
    if (this.#state === "attached") this.#out += this.#attached.finish();
    return this.#enter("tag", "", this.#pass(input, end, end + 1));
  }

  #passValue(piece: string): void {
    const room = VALUE_CHARS_MAX - this.#valueChars;
    const kept = piece.length > room ? piece.slice(0, Math.max(0, room)) : piece;
    this.#valueChars += kept.length;
    this.#countChars(kept.length);
    if (kept.includes("&") && NO_REFERENCE.test(kept))
      this.fault = 'there is a "&" that begins no reference such as "&amp;"';
    else if (NEEDS_CARE.test(kept)) this.#passCarefully(kept);
    else this.#out += kept;
    if (kept.length < piece.length) this.#passLineBreaks(piece.slice(kept.length));
  }

  #passCarefully(piece: string): void {
    let copied = 0;
    let high = 0; // The half of a pair whose other half may follow at `copied`; 0: none.
    for (const found of piece.matchAll(CARE)) {
      const code = codeOf(found[0]);
      const isPair = high !== 0 && found.index === copied && isLowHalf(code);
      if (!isPair && high !== 0) this.#standIn(null);
      const before = high;
      high = isHighHalf(code) ? code : 0;
      if (!isPair && high === 0 && isPlain(code)) continue;
      this.#out += piece.slice(copied, found.index);
      copied = found.index + found[0].length;
      if (isPair) this.#out += String.fromCharCode(before, code);
      else if (high === 0) this.#standIn(isText(code, found[0]) ? String.fromCharCode(code) : null);
    }
    if (high !== 0) this.#standIn(null);
    this.#out += piece.slice(copied);
  }

  #standIn(character: string | null): void {
    this.#out += STAND_IN;
    this.marks.push(character);
  }

  /** Lines are counted behind the sifter, so what is dropped leaves its line breaks. */
  #passLineBreaks(dropped: string): void {
    for (let at = dropped.indexOf("\n"); at !== -1; at = dropped.indexOf("\n", at + 1)) this.#out += "\n";
  }

  #pass(input: string, from: number, to: number): number {
    this.#out += input.slice(from, to);
    return to;
  }

  #hold(input: string, from: number): number {
    this.#carry = input.slice(from);
    return input.length;
  }

  #stop(at: number, why: string): number {
    this.fault = why;
    return at;
  }

  #enter(state: State, closer: string, at: number): number {
    this.#state = state;
    this.#closer = closer;
    return at;
  }

  #countChars(count: number): void {
    this.#elementChars += count;
    if (this.#elementChars > ELEMENT_CHARS_MAX) this.fault = "an element is larger than 4 MiB";
  }
}

function isTagStop(unit: number): boolean {
  return unit === 0x22 || unit === 0x27 || unit === 0x3e; // " ' >
}

function firstWord(gap: string): string {
  let end = 0;
  while (end < gap.length && gap.charCodeAt(end) > 0x20) end++;
  return gap.slice(0, end);
}

/** Of ` ct = ` the `ct`. */
function attributeName(gap: string): string {
  const beforeEquals = gap.trimEnd();
  if (!beforeEquals.endsWith("=")) return "";
  const name = beforeEquals.slice(0, -1).trimEnd();
  let start = name.length;
  while (start > 0 && name.charCodeAt(start - 1) > 0x20) start--;
  return name.slice(start);
}

/** How much of a value's piece can be read before more comes: no reference and no pair of halves may be parted. */
function endOfWholeReferences(piece: string): number {
  const last = piece.indexOf("&", Math.max(0, piece.length - REFERENCE_CHARS));
  const end = last === -1 ? piece.length : last;
  const before = LAST_REFERENCE.exec(piece.slice(Math.max(0, end - REFERENCE_CHARS), end));
  return before !== null && isHighHalf(codeOf(before[0])) ? end - before[0].length : end;
}

/** The character that a reference names, or the character itself. */
function codeOf(found: string): number {
  if (!found.startsWith("&#")) return found.charCodeAt(0);
  const isHex = found[2] === "x" || found[2] === "X";
  return isHex ? Number.parseInt(found.slice(3, -1), 16) : Number.parseInt(found.slice(2, -1), 10);
}

function isHighHalf(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowHalf(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** What the parser reads by itself. */
function isPlain(code: number): boolean {
  if (code < 0x20) return code === 9 || code === 10 || code === 13;
  return code < 0xd800 || (code > 0xdfff && code < 0xfffd) || (code > 0xffff && code <= 0x10ffff);
}

/** A character that Unicode knows and XML forbids, such as a control character. */
function isText(code: number, found: string): boolean {
  return found !== NOT_UTF8 && code <= 0xffff && !isLowHalf(code);
}
