/** Files to import, written into a folder of their own and read to their end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { isEngineError, type EngineError } from "../../src/core/base/errors.ts";
import type {
  ImportProblem,
  ReadRecord,
  RecordSource,
  TakenInRecord,
} from "../../src/core/inbox/import-types.ts";

export interface ReadThrough<AnyRecord = ReadRecord> {
  readonly records: readonly AnyRecord[];
  readonly batchSizes: readonly number[];
  readonly problems: readonly ImportProblem[];
  readonly skipped: number;
  /** What ended the reading; null: the end of the file. */
  readonly error: EngineError | null;
}

export class ImportFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), "kinlog-import-"));
  #count = 0;

  write(content: string | Uint8Array, name = `file-${this.#count++}`): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    return path;
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

export async function readThrough<AnyRecord>(
  source: RecordSource<AnyRecord>,
): Promise<ReadThrough<AnyRecord>> {
  const records: AnyRecord[] = [];
  const batchSizes: number[] = [];
  let error: EngineError | null = null;
  try {
    for await (const batch of source) {
      records.push(...batch);
      batchSizes.push(batch.length);
    }
  } catch (thrown) {
    if (!isEngineError(thrown)) throw thrown;
    error = thrown;
  }
  return { records, batchSizes, problems: source.problems, skipped: source.skipped, error };
}

/** Records of a backup of SMS, which has no others. */
export function takenIn({ records }: ReadThrough): readonly TakenInRecord[] {
  return records.filter((record) => record.kind === "taken-in");
}

/** One `<sms>` element, its attributes as the app writes them unless given otherwise. */
export function smsElement(attributes: Readonly<Record<string, string>> = {}): string {
  return element("sms", {
    protocol: "0",
    address: "+4930123",
    date: "1700000000000",
    type: "1",
    subject: "null",
    body: "hi",
    toa: "null",
    sc_toa: "null",
    service_center: "null",
    read: "1",
    status: "-1",
    locked: "0",
    date_sent: "1699999999000",
    sub_id: "-1",
    readable_date: "",
    contact_name: "(Unknown)",
    ...attributes,
  });
}

/** One `<mms>` element with what is in it. */
export function mmsElement(
  attributes: Readonly<Record<string, string>>,
  parts: readonly string[],
  addresses: readonly string[] = [],
): string {
  const open = element("mms", {
    date: "1700000000000",
    msg_box: "1",
    m_type: "132",
    address: "+4930123",
    sub: "null",
    read: "1",
    date_sent: "0",
    contact_name: "(Unknown)",
    ...attributes,
  }).replace(" />", ">");
  return `${open}<parts>${parts.join("\n")}</parts><addrs>${addresses.join("\n")}</addrs></mms>`;
}

export const textPart = (text: string): string =>
  element("part", { seq: "0", ct: "text/plain", name: "null", text });
export const filePart = (data: string, type = "image/jpeg"): string =>
  element("part", { seq: "0", ct: type, name: "x.jpg", text: "null", data });
export const addressElement = (address: string, type: "129" | "130" | "137" | "151"): string =>
  element("addr", { address, type, charset: "106" });

/** A backup as the app writes it, with these elements. */
export function backupOf(elements: readonly string[]): string {
  return [
    `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>`,
    `<!--File Created By SMS Backup & Restore v10.20.002 on 05/04/2026-->`,
    `<?xml-stylesheet type="text/xsl" href="sms.xsl"?>`,
    `<smses count="${elements.length}" backup_set="x" backup_date="1" type="full">`,
    ...elements.map((each) => `  ${each}`),
    "</smses>",
  ].join("\n");
}

export const zipped = (text: string): Uint8Array => gzipSync(text);

/** Values are written as they are: tests escape what they must, and what they must not. */
function element(name: string, attributes: Readonly<Record<string, string>>): string {
  const written = Object.entries(attributes).map(([key, value]) => `${key}="${value}"`);
  return `<${name} ${written.join(" ")} />`;
}
