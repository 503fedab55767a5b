/** What the contract of a Store is run on. Types only. */
import type { Store } from "../../src/core/sync/ports.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** The process dies at this moment, and another one opens what is on the disk. */
  readonly reopenAfterCrash: () => Promise<Store>;
  /** The next write fails, on a full disk or for another reason. */
  readonly failNextWrite: (cause: "full" | "other") => void;
  readonly cleanup: () => Promise<void>;
}

/** What a test of the contract works with; `store` is the one that is open now. */
export interface Bench {
  store: Store;
  readonly crash: () => Promise<void>;
  readonly failNextWrite: (cause: "full" | "other") => void;
}
