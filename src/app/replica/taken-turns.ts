/**
 * Turns for what comes from peers: verified batches, adopted heads, and what waited for a key. What cannot be
 * opened is kept and proved all the same.
 */
import type { LogId } from "../../core/base/ids.ts";
import { assert, EngineError } from "../../core/base/errors.ts";
import { extendFromBatch, verifyExtension } from "../../core/log/extension.ts";
import { contains, NO_RANGES, type Range, type Ranges, rangeOf, subtract } from "../../core/log/ranges.ts";
import { adopt, prefixLengthWith, withHeld } from "../../core/log/state.ts";
import { mergeRanges, nodesOf, perfectNodeCount, perfectNodes, rootOf } from "../../core/log/tree.ts";
import type { Place } from "../../core/log/rows.ts";
import type { LogState, VerifiedBatch } from "../../core/log/types.ts";
import type { LogWrite } from "../../core/sync/ports.ts";
import type { Adoption } from "../../core/sync/types.ts";
import { takenBack } from "./taking-back.ts";
import { foldPieces, NOTHING_FOLDED, type Piece } from "./fold-pieces.ts";
import { encodePlaces, withoutPlaces } from "./ledger.ts";
import { META, VIEW_UNFINISHED } from "./meta-names.ts";
import { ownersMeta } from "./own-turns.ts";
import type { TurnContext } from "./turn-context.ts";
import type { Turn } from "./turn.ts";

/** Entries that one turn reads to fold what waited for a key: 64 MiB where all are as large as entries can be. */
const UNLOCK_ENTRIES_MAX = 256;

/** Null where all of it is here already and the head is known. */
export async function prepareIngest(
  context: TurnContext,
  given: VerifiedBatch,
  adoption: Adoption | null,
): Promise<Turn | null> {
  const { log } = given.head;
  const owner = context.book.view.logs.get(log);
  // It was one of a member when the session took it; the view may have changed since.
  if (owner === undefined) throw new EngineError("NOT_A_MEMBER", "the log is of no member any more");
  const isControl = owner.logClass === "control";
  const batch = isControl ? given : context.erased.strip(given);
  const known = context.ledger.tips.get(log);
  const longer = currentAdoption(context, known, batch, adoption);
  const adopted = longer === null ? known : adopt(known, longer.head, longer.peaks);
  assert(adopted !== undefined, "entries come under a head that is adopted");

  const present = rangesWithPayload(batch);
  const fresh = subtract(present, adopted.held);
  const back = takenBack(context, log, present);
  if (fresh.length === 0 && longer === null && back.isNothing) return null;
  const state = await stateWith(context, adopted, batch, fresh);
  const pieceOf = ({ from, to }: Range): Piece => ({
    owner,
    from,
    entries: batch.entries.slice(from - batch.from, to - batch.from),
  });
  const pieces = fresh.map(pieceOf);
  const writes = [...fresh, ...back.stored].map(pieceOf).map((piece, at): LogWrite => ({
    state,
    from: piece.from,
    entries: piece.entries,
    leaves: batch.leaves.slice(piece.from - batch.from, piece.from - batch.from + piece.entries.length),
    nodes: at === 0 ? [...batch.nodes, ...(longer?.nodes ?? [])] : [],
    twice: isControl,
  }));
  if (writes.length === 0) writes.push({ state, from: 0, entries: [], leaves: [], nodes: batch.nodes });

  const members = isControl && (await takeControl(context, pieces, writes));
  const toFold = [...pieces, ...back.folded.map(pieceOf)];
  const folded = isControl ? NOTHING_FOLDED : await foldPieces(context, toFold);
  const { ledger } = context;
  const lost = withoutPlaces(ledger.lost, (other) => (other === log ? fresh : NO_RANGES));
  const meta = new Map<string, Uint8Array>([
    ...folded.meta,
    ...(isControl ? ownersMeta(context) : []),
    ...(isControl && ledger.lost.size > 0 ? foundMeta(lost) : []),
    ...back.meta,
  ]);
  // What was here before is no news, also where it comes in one batch with what was not.
  const isNews = ({ position }: Place): boolean => contains(fresh, position);
  const changes = folded.changes.filter((change) =>
    change.kind === "message" ? isNews(change.place) : fresh.length > 0,
  );
  return {
    commit: { logs: writes, puts: folded.puts, dels: folded.dels, meta },
    states: [state],
    delta: { heads: [state.head], ranges: new Map([[log, fresh]]) },
    origin: "remote",
    operations: folded.operations.filter(({ place }) => isNews(place)),
    changes,
    members,
    apply: () => {
      folded.apply();
      back.apply();
      if (isControl && ledger.lost.size > 0) {
        ledger.lost = lost;
        ledger.isFoundAgain = lost.size === 0;
      }
    },
  };
}

