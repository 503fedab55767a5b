/** The database of a store with a disk that fails when it is told to. Everything else goes to the real one. */
import { type Database, openDatabase, type OpenDatabase } from "../../src/io/store/level-database.ts";

export interface FailingDatabase {
  readonly open: OpenDatabase;
  readonly failNextWrite: (cause: "full" | "other") => void;
}

const messages = {
  full: "IO error: /store/000003.log: No space left on device",
  other: "IO error: /store/000003.log: Input/output error",
} as const;

/** Once a write has failed, the handle goes on as LevelDB's does: later writes seem to succeed and are gone after a reopen. */
export function failingDatabase(): FailingDatabase {
  let failure: "full" | "other" | undefined;
  return {
    open: async (path) => {
      const database = await openDatabase(path);
      let isLying = false;
      return {
        ...database,
        batch: () => {
          const batch = database.batch();
          return {
            ...batch,
            write: async () => {
              if (isLying) return;
              if (failure === undefined) return batch.write();
              const cause = failure;
              failure = undefined;
              isLying = true;
              throw new Error(messages[cause]);
            },
          };
        },
      } satisfies Database;
    },
    failNextWrite: (cause) => {
      failure = cause;
    },
  };
}
