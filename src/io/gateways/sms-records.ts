/**
 * Elements of an SMS Backup & Restore file to records. Pure; reading the XML is sms-backup.ts. What each field means, and
 * what is left out: docs/import.md. Tests: test/unit/gateways/sms-records.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import { normaliseAddress, validateAddress, validateText } from "../../core/inbox/address.ts";
import type { TakenInRecord } from "../../core/inbox/import-types.ts";
import type { Direction } from "../../core/inbox/types.ts";

/** Attributes of one element. */
export interface Fields {
  readonly values: ReadonlyMap<string, string>;
  /** Names of those that hold something that is no text. */
  readonly damaged: ReadonlySet<string>;
}

export interface MmsParts {
  readonly texts: readonly string[];
  readonly areTextsDamaged: boolean;
  readonly attachmentHashes: readonly Uint8Array[];
  /** Attachments, with and without content in the backup. */
  readonly attachmentCount: number;
  readonly addresses: readonly { readonly address: string; readonly type: string }[];
  /** More parts or addresses than are read. */
  readonly isOverfull: boolean;
}

/** A record, or why there is none. `remark`: what of the record is left out. */
export type Reading =
  | { readonly record: TakenInRecord; readonly remark?: string }
  | { readonly record: null; readonly reason: string };

/** Android writes nothing as "null". */
const NOTHING = "null";
const UNKNOWN_ADDRESS = "unknown";
const UNKNOWN_CONTACT = "(Unknown)";
/** Android's word for the phone's own number. */
const OWN_ADDRESS = "insert-address-token";
const GROUP_SEPARATOR = "~";
const ADDRESS_TYPE_FROM = "137";
/** To, Cc, Bcc. */
const ADDRESS_TYPES_TO: readonly string[] = ["151", "130", "129"];

/** 2100-01-01. What is later is no date, on any device alike; what is later than now is the fold's part. */
const TIME_MS_LIMIT = 4_102_444_800_000;
/** Some phones keep the times of MMS in seconds. As milliseconds these are before 1973-03-03. */
const SECONDS_LIMIT = 100_000_000_000;
const TIME_DIGITS_MAX = 15;

export function readSms(fields: Fields, line: number): Reading {
  const box = boxOfSms(text(fields, "type"));
  if (typeof box !== "string") return { record: null, reason: box.reason };
  const timeMs = timeOf(fields.values.get("date"));
  if (timeMs === null) return { record: null, reason: "impossible date" };
  const address = text(fields, "address") ?? UNKNOWN_ADDRESS;
  const sentMs = timeOf(fields.values.get("date_sent"));
  return checked(fields, ["address", "body"], {
    kind: "taken-in",
    service: "sms",
    box,
    address,
    sender: box === "in" ? address : null,
    contactName: contactOf(fields),
    text: fields.values.get("body") ?? "",
    timeMs,
    sentAtMs: sentMs ?? timeMs,
    receivedAtMs: box === "in" ? timeMs : null,
    read: fields.values.get("read") !== "0",
    attachmentHashes: [],
    line,
  });
}

export function readMms(fields: Fields, parts: MmsParts, line: number): Reading {
  const box = boxOfMms(text(fields, "msg_box"), text(fields, "m_type"));
  if (typeof box !== "string") return { record: null, reason: box.reason };
  const timeMs = mmsTimeOf(fields.values.get("date"));
  if (timeMs === null) return { record: null, reason: "impossible date" };
  if (parts.isOverfull) return { record: null, reason: "more than 1000 parts or addresses" };
  if (parts.areTextsDamaged) return { record: null, reason: "the text is not UTF-8" };
  const message = [subjectOf(fields), ...parts.texts].filter((piece) => piece !== "").join("\n");
  if (message === "") {
    const reason = parts.attachmentCount === 0 ? "no text" : "only attachments, which are not taken in yet";
    return { record: null, reason };
  }
  const participants = participantsOf(fields, parts, box);
  const address = participants.join(", ");
  const sentMs = mmsTimeOf(fields.values.get("date_sent"));
  const reading = checked(fields, ["address", "sub"], {
    kind: "taken-in",
    service: "mms",
    box,
    address,
    sender: box === "in" ? (senderOf(parts) ?? address) : null,
    contactName: contactOf(fields),
    text: message,
    timeMs,
    sentAtMs: sentMs ?? timeMs,
    receivedAtMs: box === "in" ? timeMs : null,
    read: fields.values.get("read") !== "0",
    attachmentHashes: parts.attachmentHashes,
    line,
  });
  if (reading.record === null || parts.attachmentCount === 0) return reading;
  return { ...reading, remark: "its attachments are not taken in yet; its text is" };
}

