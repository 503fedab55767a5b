/** What becomes of each field of a backup: docs/import.md. Threats L13, U4. */
import { deepEqual, equal } from "node:assert/strict";
import {
  readMms,
  readSms,
  type Fields,
  type MmsParts,
  type Reading,
} from "../../../src/io/gateways/sms-records.ts";

const DATE = 1_700_000_000_000;
const hash = new Uint8Array(32).fill(9);

function fieldsOf(values: Readonly<Record<string, string>>, damaged: readonly string[] = []): Fields {
  return { values: new Map(Object.entries(values)), damaged: new Set(damaged) };
}
const sms = (values: Readonly<Record<string, string>> = {}, damaged: readonly string[] = []): Reading =>
  readSms(
    fieldsOf(
      { address: "+4930123", date: `${DATE}`, type: "1", body: "hi", read: "1", date_sent: "0", ...values },
      damaged,
    ),
    7,
  );
const mms = (
  values: Readonly<Record<string, string>> = {},
  parts: Partial<MmsParts> = {},
  damaged: readonly string[] = [],
): Reading =>
  readMms(
    fieldsOf({ date: `${DATE}`, msg_box: "1", m_type: "132", sub: "null", read: "1", ...values }, damaged),
    {
      texts: ["hi"],
      areTextsDamaged: false,
      attachmentHashes: [],
      attachmentCount: 0,
      addresses: [],
      isOverfull: false,
      ...parts,
    },
    7,
  );
const reasonOf = (reading: Reading): string | null => (reading.record === null ? reading.reason : null);

describe("an SMS", () => {
  it("that was received has its sender, its time and the time it was sent", () => {
    deepEqual(sms({ date_sent: `${DATE - 5_000}`, contact_name: "Mum", read: "0" }), {
      record: {
        kind: "taken-in",
        service: "sms",
        box: "in",
        address: "+4930123",
        sender: "+4930123",
        contactName: "Mum",
        text: "hi",
        timeMs: DATE,
        sentAtMs: DATE - 5_000,
        receivedAtMs: DATE,
        read: false,
        attachmentHashes: [],
        line: 7,
      },
    });
  });

  it("that was sent, or was on its way, is mine", () => {
    for (const type of ["2", "4", "5", "6"]) {
      const { record } = sms({ type });
      deepEqual(
        [record?.box, record?.sender, record?.receivedAtMs, record?.sentAtMs],
        ["out", null, null, DATE],
      );
    }
  });

  it("that is a draft, or neither sent nor received, is left out", () => {
    equal(reasonOf(sms({ type: "3" })), "a draft");
    for (const type of ["0", "7", "null", "x", ""])
      equal(reasonOf(sms({ type })), "neither sent nor received");
  });

  it("L13: with an impossible date is left out", () => {
    const bad = [
      "",
      "null",
      "0",
      "-1",
      "1.5",
      "1e12",
      " 1",
      "NaN",
      "Infinity",
      "0x10",
      "12345678901234567890",
      "4102444800000",
    ];
    for (const date of bad) equal(reasonOf(sms({ date })), "impossible date", date);
    for (const date of ["1", "4102444799999"]) equal(sms({ date }).record?.timeMs, Number(date));
  });

  it("L13: takes its own time where the time of sending is none", () => {
    for (const value of ["0", "null", "-5", "99999999999999999"]) {
      equal(sms({ date_sent: value }).record?.sentAtMs, DATE, value);
    }
  });

  it("without a name, an address or a text is taken in all the same", () => {
    for (const contact_name of ["(Unknown)", "null", "", "  "])
      equal(sms({ contact_name }).record?.contactName, null);
    for (const address of ["null", "", " "]) {
      deepEqual([sms({ address }).record?.address, sms({ address }).record?.sender], ["unknown", "unknown"]);
    }
    equal(sms({ body: "" }).record?.text, "");
    equal(sms({ body: "null" }).record?.text, "null", "somebody may have written that");
  });

  it("U4: whose text or address is not UTF-8 is left out; a name that is not is passed over", () => {
    equal(reasonOf(sms({}, ["body"])), "the text is not UTF-8");
    equal(reasonOf(sms({}, ["address"])), "the text is not UTF-8");
    const named = sms({ contact_name: "M?m" }, ["contact_name"]);
    equal(named.record?.contactName, null);
  });

  it("over the limit of a text or an address is left out with the reason", () => {
    equal(reasonOf(sms({ body: "x".repeat(65_537) })), "a message is over 65536 bytes");
    equal(sms({ body: "x".repeat(65_536) }).record?.text.length, 65_536);
    equal(reasonOf(sms({ address: "1".repeat(1_025) })), "an address or title is over 1024 bytes");
    equal(reasonOf(sms({ address: "a\nb" })), "an address or title has a control character");
  });
});

