/** Turns for control operations of this device: in the clear, stored twice, each made after all that is known here. */
import { logIdOf } from "../../core/crypto/derive.ts";
import { rangeOf } from "../../core/log/ranges.ts";
import type { BatchEntry, LogState } from "../../core/log/types.ts";
import type { ControlBody, LogOwner } from "../../core/membership/types.ts";
import type { LogWrite } from "../../core/sync/ports.ts";
import { assert } from "../../core/base/errors.ts";
import { appendEntries, currentIncarnation, ownersMeta, requireWhole } from "./own-turns.ts";
import type { TurnContext } from "./turn-context.ts";
import type { Turn } from "./turn.ts";

/**
 * Control operations, each made after the one before. The view changes with them at once.
 *
 * @throws EngineError `STORE_DAMAGED` while control entries are lost here.
 */
export async function prepareControl(context: TurnContext, bodies: readonly ControlBody[]): Promise<Turn> {
  const [first] = bodies;
  // The next incarnation is how the question of which logs to write is settled.
  requireWhole(context, first?.kind === "open-log");
  const owner = controlOwner(
    context,
    first?.kind === "open-log" ? first.incarnation : currentIncarnation(context),
  );
  let state = context.ledger.tips.get(owner.log);
  const writes: LogWrite[] = [];
  for (const body of bodies) {
    const write = addControl(context, { owner, state, entry: context.book.draft(body) });
    ({ state } = write);
    writes.push(write);
  }
  await context.keys.absorb(context.book.view);
  return controlTurn(context, writes);
}

/** The turn of what `addControl` has signed, of one log. */
export function controlTurn(context: TurnContext, writes: readonly LogWrite[]): Turn {
  const state = writes.at(-1)?.state;
  assert(state !== undefined, "a control turn has operations");
  const { head } = state;
  return {
    commit: {
      logs: writes,
      puts: new Map(),
      dels: new Set(),
      meta: ownersMeta(context),
    },
    states: [state],
    delta: { heads: [head], ranges: new Map([[head.log, rangeOf(writes[0]!.from, head.length)]]) },
    origin: "local",
    operations: [],
    changes: [],
    members: true,
    apply: () => undefined,
  };
}

/** The control log of this device in one of its incarnations. */
export function controlOwner({ account, self }: TurnContext, incarnation: number): LogOwner {
  const log = logIdOf({ account, device: self, incarnation, logClass: "control" });
  return { log, device: self, incarnation, logClass: "control", cut: null };
}

/** Signs one control entry behind `state` and adds it to the book: from here on it must reach the disk. */
export function addControl(
  context: TurnContext,
  made: { readonly owner: LogOwner; readonly state: LogState | undefined; readonly entry: BatchEntry },
): LogWrite {
  const { owner, entry } = made;
  const { batch, state } = appendEntries(context, owner.log, made.state, [entry]);
  context.book.add(owner, batch.from, [entry], batch.leaves);
  return { state, from: batch.from, entries: [entry], leaves: batch.leaves, nodes: batch.nodes, twice: true };
}
