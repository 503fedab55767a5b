/**
 * Reads `<sms>` elements in the form in which the Android app writes nearly all of them: no children, every attribute once and
 * in double quotes, nothing in the values that XML would read as something else. Such an element says the same to every XML
 * parser, so that one pattern may read it, in a tenth of the time. What has any other form is left to the parser, and so is
 * finding fault. Knows no field. Tests: test/unit/gateways/plain-sms.test.ts.
 */

/** As many as XmlSifter passes. */
const ATTRIBUTES_MAX = 200;
/**
 * White space, then one element. A value holds no reference, no line break or tab (they would become spaces), nothing that XML
 * forbids or XmlSifter marks, and nothing that is a line break in XML 1.1. Linear in the text: what may stand between two
 * quotes is no quote (threat U12).
 */
const PLAIN_SMS =
  // oxlint-disable-next-line no-control-regex
  /(?:[ \n]|\r\n)*<sms(?: [a-z_]+="[^"<&\u0000-\u001f\u007f-\u009f\u2028\ufffd-\uffff]*")+ ?\/>/y;

export interface PlainSms {
  /** Line breaks that stand before it. It holds none. */
  readonly lineBreaks: number;
  /** Those of its attributes that were asked for. */
  readonly values: Map<string, string>;
  /** Where what follows it begins. */
  readonly end: number;
}

/** The element that stands at `at`, or null where none stands whole in this form. Only `names` of its attributes are kept. */
export function readPlainSms(input: string, at: number, names: ReadonlySet<string>): PlainSms | null {
  PLAIN_SMS.lastIndex = at;
  if (!PLAIN_SMS.test(input)) return null;
  const end = PLAIN_SMS.lastIndex;
  const start = input.indexOf("<", at);
  const values = readAttributes(input, start + "<sms".length, names);
  return values === null ? null : { lineBreaks: countLineBreaks(input, at, start), values, end };
}

/** Null where a name comes twice, which XML forbids, or there are too many. */
function readAttributes(input: string, from: number, names: ReadonlySet<string>): Map<string, string> | null {
  const values = new Map<string, string>();
  const seen = new Set<string>();
  let count = 0;
  for (let at = from; input[at] === " " && input[at + 1] !== "/"; count++) {
    const equals = input.indexOf("=", at);
    const close = input.indexOf('"', equals + 2);
    const name = input.slice(at + 1, equals);
    seen.add(name);
    if (names.has(name)) values.set(name, input.slice(equals + 2, close));
    at = close + 1;
  }
  return seen.size === count && count <= ATTRIBUTES_MAX ? values : null;
}

function countLineBreaks(input: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (input.charCodeAt(at) === 0x0a) count++;
  return count;
}