/** What is still lost. With the last of it the view is to be built again: it may lack the logs of a member. */
function foundMeta(lost: ReadonlyMap<LogId, Ranges>): ReadonlyMap<string, Uint8Array> {
  const meta = new Map<string, Uint8Array>([[META.lost, encodePlaces(lost)]]);
  return lost.size > 0 ? meta : meta.set(META.viewVersion, Uint8Array.of(VIEW_UNFINISHED));
}

/** Null where the head is known, or a longer one is. */
export async function prepareAdoption(context: TurnContext, adoption: Adoption): Promise<Turn | null> {
  const { head, peaks, nodes } = adoption;
  const known = context.ledger.tips.get(head.log);
  // Another was adopted since: the session will see it and compare again.
  if (adoption.from !== (known?.head.length ?? 0)) return null;
  // Of the same length it may be the other history of a forked log.
  if (!isProvedBy(known, adoption)) {
    throw new EngineError("HEAD_UNPROVEN", "the head continues another one than was adopted meanwhile");
  }
  const state = adopt(known, head, peaks);
  return {
    commit: {
      logs: [{ state, from: 0, entries: [], leaves: [], nodes }],
      puts: new Map(),
      dels: new Set(),
      meta: new Map(),
    },
    states: [state],
    delta: { heads: [head], ranges: new Map() },
    origin: "remote",
    operations: [],
    changes: [],
    members: false,
    apply: () => undefined,
  };
}

function isProvedBy(known: LogState | undefined, { from, head, nodes }: Adoption): boolean {
  const proof = nodes.slice(0, perfectNodeCount(from, head.length)).map(([, hash]) => hash);
  return verifyExtension({ knownPeaks: known?.peaks ?? [], m: from, nodes: proof, head }) !== undefined;
}

/** One turn that folds what waited for a key, and where the next one goes on; null at the end of the log. */
export interface Unlocking {
  readonly turn: Turn | null;
  readonly next: number | null;
}

/**
 * Folds entries of a log that waited for a key, from a position on, where their keys are here now. As many as one turn takes: a member can
 * make any number of entries wait, and each may be large.
 */
export async function prepareUnlock(context: TurnContext, log: LogId, from: number): Promise<Unlocking> {
  const owner = context.book.view.logs.get(log);
  const waiting = subtract(context.ledger.locked.get(log) ?? NO_RANGES, rangeOf(0, from));
  if (owner === undefined || waiting.length === 0) return { turn: null, next: null };
  const pieces: Piece[] = [];
  let left = UNLOCK_ENTRIES_MAX;
  let next = from;
  for (const range of waiting) {
    if (left === 0) break;
    next = Math.min(range.to, range.from + left);
    left -= next - range.from;
    for (const { position, entry } of await context.store.entries(log, range.from, next)) {
      if (entry.kind.epoch !== null && context.keys.has(entry.kind.epoch))
        pieces.push({ owner, from: position, entries: [entry] });
    }
  }
  const isAtEnd = next === waiting.at(-1)!.to;
  return { turn: await unlockTurn(context, log, pieces), next: isAtEnd ? null : next };
}

