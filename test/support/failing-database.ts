/** The database of a store with a disk that fails when it is told to. Everything else goes to the real one. */
import { type Database, openDatabase, type OpenDatabase } from "../../src/io/store/level-database.ts";

export interface FailingDatabase {
  readonly open: OpenDatabase;
  readonly failNextWrite: (cause: "full" | "other") => void;
  /** The next write begins when what is returned is called. */
  readonly stallNextWrite: () => () => void;
  /** Writes that were asked for since the last opening. */
  readonly writeCount: () => number;
}

const messages = {
  full: "IO error: /store/000003.log: No space left on device",
  other: "IO error: /store/000003.log: Input/output error",
} as const;

/** Once a write has failed, the handle goes on as LevelDB's does: later writes seem to succeed and are gone after a reopen. */
export function failingDatabase(): FailingDatabase {
  let failure: "full" | "other" | undefined;
  let stall: Promise<void> | undefined;
  let writeCount = 0;
  return {
    open: async (path) => {
      const database = await openDatabase(path);
      writeCount = 0;
      let isLying = false;
      return {
        ...database,
        batch: () => {
          const batch = database.batch();
          return {
            ...batch,
            write: async () => {
              writeCount++;
              const stalled = stall;
              stall = undefined;
              await stalled;
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
    writeCount: () => writeCount,
    stallNextWrite: () => {
      let release = (): void => undefined;
      stall = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    failNextWrite: (cause) => {
      failure = cause;
    },
  };
}
