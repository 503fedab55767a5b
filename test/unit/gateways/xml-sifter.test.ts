/** What stands before the XML parser. Threats U2, U5, U11. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { STAND_IN, XmlSifter } from "../../../src/io/gateways/xml-sifter.ts";
import { NOT_UTF8 } from "../../../src/io/gateways/utf8-stream.ts";

const sift = (
  text: string,
  size = text.length || 1,
): { readonly out: string; readonly marks: readonly (string | null)[] } => {
  const sifter = new XmlSifter();
  let out = "";
  for (let at = 0; at < text.length; at += size) out += sifter.push(text.slice(at, at + size));
  out += sifter.end();
  return { out, marks: sifter.marks };
};
const valueOf = (
  value: string,
  size?: number,
): { readonly out: string; readonly marks: readonly (string | null)[] } => {
  const { out, marks } = sift(`<sms body="${value}" />`, size);
  ok(out.startsWith('<sms body="') && out.endsWith('" />'));
  return { out: out.slice(11, -4), marks };
};
const faultOf = (text: string, size = text.length): string | null => {
  const sifter = new XmlSifter();
  for (let at = 0; at < text.length; at += size) sifter.push(text.slice(at, at + size));
  sifter.end();
  return sifter.fault;
};
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("the sifter", () => {
  it("passes what the parser can read as it is", () => {
    const plain = [
      `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>`,
      `<smses count="2">\n  <sms body="a &amp; b &#10; &#128512; 'x' > y" other='say "hi"'/>`,
      `  <mms><parts><part ct="text/plain" text="data=&quot;x&quot;" /></parts></mms>`,
      `</smses>\n`,
    ].join("\n");
    for (const size of [1, 2, 3, 7, 1_000]) equal(sift(plain, size).out, plain);
  });

  it("joins the two halves of an emoji, decimal, hexadecimal and mixed, wherever the text is cut", () => {
    for (const written of [
      "&#55357;&#56832;",
      "&#xD83D;&#xDE00;",
      "&#xd83d;&#56832;",
      "&#x0000D83D;&#xDE00;",
    ]) {
      for (let size = 1; size < 40; size++) {
        deepEqual(
          valueOf(`a${written}b${written}${written}`, size),
          { out: "a😀b😀😀", marks: [] },
          `${size}`,
        );
      }
    }
  });

  it("sets aside what XML cannot say, and says what it was", () => {
    const cases: readonly (readonly [value: string, out: string, marks: readonly (string | null)[]])[] = [
      ["a&#0;b&#27;c", `a${STAND_IN}b${STAND_IN}c`, ["\u0000", "\u001b"]],
      ["\u0001\u000b", STAND_IN.repeat(2), ["\u0001", "\u000b"]],
      ["&#xFFFE;\ufffe", STAND_IN.repeat(2), ["\ufffe", "\ufffe"]],
      ["&#65533;\ufffd", STAND_IN.repeat(2), ["\ufffd", "\ufffd"]],
      ["&#55357;", STAND_IN, [null]],
      ["&#56832;", STAND_IN, [null]],
      ["&#55357;x&#56832;", `${STAND_IN}x${STAND_IN}`, [null, null]],
      ["&#55357;&#55357;&#56832;", `${STAND_IN}😀`, [null]],
      ["&#55357;&#10;", `${STAND_IN}&#10;`, [null]],
      ["&#1114112;", STAND_IN, [null]],
      [`x${NOT_UTF8}`, `x${STAND_IN}`, [null]],
      ["&#x1F600;&#9;&#10;&#13;", "&#x1F600;&#9;&#10;&#13;", []],
      ["&#xZZ;&amp;#0;", "&#xZZ;&amp;#0;", []],
    ];
    for (const [value, out, marks] of cases) {
      for (const size of [1, 2, 5, 9, 100])
        deepEqual(valueOf(value, size), { out, marks }, `${value} ${size}`);
    }
  });

  it("says the same however the text is cut", () => {
    const piece = fc.constantFrom<string>(
      "&#55357;",
      "&#56832;",
      "&#0;",
      "&amp;",
      "x",
      "\ufffd",
      "&#10;",
      ";",
      "😀",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 20 }), (pieces, size) => {
        deepEqual(valueOf(pieces.join(""), size), valueOf(pieces.join("")));
      }),
      { numRuns: 1_000 },
    );
  });

  it("ends an attached file at its padding, in whatever pieces it comes", () => {
    const file = Buffer.from("a file of 20 bytes..");
    const text = `<part data="${file.toString("base64")}QUJD=REVG" />`;
    for (const size of [1, 3, 4, 7, text.length])
      equal(sift(text, size).out, `<part data="${sha256(file)}" />`, `pieces of ${size}`);
  });

  it("makes the hash of an attached file of its base64, broken into lines or not", () => {
    const file = randomBytes(10_000);
    const base64 = file.toString("base64");
    const broken = base64.replace(/.{76}/g, "$&\n");
    const escaped = base64.replace(/.{76}/g, "$&&#10;");
    for (const data of [base64, broken, escaped]) {
      for (const size of [7, 1_000, 100_000]) {
        const { out } = sift(`<part seq="0" ct="image/png" data="${data}" />`, size);
        equal(out.replaceAll("\n", ""), `<part seq="0" ct="image/png" data="${sha256(file)}" />`);
        equal(out.split("\n").length, data.split("\n").length, "lines are counted behind the sifter");
      }
    }
  });

  it("hashes only the data of a part", () => {
    for (const kept of ['<sms data="aGk=" />', '<part text="aGk=" />', "<part text='data=\"aGk=\"' />"]) {
      equal(sift(kept).out, kept);
    }
    equal(sift("<part data = 'aGk=' />").out, `<part data = '${sha256(Buffer.from("hi"))}' />`);
    equal(sift('<part data="" />').out, '<part data="" />');
  });

  it("drops comments and CDATA but for their line breaks", () => {
    for (const size of [1, 2, 3, 50]) {
      equal(sift('<a><!-- "<x>\n& -- \n--><![CDATA[ <b>\n]] > ]]></a>', size).out, "<a>\n\n\n</a>");
    }
  });

  it("U2, U5: refuses a document type, so that nothing can be expanded", () => {
    for (const text of ['<!DOCTYPE lolz [<!ENTITY lol "lol">]><smses/>', "<!ELEMENT a ANY>"]) {
      ok(faultOf(text) !== null);
    }
  });

  it("stops at an ampersand that begins no reference, and passes what stands before", () => {
    for (const stray of ["&", "& x;", "&#;", "&;", `&${"x".repeat(50)};`]) {
      const sifter = new XmlSifter();
      const out = sifter.push(`<sms a="x" b="y${stray}" />`) + sifter.end();
      ok(sifter.fault?.includes("&"), stray);
      ok(out.startsWith('<sms a="x" b="'));
    }
    equal(faultOf("<a>&amp;</a>"), 'there is a "&" between elements');
  });

  it("U2, U11: refuses elements that are too large, and cuts values that are too long", () => {
    ok(faultOf(`<sms ${'a="" '.repeat(201)}/>`) !== null);
    ok(faultOf(`<sms ${`a="${"x".repeat(1_000_000)}" `.repeat(5)}/>`) !== null);
    ok(faultOf(`<${"x".repeat(5_000_000)}>`) !== null);
    ok(faultOf(`<?${"x".repeat(5_000_000)}?>`, 10_000) !== null);
    const { out } = valueOf("x".repeat(1_500_000), 10_000);
    equal(out.length, 1024 * 1024);
  });

  it("U11: holds no more of a comment or an attached file than a piece of it", () => {
    const sifter = new XmlSifter();
    let out = sifter.push("<!--").length;
    for (let n = 0; n < 1_000; n++) out += sifter.push("x".repeat(10_000)).length;
    out += sifter.push('--><part data="').length;
    for (let n = 0; n < 1_000; n++) out += sifter.push("eHh4".repeat(2_500)).length;
    out += sifter.push('" />').length;
    ok(out < 200, `${out} characters passed`);
  });
});
