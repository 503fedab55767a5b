/**
 * The program as it was before the inbox had more than messages, the bin, read marks and names: what it does not know it keeps and passes
 * on, and folds nothing of it. A later version finds the rows of another version on the disk, which serve while it builds them anew.
 */
import type { Fold, Operation, OperationBody } from "../../src/core/inbox/types.ts";
import type { Replica } from "../../src/app/replica/replica.ts";

const KNOWN: ReadonlySet<OperationBody["kind"]> = new Set<OperationBody["kind"]>([
  "message",
  "delete",
  "restore",
  "read",
  "unread",
  "title",
  "device-name",
]);

/** What rows of the older version say of their version. */
export const OLDER_VIEW_VERSION = 1;
/** And the state of its search index. */
export const OLDER_INDEX_STATE = Uint8Array.of(0);

/** From now on the replica folds as the older version did; `passed` is told of each operation that this one would have folded. */
export function foldAsOlder(replica: Replica, passed: () => void): void {
  let made: { readonly of: Fold; readonly older: Fold } | null = null;
  const newer = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(replica) as object, "fold")!;
  Object.defineProperty(replica, "fold", {
    get: (): Fold | null => {
      const fold = newer.get!.call(replica) as Fold | null;
      if (fold === null) return null;
      if (made?.of !== fold) made = { of: fold, older: olderFold(fold, passed) };
      return made.older;
    },
  });
}

function olderFold(fold: Fold, passed: () => void): Fold {
  return {
    ...fold,
    keys: (operations) => fold.keys(operations.filter(({ body }) => KNOWN.has(body.kind))),
    apply: (rows, placed) => {
      const known = placed.filter(({ operation }) => isKnown(operation));
      for (let n = known.length; n < placed.length; n++) passed();
      return fold.apply(rows, known);
    },
  };
}

function isKnown({ body }: Operation): boolean {
  return KNOWN.has(body.kind);
}
