/** The real messages of the NUS SMS corpus, where they lie beside the repository (they are no part of it). */
import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { MessageId } from "../../../src/core/base/ids.ts";
import type { TakenInRecord } from "../../../src/core/inbox/import-types.ts";
import { TakenInIds } from "../../../src/core/inbox/taken-in.ts";
import { readSmsBackup } from "../../../src/io/gateways/sms-backup.ts";
import { readThrough, takenIn } from "../../support/import-files.ts";
import { repositoryRoot } from "../../support/paths.ts";
import { skipUnless } from "../../support/skip-unless.ts";

const corpus = join(repositoryRoot, "..", "shared", "data", "nus-sms-en.xml.gz");
const RECORDS = 55_835;
const indexKey = new Uint8Array(32).fill(3);

const idsOf = (records: readonly TakenInRecord[]): readonly MessageId[] => {
  const ids = new TakenInIds(indexKey);
  return records.map((record) => ids.next(record));
};

describe("the NUS SMS corpus", function () {
  this.timeout(120_000);

  it("is read whole; three imports give the same ids, and true repeats keep ids of their own", async function () {
    skipUnless(this, existsSync(corpus), "needs the real messages beside the project");
    const [first, second, third] = [
      await readThrough(readSmsBackup(corpus)),
      await readThrough(readSmsBackup(corpus)),
      await readThrough(readSmsBackup(corpus)),
    ];
    deepEqual([first.error, first.skipped, first.records.length], [null, 0, RECORDS]);
    const ids = idsOf(takenIn(first));
    equal(new Set(ids).size, RECORDS);
    deepEqual(idsOf(takenIn(second)), ids);
    deepEqual(new Set(idsOf(takenIn(third).toReversed())), new Set(ids));
    // Twice the same messages in one file are repeats, and stay.
    equal(new Set(idsOf([...takenIn(first), ...takenIn(first)])).size, 2 * RECORDS);
  });

  it("holds texts with more than ASCII, and every one is well-formed", async function () {
    skipUnless(this, existsSync(corpus), "needs the real messages beside the project");
    const records = takenIn(await readThrough(readSmsBackup(corpus)));
    ok(records.some(({ text }) => text.includes("ü")));
    equal(new Set(records.map(({ address }) => address)).size, 343);
    deepEqual(
      records.filter(({ text }) => Buffer.from(text).toString() !== text),
      [],
    );
  });
});
