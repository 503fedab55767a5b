/** What was acknowledged and is gone after the store was opened again stays an error, however often it is opened. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { failingDatabase } from "../../support/failing-database.ts";
import { TestLog } from "../../support/logs.ts";

describe("A store that lost what it had acknowledged", () => {
  it("does not open again as if nothing had been there", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kinlog-audit-"));
    const failing = failingDatabase();
    let opened = 0;
    const store = await openLevelStore({
      path: join(directory, "store"),
      // The disk that comes back is not the one that went.
      database: (path) => failing.open(opened++ === 0 ? path : `${path}-empty`),
    });
    const log = new TestLog({ length: 4 });
    const commit = (from: number, to: number): Promise<void> =>
      store.commit({
        logs: [log.write(undefined, from, to, to)],
        puts: new Map(),
        dels: new Set(),
        meta: new Map(),
      });
    await commit(0, 2);
    failing.failNextWrite("other");
    await assertRejectsWithCode(commit(0, 3), "STORE_POISONED");
    for (let time = 0; time < 3; time++) await assertRejectsWithCode(store.reopen(), "STORE_DAMAGED");
    await assertRejectsWithCode(store.logs(), "STORE_POISONED");
    await store.close();
    await rm(directory, { recursive: true });
  });
});
