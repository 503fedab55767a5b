/** What a device writes down about its logs beside them: whatever members make of it, it can be read again at the next start. */
import { deepEqual, equal } from "node:assert/strict";
import type { DeviceId, LogId } from "../../../src/core/base/ids.ts";
import { ControlBook, decodeOwners } from "../../../src/app/replica/control-book.ts";
import { decodePlaces, encodePlaces } from "../../../src/app/replica/ledger.ts";
import { syncAccount } from "../../support/sync-side.ts";

const id = (n: number): string => n.toString(16).padStart(64, "0");

describe("what is written down about logs", function () {
  this.timeout(30_000);

  it("U11: more entries that wait for a key, one here and one there, than anybody would have", () => {
    const log = id(1) as LogId;
    const ranges = Array.from({ length: 1_000_001 }, (_, n) => ({ from: 2 * n, to: 2 * n + 1 }));
    const read = decodePlaces(encodePlaces(new Map([[log, ranges]])));
    equal(read.get(log)?.length, ranges.length);
    deepEqual(read.get(log)?.at(-1), ranges.at(-1));
  });

  it("U11: more control logs than anybody would have", () => {
    const book = new ControlBook(syncAccount.account);
    for (let n = 0; n < 100_001; n++) {
      const owner = {
        log: id(n) as LogId,
        device: id(n + 1) as DeviceId,
        incarnation: 0,
        logClass: "control",
      } as const;
      book.add({ ...owner, cut: null }, 0, [], []);
    }
    equal(decodeOwners(book.encodeOwners()).length, 100_001);
  });
});