async function unlockTurn(context: TurnContext, log: LogId, pieces: readonly Piece[]): Promise<Turn | null> {
  if (pieces.length === 0) return null;
  const opened = pieces.map(({ from }) => ({ from, to: from + 1 }));
  const locked = withoutPlaces(context.ledger.locked, (other) => (other === log ? opened : NO_RANGES));
  const folded = await foldPieces(context, pieces, locked);
  return {
    commit: { logs: [], puts: folded.puts, dels: folded.dels, meta: folded.meta },
    states: [],
    delta: { heads: [], ranges: new Map() },
    origin: "remote",
    operations: folded.operations,
    changes: folded.changes,
    members: false,
    apply: folded.apply,
  };
}

/**
 * The head to adopt with the batch, decided by what is known now: a session decided by what was known to it, and of two heads that continue
 * one, or are of one length, another session may have brought the other since. Null where the head is known, or a longer one is.
 */
function currentAdoption(
  { ledger }: TurnContext,
  known: LogState | undefined,
  batch: VerifiedBatch,
  adoption: Adoption | null,
): Adoption | null {
  const knownLength = known?.head.length ?? 0;
  if (adoption === null && batch.head.length <= knownLength && ledger.proved.use(batch.head)) return null;
  const verdict = extendFromBatch({ known, batch });
  switch (verdict.kind) {
    case "known":
      ledger.proved.remember(batch.head);
      return null;
    case "longer":
      return { from: knownLength, head: batch.head, peaks: verdict.peaks, nodes: [] };
    case "needs-proof":
      throw new EngineError("HEAD_UNPROVEN", "the head waits for a proof that it continues another");
    case "fork":
      throw new EngineError("LOG_FORKED", "a head contradicts the one that was adopted meanwhile");
  }
}

/** Adds control entries to the book and takes the keys that come with them; true where any was new. */
async function takeControl(
  context: TurnContext,
  pieces: readonly Piece[],
  writes: readonly LogWrite[],
): Promise<boolean> {
  let came = false;
  for (const [at, { owner, from, entries }] of pieces.entries()) {
    if (context.book.add(owner, from, entries, writes[at]!.leaves)) came = true;
  }
  if (came) await context.keys.absorb(context.book.view);
  return came;
}

/** Positions of the batch that count as taken in: without a payload only where it was erased for good. */
function rangesWithPayload(batch: VerifiedBatch): Ranges {
  let begin: number | null = null;
  const all: Range[] = [];
  for (const [offset, entry] of batch.entries.entries()) {
    const position = batch.from + offset;
    if (entry.state !== "absent") begin ??= position;
    else if (begin !== null) {
      all.push({ from: begin, to: position });
      begin = null;
    }
  }
  if (begin !== null) all.push({ from: begin, to: batch.from + batch.entries.length });
  return all;
}

async function stateWith(
  context: TurnContext,
  adopted: LogState,
  batch: VerifiedBatch,
  fresh: Ranges,
): Promise<LogState> {
  const prefix = prefixLengthWith(adopted, fresh);
  if (prefix === adopted.prefix.length || prefix === adopted.head.length) return withHeld(adopted, fresh);
  return withHeld(adopted, fresh, await prefixRoot(context, batch, prefix));
}

/** The root at the end of the hole-free part: from the batch as far as it reaches, from the store beyond. */
async function prefixRoot(
  context: TurnContext,
  batch: VerifiedBatch,
  length: number,
): Promise<LogState["prefix"]["root"]> {
  const to = Math.min(length, batch.from + batch.leaves.length);
  assert(to >= batch.from, "the prefix grows by this batch");
  const leaves = batch.leaves.slice(0, to - batch.from);
  const left = { from: 0, to: batch.from, hashes: batch.left };
  const upTo = mergeRanges(left, { from: batch.from, to, hashes: nodesOf(leaves, batch.from) });
  if (to === length) return rootOf(upTo, length);
  const hashes = await context.store.nodes(batch.head.log, perfectNodes(to, length));
  assert(hashes !== undefined, "what is held can be proved");
  return rootOf(mergeRanges({ from: 0, to, hashes: upTo }, { from: to, to: length, hashes }), length);
}
