/** Addresses, names and texts. Threats U4, U12. */
import { doesNotThrow, equal } from "node:assert/strict";
import fc from "fast-check";
import {
  isWellFormed,
  normaliseAddress,
  validateAddress,
  validateName,
  validateText,
} from "../../../src/core/inbox/address.ts";
import { assertCode } from "../../support/assert-code.ts";

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme-composite" }));

describe("addresses", () => {
  it("of phones are the same however people write them", () => {
    const forms = [
      "+49 30 901820",
      "+49 (30) 90-18-20",
      "+49.30.901820",
      " +49[30]901820 ",
      "+49\u00a030\u2011901820",
      "\u202a+4930901820\u202c",
      "\u2068+49 30 901820\u2069",
      "+49\u200b30901820",
    ];
    for (const form of forms) equal(normaliseAddress(form), "+4930901820", JSON.stringify(form));
  });

  it("of phones keep what belongs to the number", () => {
    equal(normaliseAddress("*#06#"), "*#06#");
    equal(normaliseAddress("00 49 30"), "004930");
    equal(normaliseAddress("22000"), "22000");
  });

  it("of mail are lower-case, and names stay as they are", () => {
    equal(normaliseAddress(" Ada@Example.ORG "), "ada@example.org");
    equal(normaliseAddress("Ada Lovelace"), "Ada Lovelace");
    equal(normaliseAddress("A@B@C"), "A@B@C");
    equal(normaliseAddress("see you @Home"), "see you @Home");
    equal(normaliseAddress("12 apostles"), "12 apostles");
    equal(normaliseAddress("+"), "+");
    equal(normaliseAddress("1+2"), "1+2");
    equal(normaliseAddress("- (.) -"), "- (.) -");
  });

  it("are composed, so that two ways to write ü are one", () => {
    equal(normaliseAddress("Mu\u0308ller"), "M\u00fcller");
    equal(normaliseAddress("MU\u0308LLER@x.de"), "m\u00fcller@x.de");
  });

  it("are normalised once and for all", () => {
    fc.assert(
      fc.property(text, (any) => {
        const once = normaliseAddress(any);
        equal(normaliseAddress(once), once);
      }),
    );
  });

  it("are refused where they cannot name a conversation", () => {
    for (const address of ["", " ", "\u00a0"]) assertCode(() => validateAddress(address), "NAME_INVALID");
    for (const address of ["a\nb", "a\u0000", "\u007f1", "a\u0085b"]) {
      assertCode(() => validateAddress(address), "NAME_INVALID");
    }
    assertCode(() => validateAddress("x".repeat(1_025)), "TEXT_TOO_LONG");
    assertCode(() => validateAddress("ü".repeat(513)), "TEXT_TOO_LONG");
    assertCode(() => validateAddress("x\ud800"), "TEXT_NOT_UTF8");
    doesNotThrow(() => validateAddress("ü".repeat(512)));
    doesNotThrow(() => validateAddress("Grüße an 👩‍👩‍👧 (alle)"));
  });
});

describe("names and texts", () => {
  it("have their limits in bytes", () => {
    doesNotThrow(() => validateName("x".repeat(256)));
    assertCode(() => validateName("x".repeat(257)), "TEXT_TOO_LONG");
    assertCode(() => validateName("€".repeat(86)), "TEXT_TOO_LONG");
    doesNotThrow(() => validateText("x".repeat(65_536)));
    doesNotThrow(() => validateText("€".repeat(21_845)));
    assertCode(() => validateText("x".repeat(65_537)), "TEXT_TOO_LONG");
    assertCode(() => validateText("€".repeat(21_846)), "TEXT_TOO_LONG");
  });

  it("U4: keep control characters and NUL in a text, and refuse half a surrogate pair", () => {
    doesNotThrow(() => validateText("\u0000\u001b[31m\n\ufffe"));
    doesNotThrow(() => validateText(""));
    for (const half of ["\ud83d", "\ude00", "\ude00\ud83d", "a\ud83db", "\ud83d\ud83d\ude00"]) {
      assertCode(() => validateText(half), "TEXT_NOT_UTF8");
    }
  });

  it("U4: are well-formed exactly where UTF-8 gives them back", () => {
    fc.assert(
      fc.property(text, (any) => {
        equal(isWellFormed(any), Buffer.from(any, "utf8").toString("utf8") === any);
      }),
    );
  });

  it("U12: take no longer than their length, whatever they hold", () => {
    const hostile = ["(", "-", "@", " ", "\u0308", "+1", "1 "].map((piece) => piece.repeat(200_000));
    for (const address of hostile) {
      normaliseAddress(address);
      assertCode(() => validateAddress(address), "TEXT_TOO_LONG");
    }
  });
});
