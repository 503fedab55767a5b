/** Turns for what this device writes itself: operations, numbered, stamped, sealed and signed. Control operations: control-turns.ts. */
import type { LogId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { logIdOf } from "../../core/crypto/derive.ts";
import { withNamedPlaces } from "../../core/inbox/fold-tombstones.ts";
import { binRowsOf } from "../../core/inbox/bin-rows.ts";
import { logClassOf } from "../../core/inbox/operation.ts";
import { lastStampOf, messageIsHere, messageRowKey, orderOfMessage } from "../../core/inbox/view.ts";
import { nextStamp } from "../../core/inbox/stamp.ts";
import type { Draft, Fold, Operation, OrderKey, PlacedOperation, Stamp } from "../../core/inbox/types.ts";
import { batchOfAppend, LogAppender } from "../../core/log/appender.ts";
import { signHead } from "../../core/log/head.ts";
import { leavesOf } from "../../core/log/header.ts";
import { rangeOf } from "../../core/log/ranges.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import { adopt, withHeld } from "../../core/log/state.ts";
import type { BatchEntry, EntryKind, LogClass, LogState, VerifiedBatch } from "../../core/log/types.ts";
import type { LogWrite } from "../../core/sync/ports.ts";
import { ENTRY_VERSION } from "./sealing.ts";
import type { TurnContext } from "./turn-context.ts";
import { META } from "./meta-names.ts";
import type { AppendResult, Turn } from "./turn.ts";

interface Sealed {
  readonly log: LogId;
  readonly write: LogWrite;
  readonly state: LogState;
  readonly placed: readonly PlacedOperation[];
}

/** What an append needs of the store and of the keys. Read before anything is signed. */
export interface AppendGround {
  readonly fold: Fold;
  readonly kind: NonNullable<ReturnType<typeof sealingKind>>;
  readonly rows: ReadonlyMap<RowKey, Row>;
}

/** @throws EngineError `EPOCH_KEY_MISSING`, `STORE_DAMAGED` while control entries are lost here, and what reading throws. */
export async function readForAppend(context: TurnContext, drafts: readonly Draft[]): Promise<AppendGround> {
  requireWhole(context, false);
  const fold = context.fold();
  const kind = sealingKind(context);
  if (fold === null || kind === null) {
    throw new EngineError("EPOCH_KEY_MISSING", "this device has no key to write with yet", {
      remedy: "Connect it with the device that linked it.",
    });
  }
  return { fold, kind, rows: await readRows(context, fold.keys(drafts)) };
}

/**
 * One turn for many drafts. Those whose id is known, here or earlier in the turn, are answered without writing. Waits for nothing,
 * so that what is signed here is what is submitted: a head that was signed and given up would be followed by another of its length.
 */
export function makeAppend(
  context: TurnContext,
  drafts: readonly Draft[],
  { fold, kind, rows }: AppendGround,
): { readonly turn: Turn | null; readonly results: readonly AppendResult[] } {
  const { operations, results } = stampDrafts(context, fold, rows, drafts);
  if (operations.length === 0) return { turn: null, results };

  const sealed = (["messages", "state"] as const)
    .map((logClass) => ({ logClass, those: operations.filter((each) => logClassOf(each.body) === logClass) }))
    .filter(({ those }) => those.length > 0)
    .map(({ logClass, those }) => sealInto(context, logClass, those, kind));
  const placed = sealed.flatMap((each) => each.placed);
  const { puts, dels, changes } = withBinRows(context, fold.apply(rows, placed), placed);
  const states = sealed.map((each) => each.state);
  const turn: Turn = {
    commit: {
      logs: sealed.map((each) => each.write),
      puts,
      dels,
      meta: new Map(),
    },
    states,
    delta: {
      heads: states.map((state) => state.head),
      ranges: new Map(
        sealed.map(({ log, write }) => [log, rangeOf(write.from, write.from + write.entries.length)]),
      ),
    },
    origin: "local",
    operations: placed,
    changes,
    members: false,
    apply: () => undefined,
  };
  return { turn, results };
}

/** Which control logs there are, twice: without them a device knows no members. */
export function ownersMeta({ book }: TurnContext): ReadonlyMap<string, Uint8Array> {
  const owners = book.encodeOwners();
  return new Map([
    [META.controlLogs, owners],
    [META.controlLogsCopy, owners],
  ]);
}

/** With the records of what came into the bin. */
export function withBinRows(
  { self }: Pick<TurnContext, "self">,
  folded: ReturnType<Fold["apply"]>,
  operations: readonly PlacedOperation[],
): ReturnType<Fold["apply"]> {
  const records = binRowsOf(operations, { puts: folded.puts, self });
  return records.size === 0 ? folded : { ...folded, puts: new Map([...folded.puts, ...records]) };
}

/** Rows by key, those that are not there left out. */
export async function readRows(
  context: { readonly store: Pick<TurnContext["store"], "rows"> },
  keys: readonly RowKey[],
): Promise<ReadonlyMap<RowKey, Row>> {
  const values = await context.store.rows(keys);
  const rows = new Map<RowKey, Row>();
  for (let at = 0; at < keys.length; at++) {
    const row = values[at];
    if (row !== undefined) rows.set(keys[at]!, row);
  }
  return rows;
}

/** Gives each new draft its stamp: after the last one seen in its conversation, whatever the clock says. */
function stampDrafts(
  context: TurnContext,
  fold: Fold,
  rows: ReadonlyMap<RowKey, Row>,
  drafts: readonly Draft[],
): { readonly operations: readonly Operation[]; readonly results: readonly AppendResult[] } {
  const wallMs = context.clock.wallMs();
  const known = new Map<string, OrderKey | null>();
  const last = new Map<RowKey, Stamp | null>();
  const operations: Operation[] = [];
  const results = drafts.map((draft): AppendResult => {
    const messageRow = draft.body.kind === "message" ? rows.get(messageRowKey(draft.id)) : undefined;
    if (messageRow !== undefined && messageIsHere(messageRow)) {
      return { appended: false, order: orderOfMessage(draft.id, messageRow) };
    }
    const earlier = draft.body.kind === "message" ? known.get(draft.id) : undefined;
    if (earlier !== undefined) return { appended: false, order: earlier };
    let { stamp } = draft;
    // What is taken in has its stamp, and moves no clock.
    if (stamp === null) {
      const register = fold.clockKey(draft.body);
      stamp = nextStamp(wallMs, last.get(register) ?? lastStampIn(rows, register));
      last.set(register, stamp);
    }
    const order: OrderKey = { stamp, id: draft.id };
    known.set(draft.id, order);
    operations.push({ ...draft, stamp });
    return { appended: true, order };
  });
  return { operations, results };
}

function lastStampIn(rows: ReadonlyMap<RowKey, Row>, register: RowKey): Stamp | null {
  const row = rows.get(register);
  return row === undefined ? null : lastStampOf(register, row);
}

function sealInto(
  context: TurnContext,
  logClass: LogClass,
  operations: readonly Operation[],
  sealing: { readonly kind: EntryKind; readonly key: Uint8Array },
): Sealed {
  const { account, self } = context;
  const log = logIdOf({ account, device: self, incarnation: currentIncarnation(context), logClass });
  const known = context.ledger.tips.get(log);
  const from = known?.head.length ?? 0;
  const logNumber = context.store.numberOf(log);
  const takenInMs = context.clock.wallMs();
  const entries: BatchEntry[] = [];
  const placed: PlacedOperation[] = [];
  for (const [offset, operation] of operations.entries()) {
    const position = from + offset;
    const { entry, contentHash } = context.sealer.seal({
      operation,
      place: { account, log, position },
      logDevice: self,
      kind: sealing.kind,
      key: sealing.key,
    });
    entries.push(entry);
    const own = { operation, contentHash, place: { logNumber, position }, takenInMs };
    placed.push(withNamedPlaces(own, context.store.numberOf));
  }
  const { batch, state } = appendEntries(context, log, known, entries);
  return { log, state, placed, write: { state, from, entries, leaves: batch.leaves, nodes: batch.nodes } };
}

/** One signature for the whole append. */
export function appendEntries(
  context: TurnContext,
  log: LogId,
  known: LogState | undefined,
  entries: readonly BatchEntry[],
): { readonly batch: VerifiedBatch; readonly state: LogState } {
  const appended = LogAppender.at(known).append(leavesOf(entries));
  const { length, root, peaks } = appended.next;
  const head = signHead(context.signingKey, { account: context.account, log, length, root });
  const batch = batchOfAppend(appended, head, entries);
  return { batch, state: withHeld(adopt(known, head, peaks), rangeOf(batch.from, length)) };
}

/**
 * A revocation, a fence, an epoch or an incarnation may stand in what is lost: whoever sealed or signed without knowing it might do so
 * for a device that was removed, or into logs that are not written any more.
 */
export function requireWhole({ ledger }: Pick<TurnContext, "ledger">, settles: boolean): void {
  if (ledger.lost.size === 0 && (settles || !ledger.isUnsettled)) return;
  throw new EngineError(
    "STORE_DAMAGED",
    "what says which devices the account has is damaged here, so this device writes nothing",
    {
      remedy:
        "Let another device of yours run on this network, or run `kinlog connect ADDRESS`: it brings that again. Where no other device has it, link this machine anew with `kinlog link` there and `kinlog join CODE --name NAME --dir NEW` here.",
    },
  );
}

/** The highest opened so far; 0 before the first `open-log`. */
export function currentIncarnation(context: TurnContext): number {
  if (context.ledger.tips.size === 0) return 0;
  return context.book.view.devices.get(context.self)?.incarnations.at(-1) ?? 0;
}

function sealingKind(context: TurnContext): { readonly kind: EntryKind; readonly key: Uint8Array } | null {
  const epoch = context.keys.sealingEpoch(context.book.view);
  const key = epoch === null ? undefined : context.keys.key(epoch);
  if (epoch === null || key === undefined) return null;
  return { kind: { version: ENTRY_VERSION, flags: 0, epoch }, key };
}
