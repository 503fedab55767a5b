/** The double of a directory's stores under the contract, and what it alone can do: die between a rename and its sync. */
import { deepEqual, equal } from "node:assert/strict";
import { MemoryDisk } from "../../../simulations/doubles/memory-disk.ts";
import { openMemoryStore } from "../../../simulations/doubles/memory-store.ts";
import { memoryStores, MemoryShelf } from "../../../simulations/doubles/memory-stores.ts";
import { describeStores } from "../../contracts/stores.contract.ts";

describeStores("the double", () => {
  const stores = memoryStores(new MemoryShelf(), (disk) => openMemoryStore({ disk }));
  return Promise.resolve({ stores, cleanup: () => Promise.resolve() });
});

describe("the double of a directory's stores", () => {
  it("keeps any beginning of the changes that were not synced when the program died", () => {
    const after = (survivors: number): readonly string[] => {
      const shelf = new MemoryShelf();
      shelf.put("db", new MemoryDisk());
      shelf.put("db.next", new MemoryDisk());
      shelf.remove("db");
      shelf.rename("db.next", "db");
      equal(shelf.unsynced, 2);
      shelf.crash(survivors);
      return shelf.names();
    };
    deepEqual([0, 1, 2].map(after), [["db", "db.next"], ["db.next"], ["db"]]);
  });
});
