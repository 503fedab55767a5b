/**
 * The turn that takes payloads off the disk. Erases what was named and nothing else: where another entry stands than the purge says, it stays.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/erasing.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import { leavesOf, withoutPayload } from "../../core/log/header.ts";
import { contains } from "../../core/log/ranges.ts";
import type { BodilessEntry } from "../../core/log/types.ts";
import type { PurgeView } from "../../core/membership/types.ts";
import type { StoredEntry } from "../../core/sync/ports.ts";
import type { TurnContext } from "./turn-context.ts";
import { quietTurn, type Turn } from "./turn.ts";

/** Entries of one commit. */
const ENTRIES_MAX = 1_000;
/** Entries read at once: 16 MiB where all are as large as entries can be. */
const READ_MAX = 64;

type Named = PurgeView["entries"][number];

/** One turn, and where the next one goes on; null at the end of what is named. */
export interface EraseStep {
  readonly turn: Turn | null;
  readonly next: number | null;
}

export async function prepareErase(
  context: TurnContext,
  entries: PurgeView["entries"],
  from: number,
): Promise<EraseStep> {
  const to = Math.min(entries.length, from + ENTRIES_MAX);
  const bodiless = new Map<LogId, Map<number, BodilessEntry>>();
  for (let at = from; at < to; at += READ_MAX) {
    const named = entries.slice(at, Math.min(to, at + READ_MAX)).filter((each) => isHere(context, each));
    for (const [index, stored] of (await readNamed(context, named)).entries()) {
      const { log, position, leaf } = named[index]!;
      if (stored === undefined || stored.entry.state === "purged") continue;
      if (!equalBytes(leavesOf([stored.entry])[0]!, leaf)) continue;
      const ofLog = bodiless.get(log) ?? new Map<number, BodilessEntry>();
      bodiless.set(log, ofLog.set(position, withoutPayload(stored.entry, "purged")));
    }
  }
  return {
    turn: bodiless.size === 0 ? null : quietTurn({ bodiless }),
    next: to < entries.length ? to : null,
  };
}

/** Control entries say who may do what; no member takes one away, not from its own log either. */
function isHere({ ledger, book }: TurnContext, { log, position }: Named): boolean {
  const held = ledger.tips.get(log)?.held;
  const isControl = book.owns(log) || book.view.logs.get(log)?.logClass === "control";
  return held !== undefined && !isControl && contains(held, position);
}

/** What is damaged is left out: verifying forgets it, and what is fetched in its place comes without payload. */
async function readNamed(
  context: Pick<TurnContext, "store">,
  named: readonly Named[],
): Promise<readonly (StoredEntry | undefined)[]> {
  const { store } = context;
  const places = named.map(({ log, position }) => ({ logNumber: store.numberOf(log), position }));
  try {
    return await store.entriesAt(places);
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    if (places.length === 1) return [undefined];
    const found: (StoredEntry | undefined)[] = [];
    for (const each of named) found.push(...(await readNamed(context, [each])));
    return found;
  }
}
