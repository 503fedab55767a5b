/**
 * Holds the stored view against the logs that it is made from: everything held is folded once more, and nothing of it may be news. LevelDB
 * compacts tables without looking at their checksums, so a flipped bit can take rows away and leave no other trace; entries that are gone
 * are missed by their positions, rows of the view only here. Writes nothing. Tests: test/integration/app/damage.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import { messageRowKey, orderRowKeyOfMessage } from "../../core/inbox/view.ts";
import type { RowKey } from "../../core/log/rows.ts";
import type { TurnContext } from "./turn-context.ts";
import { readRows } from "./own-turns.ts";
import { foldPieces, type Folded } from "./fold-pieces.ts";

const STEP = 1_000;
/** What is folded again came in at no later time than before. */
const TAKEN_IN_BEFORE_MS = 0;

/** How many rows are missing, or say something other than the logs. @throws EngineError `STORE_DAMAGED` where one cannot be read. */
export async function countWrongRows(context: TurnContext, pace?: () => Promise<void>): Promise<number> {
  let wrong = 0;
  for (const [log, { head }] of context.ledger.frontier) {
    const owner = context.book.view.logs.get(log);
    if (owner === undefined || owner.logClass === "control") continue;
    for (let from = 0; from < head.length; from += STEP) {
      const stored = await context.store.entries(log, from, from + STEP);
      const pieces = stored.map(({ position, entry }) => ({ owner, from: position, entries: [entry] }));
      wrong += await countWrong(context, await foldPieces(context, pieces, undefined, TAKEN_IN_BEFORE_MS));
      await pace?.();
    }
  }
  return wrong;
}

async function countWrong(context: TurnContext, { puts, operations }: Folded): Promise<number> {
  const before = await readRows(context, [...puts.keys()]);
  let wrong = 0;
  for (const [key, row] of puts) {
    const known = before.get(key);
    if (known === undefined || !equalBytes(known, row)) wrong++;
  }
  const ids = operations.filter(({ operation }) => operation.body.kind === "message");
  const messages = await readRows(
    context,
    ids.map(({ operation }) => messageRowKey(operation.id)),
  );
  const orderKeys: RowKey[] = [];
  for (const [key, row] of messages) {
    const orderKey = orderRowKeyOfMessage(key, row);
    if (orderKey !== null) orderKeys.push(orderKey);
  }
  const ordered = await readRows(context, orderKeys);
  return wrong + orderKeys.length - ordered.size;
}
