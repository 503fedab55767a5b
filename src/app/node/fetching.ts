/**
 * Brings payloads of messages back that were evicted here, from devices that keep them. Tests: test/integration/app/keeping.test.ts.
 */
import type { LogId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { NO_RANGES, rangeOf, type Ranges, union } from "../../core/log/ranges.ts";
import { common, countIn, without } from "../../core/sync/promises.ts";
import type { Place } from "../../core/log/rows.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";
import { untilNoneLeft } from "./until-none-left.ts";

/** How long nothing need come before the next device is asked, and in the end what is left is given up. */
const PATIENCE_MS = 10_000;
/** However much comes: a slow network brings a message in less, and who sends one now and then keeps nobody waiting for days. */
const LONGEST_MS = 60_000;
const LONGEST_MS_EACH = 100;

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
  const missing = (): RangesByLog => common(wanted, ledger.evicted);
  const left = (): number => countIn(missing());
  const { askingBack } = network;
  askingBack.begin(wanted);
  await untilNoneLeft({
    clock: ports.clock,
    left,
    next: () => askingBack.nextChange(),
    patienceMs: PATIENCE_MS,
    longestMs: LONGEST_MS + total * LONGEST_MS_EACH,
    isOver: () => !askingBack.isUnderWay(missing()),
    onSilence: () => askingBack.passOver(missing()),
  });
  askingBack.end(wanted);
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
  for (const { place } of await inbox.findMessages(ids)) {
    const { logNumber, position } = place;
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
