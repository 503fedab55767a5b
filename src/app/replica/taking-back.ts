/**
 * Payloads that were evicted here and come again: stored where somebody asked for them, else only folded, where the view was built again without
 * them. Rules: docs/spec/storage.md, "Evicted payloads". Tests: test/integration/app/keeping.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { intersect, NO_RANGES, type Ranges, subtract, union } from "../../core/log/ranges.ts";
import { without } from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { encodePlaces } from "./ledger.ts";
import { META } from "./meta-names.ts";
import type { TurnContext } from "./turn-context.ts";

/** What of a batch is taken back. */
interface TakenBack {
  readonly isNothing: boolean;
  /** Whose payloads are stored again. */
  readonly stored: Ranges;
  /** Which the view lacks. */
  readonly folded: Ranges;
  readonly meta: ReadonlyMap<string, Uint8Array>;
  readonly apply: () => void;
}

/** `present` are the positions of a batch that came with their payloads. */
export function takenBack({ ledger }: TurnContext, log: LogId, present: Ranges): TakenBack {
  const stored = intersect(present, ledger.wantedBack.get(log) ?? NO_RANGES);
  const folded = intersect(present, ledger.unfolded.get(log) ?? NO_RANGES);
  // Also what damage took away after it was evicted, and what now comes as if for the first time.
  const held = ledger.tips.get(log)?.held ?? NO_RANGES;
  const known = intersect(ledger.evicted.get(log) ?? NO_RANGES, present);
  const whole = union(stored, subtract(known, held));
  const evicted = without(ledger.evicted, placesOf(log, whole));
  const unfolded = without(ledger.unfolded, placesOf(log, folded));
  const meta = new Map<string, Uint8Array>();
  if (intersect(known, whole).length > 0) meta.set(META.evicted, encodePlaces(evicted));
  if (folded.length > 0) meta.set(META.unfolded, encodePlaces(unfolded));
  return {
    isNothing: stored.length === 0 && folded.length === 0,
    stored,
    folded,
    meta,
    apply: () => {
      ledger.evicted = evicted;
      ledger.unfolded = unfolded;
      ledger.wantedBack = without(ledger.wantedBack, placesOf(log, stored));
    },
  };
}

function placesOf(log: LogId, ranges: Ranges): RangesByLog {
  return new Map([[log, ranges]]);
}