/** Received; sent, or on its way when the backup was made, so that it is the same message in the next one. */
function boxOfSms(type: string | null): Direction | { readonly reason: string } {
  switch (type) {
    case "1":
      return "in";
    case "2":
    case "4":
    case "5":
    case "6":
      return "out";
    case "3":
      return { reason: "a draft" };
    default:
      return { reason: "neither sent nor received" };
  }
}

function boxOfMms(box: string | null, messageType: string | null): Direction | { readonly reason: string } {
  if (messageType === "130") return { reason: "an MMS that was announced and never fetched" };
  if (box === null) return messageType === "132" ? "in" : messageType === "128" ? "out" : boxOfSms(null);
  return boxOfSms(box);
}

/** The others in the conversation, each once, sorted by code units; for two people just the other. */
function participantsOf(fields: Fields, parts: MmsParts, box: Direction): readonly string[] {
  const named = (text(fields, "address") ?? "").split(GROUP_SEPARATOR);
  const listed = parts.addresses.filter(({ type }) => ADDRESS_TYPES_TO.includes(type));
  const sender = senderOf(parts);
  // A message to one person was to me, and only its sender names the conversation.
  const others = box === "in" && listed.length <= 1 ? [] : listed.map(({ address }) => address);
  const fallback = box === "in" && sender !== null ? [sender, ...others] : others;
  for (const candidates of [named, fallback]) {
    const known = candidates.filter(isAddress).map(normaliseAddress);
    if (known.length > 0) return [...new Set(known)].toSorted();
  }
  return [UNKNOWN_ADDRESS];
}

function senderOf(parts: MmsParts): string | null {
  return (
    parts.addresses.find(({ address, type }) => type === ADDRESS_TYPE_FROM && isAddress(address))?.address ??
    null
  );
}

function isAddress(address: string): boolean {
  const trimmed = address.trim();
  return trimmed !== "" && trimmed !== NOTHING && trimmed !== OWN_ADDRESS;
}

/** A subject that a person wrote; some apps keep data of their own there. */
function subjectOf(fields: Fields): string {
  const subject = text(fields, "sub") ?? "";
  return subject.startsWith("proto:") ? "" : subject;
}

function contactOf(fields: Fields): string | null {
  const name = text(fields, "contact_name");
  return name === UNKNOWN_CONTACT || fields.damaged.has("contact_name") ? null : name;
}

/** The value, or null where Android had none. Never for a body: somebody may have written "null". */
function text(fields: Fields, name: string): string | null {
  const value = fields.values.get(name)?.trim() ?? "";
  return value === "" || value === NOTHING ? null : value;
}

function checked(fields: Fields, names: readonly string[], record: TakenInRecord): Reading {
  if (names.some((name) => fields.damaged.has(name)))
    return { record: null, reason: "the text is not UTF-8" };
  try {
    validateAddress(record.address);
    if (record.sender !== null) validateAddress(record.sender);
    validateText(record.text);
    return { record };
  } catch (error) {
    if (isEngineError(error)) return { record: null, reason: error.message };
    throw error;
  }
}

/** Whole milliseconds after 1970 and before 2100, else null. */
function timeOf(value: string | undefined): number | null {
  if (value === undefined || value.length > TIME_DIGITS_MAX) return null;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 48 || unit > 57) return null;
  }
  const ms = Number(value);
  return ms > 0 && ms < TIME_MS_LIMIT ? ms : null;
}

function mmsTimeOf(value: string | undefined): number | null {
  const time = timeOf(value);
  return time !== null && time < SECONDS_LIMIT ? time * 1_000 : time;
}