describe("an MMS", () => {
  const from = (address: string): MmsParts["addresses"][number] => ({ address, type: "137" });
  const to = (address: string, type = "151"): MmsParts["addresses"][number] => ({ address, type });

  it("has its subject and its text parts as lines", () => {
    equal(mms({ sub: "Trip" }, { texts: ["one", "", "two"] }).record?.text, "Trip\none\ntwo");
    equal(mms({ sub: "proto:CjoKImNvbS5nb29nbGU" }).record?.text, "hi", "what apps keep there is no subject");
  });

  it("from one person belongs to the conversation of that person's SMS", () => {
    const { record } = mms({ address: "+49 30 123" }, { addresses: [from("+49 30 123"), to("+49170999")] });
    deepEqual([record?.service, record?.address, record?.sender], ["mms", "+4930123", "+49 30 123"]);
    const unnamed = mms({ address: "null" }, { addresses: [from("+4930123"), to("+49170999")] });
    equal(unnamed.record?.address, "+4930123");
  });

  it("of a group belongs to the addresses of the others, each once, sorted", () => {
    const { record } = mms(
      { address: "+4940~+49 30 123~+4930123" },
      { addresses: [from("+4940"), to("+4930123")] },
    );
    deepEqual([record?.address, record?.sender], ["+4930123, +4940", "+4940"]);
    const unnamed = mms({}, { addresses: [from("+4940"), to("+4930123"), to("+4950", "130")] });
    equal(unnamed.record?.address, "+4930123, +4940, +4950");
  });

  it("that was sent belongs to those it went to, openly or not", () => {
    const { record } = mms(
      { msg_box: "2", m_type: "128" },
      { addresses: [from("insert-address-token"), to("+4940"), to("+4930", "130"), to("+4920", "129")] },
    );
    deepEqual([record?.box, record?.address, record?.sender], ["out", "+4920, +4930, +4940", null]);
  });

  it("goes by its type where the box is missing", () => {
    equal(mms({ msg_box: "null", m_type: "132" }).record?.box, "in");
    equal(mms({ msg_box: "null", m_type: "128" }).record?.box, "out");
    equal(reasonOf(mms({ msg_box: "null", m_type: "134" })), "neither sent nor received");
    equal(reasonOf(mms({ m_type: "130" })), "an MMS that was announced and never fetched");
    equal(reasonOf(mms({ msg_box: "3" })), "a draft");
  });

  it("may keep its times in seconds", () => {
    deepEqual(
      [mms({ date: "1700000000" }).record?.timeMs, mms({ date_sent: "1699999990" }).record?.sentAtMs],
      [DATE, DATE - 10_000],
    );
    equal(reasonOf(mms({ date: "never" })), "impossible date");
  });

  it("with attachments gives its text, their hashes, and a remark", () => {
    const reading = mms({}, { attachmentHashes: [hash], attachmentCount: 1 });
    deepEqual(reading.record?.attachmentHashes, [hash]);
    equal(reading.record !== null && reading.remark, "its attachments are not taken in yet; its text is");
  });

  it("without a text is left out until attachments are taken in", () => {
    equal(
      reasonOf(mms({}, { texts: [], attachmentCount: 2, attachmentHashes: [hash] })),
      "only attachments, which are not taken in yet",
    );
    equal(reasonOf(mms({}, { texts: [] })), "no text");
  });

  it("U4: whose text is not UTF-8, or that has too many parts, is left out", () => {
    equal(reasonOf(mms({}, { areTextsDamaged: true })), "the text is not UTF-8");
    equal(reasonOf(mms({ sub: "?" }, {}, ["sub"])), "the text is not UTF-8");
    equal(reasonOf(mms({}, { isOverfull: true })), "more than 1000 parts or addresses");
  });

  it("without any address is taken in all the same", () => {
    equal(mms({}, {}).record?.address, "unknown");
  });
});
