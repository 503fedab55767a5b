/**
 * Brings payloads of messages back that were evicted here, from devices that keep them. Tests: test/integration/app/keeping.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { NO_RANGES, rangeOf, type Ranges, union } from "../../core/log/ranges.ts";
import { common, countIn, unite, without } from "../../core/sync/promises.ts";
import type { Place } from "../../core/log/rows.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";

/** How long nothing need come before what is left is given up. */
const PATIENCE_MS = 10_000;

/**
 * The messages of these ids, once their payloads are durable here again; how many came.
 *
 * @throws EngineError `NOT_FOUND`, `AMBIGUOUS`; `PEER_UNREACHABLE` where none of what is missing came.
 */
export async function fetchMessages(
  parts: {
    readonly replica: Replica;
    readonly inbox: InboxReader;
    readonly network: NodeNetwork;
    /** Told of what came: the search index may have been made without it. */
    readonly onBack: (places: readonly Place[]) => Promise<void>;
  },
  ids: readonly string[],
): Promise<number> {
  const { replica, inbox, network, onBack } = parts;
  const { ledger, ports } = replica;
  const wanted = common(await placesOf(replica, inbox, ids), ledger.evicted);
  const total = countIn(wanted);
  if (total === 0) return 0;
  ledger.wantedBack = unite(ledger.wantedBack, wanted);
  const asked = network.keeping.fetch(wanted);
  const left = (): number => countIn(common(wanted, ledger.evicted));
  for (let before = asked.size === 0 ? 0 : total + 1, now = left(); now > 0 && now < before; now = left()) {
    before = now;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = ports.clock.after(PATIENCE_MS, resolve);
    await Promise.race([network.keeping.nextBrought(), promise]);
    cancel();
  }
  // Not asked for by itself later: who wants it asks again.
  ledger.wantedBack = without(ledger.wantedBack, wanted);
  const came = total - left();
  if (came > 0) {
    await onBack(placesIn(replica, without(wanted, ledger.evicted)));
    return came;
  }
  throw new EngineError("PEER_UNREACHABLE", "no device that keeps this message is connected", {
    remedy: "Start Kinlog on the device that keeps it, and try again.",
  });
}

async function placesOf(replica: Replica, inbox: InboxReader, ids: readonly string[]): Promise<RangesByLog> {
  const places = new Map<LogId, Ranges>();
  for (const id of ids) {
    const { logNumber, position } = (await inbox.findMessage(id)).place;
    const log = replica.ports.store.logOf(logNumber);
    if (log !== undefined)
      places.set(log, union(places.get(log) ?? NO_RANGES, rangeOf(position, position + 1)));
  }
  return places;
}

function placesIn(replica: Replica, places: RangesByLog): readonly Place[] {
  const all: Place[] = [];
  for (const [log, ranges] of places) {
    const logNumber = replica.ports.store.numberOf(log);
    for (const { from, to } of ranges)
      for (let position = from; position < to; position++) all.push({ logNumber, position });
  }
  return all;
}
