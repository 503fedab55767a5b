/** What a turn of the writer is made of, and what is told of it. */
import type { Change, OrderKey, PlacedOperation } from "../../core/inbox/types.ts";
import type { LogState } from "../../core/log/types.ts";
import type { Commit } from "../../core/sync/ports.ts";
import type { FrontierDelta } from "../../core/sync/types.ts";

export interface AppendResult {
  /** False where the id was here already: nothing was written for it. */
  readonly appended: boolean;
  readonly order: OrderKey | null;
}

/** A turn, ready to be written. `apply` makes its effects those that the next turn starts from. */
export interface Turn {
  readonly commit: Commit;
  readonly states: readonly LogState[];
  readonly delta: FrontierDelta;
  readonly origin: "local" | "remote";
  readonly operations: readonly PlacedOperation[];
  readonly changes: readonly Change[];
  /** The control logs grew, so the view is resolved anew. The book has them already, so such a turn is never given up. */
  readonly members: boolean;
  readonly apply: () => void;
}

/** What became durable, in the order of the turns. */
export interface Published extends Omit<Turn, "commit" | "apply"> {
  /** Rows of the stored view that it wrote. */
  readonly rows: Commit["puts"];
}

/** Nobody is told of it: it changes no log and nothing that people see. */
export function quietTurn(commit: Partial<Commit>): Turn {
  return {
    commit: { logs: [], puts: new Map(), dels: new Set(), meta: new Map(), ...commit },
    states: [],
    delta: { heads: [], ranges: new Map() },
    origin: "local",
    operations: [],
    changes: [],
    members: false,
    apply: () => undefined,
  };
}
