/** The memory store keeps the contract of the real one; and what only it has: a disk that simulations command. */
import { openMemoryStore } from "../../../simulations/doubles/memory-store.ts";
import { MemoryDisk } from "../../../simulations/doubles/memory-disk.ts";
import { describeStore } from "../../contracts/store.contract.ts";

describeStore("the memory store", async () => {
  const disk = new MemoryDisk();
  let store = openMemoryStore({ disk });
  return {
    store,
    reopenAfterCrash: async () => {
      store.crash();
      store = openMemoryStore({ disk });
      return store;
    },
    failNextWrite: (cause) => disk.failNextWrite(cause),
    cleanup: () => store.close(),
  };
});
