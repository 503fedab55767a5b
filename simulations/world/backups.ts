/** Small message archives that people take in, by path; in the world nothing is read from a file. */
import { EngineError } from "../../src/core/base/errors.ts";
import type { ImportSource, TakenInRecord } from "../../src/core/inbox/import-types.ts";
import { TakenInIds } from "../../src/core/inbox/taken-in.ts";

const BATCH_RECORDS = 5;

export class Backups {
  readonly #records = new Map<string, readonly TakenInRecord[]>();

  put(path: string, records: readonly TakenInRecord[]): void {
    this.#records.set(path, records);
  }

  open(path: string, indexKey: Uint8Array): ImportSource {
    const records = this.#records.get(path);
    if (records === undefined) throw new EngineError("IMPORT_NOT_FOUND", "there is no such archive");
    const ids = new TakenInIds(indexKey);
    return {
      format: "sms-backup",
      skipped: 0,
      problems: [],
      bytesRead: 0,
      bytesTotal: 0,
      async *[Symbol.asyncIterator]() {
        for (let at = 0; at < records.length; at += BATCH_RECORDS) {
          await Promise.resolve();
          yield records.slice(at, at + BATCH_RECORDS).map((record) => ({ ...record, id: ids.next(record) }));
        }
      },
    };
  }
}
