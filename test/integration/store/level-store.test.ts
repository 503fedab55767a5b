/** The LevelDB store on a real disk: the contract, and what only a database can get wrong. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import type { Store } from "../../../src/core/sync/ports.ts";
import { describeStore, type StoreUnderTest } from "../../contracts/store.contract.ts";
import { copyStore } from "../../support/copy-store.ts";
import { failingDatabase } from "../../support/failing-database.ts";

async function openUnderTest(): Promise<StoreUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "kinlog-store-"));
  const failing = failingDatabase();
  const opened: Store[] = [];
  let path = join(directory, "store-0");
  const open = async (): Promise<Store> => {
    const store = await openLevelStore({ path, database: failing.open });
    opened.push(store);
    return store;
  };
  return {
    store: await open(),
    reopenAfterCrash: async () => {
      // What a killed process leaves is what the files hold at this moment.
      const copy = join(directory, `store-${opened.length}`);
      await copyStore(path, copy);
      path = copy;
      return open();
    },
    failNextWrite: failing.failNextWrite,
    cleanup: async () => {
      for (const store of opened) await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

describeStore("the LevelDB store", openUnderTest);
