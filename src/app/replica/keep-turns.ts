/**
 * Turns about keeping: a promise given or taken back, payloads evicted against the promises of others. All of them pass through the one
 * writer, so nothing is evicted that is promised at that moment. Rules: docs/spec/sync.md, "Keeping". Tests: test/integration/app/keeping.test.ts.
 */
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import { withoutPayload } from "../../core/log/header.ts";
import {
  countOf,
  intersect,
  NO_RANGES,
  type Range,
  type Ranges,
  rangeOf,
  setOf,
  subtract,
} from "../../core/log/ranges.ts";
import type { MemberView } from "../../core/membership/types.ts";
import type { StoredEntry } from "../../core/sync/ports.ts";
import {
  common,
  countIn,
  NOTHING,
  type Promises,
  promisedBy,
  unite,
  without,
  withinLimits,
  withPromise,
} from "../../core/sync/promises.ts";
import type { RangesByLog } from "../../core/sync/types.ts";
import { encodePlaces } from "./ledger.ts";
import { META } from "./meta-names.ts";
import { readableEntries } from "./readable-entries.ts";
import type { TurnContext } from "./turn-context.ts";
import { quietTurn, type Turn } from "./turn.ts";

/** Entries that one of these turns reads at most: 64 MiB where all are as large as entries can be. */
const KEEP_ENTRIES_MAX = 256;

/** In pieces of so many positions as one turn reads. */
export function piecesOf(all: Ranges): readonly Ranges[] {
  const pieces: Ranges[] = [];
  let piece: Range[] = [];
  let room = KEEP_ENTRIES_MAX;
  for (const { from, to } of all) {
    for (let at = from; at < to;) {
      const end = Math.min(to, at + room);
      piece.push(...rangeOf(at, end));
      room -= end - at;
      at = end;
      if (room > 0) continue;
      pieces.push(piece);
      piece = [];
      room = KEEP_ENTRIES_MAX;
    }
  }
  if (countOf(piece) > 0) pieces.push(piece);
  return pieces;
}

/** A turn with what it comes to, once it is durable. */
export interface Prepared<Result> {
  readonly turn: Turn | null;
  readonly result: Result;
}

export function isActive(members: MemberView, device: DeviceId): boolean {
  return members.devices.get(device)?.state === "active";
}

/** Promises to a device what can be promised of `asked`: at most `KEEP_ENTRIES_MAX` positions of one log. */
export async function prepareGrant(
  context: TurnContext,
  device: DeviceId,
  log: LogId,
  asked: Ranges,
): Promise<Prepared<{ readonly promised: Ranges; readonly refused: Ranges }>> {
  const { ledger, book } = context;
  const given = ledger.given.get(device) ?? NOTHING;
  const whole = isActive(book.view, device) ? await presentIn(context, log, asked) : NO_RANGES;
  const promised = withinLimits(given, new Map([[log, whole]])).get(log) ?? NO_RANGES;
  const result = { promised, refused: subtract(asked, promised) };
  // What was promised and is not here any more, since damage took it or a purge, is said so and binds no more.
  const kept = without(given, placesOf(log, result.refused));
  const isSame =
    countIn(kept) === countIn(given) && subtract(promised, given.get(log) ?? NO_RANGES).length === 0;
  if (isSame) return { turn: null, result };
  const after = withPromise(ledger.given, device, unite(kept, placesOf(log, promised)));
  return { turn: givenTurn(context, device, after), result };
}

/** The device relies on these no more. */
export function prepareRelease(
  context: TurnContext,
  device: DeviceId,
  released: RangesByLog,
): Prepared<void> {
  const given = context.ledger.given.get(device) ?? NOTHING;
  if (common(given, released).size === 0) return { turn: null, result: undefined };
  const after = withPromise(context.ledger.given, device, without(given, released));
  return { turn: givenTurn(context, device, after), result: undefined };
}

/** A promise of the device is broken, or not needed any more: it is not relied on from here on. What of `places` was. */
export function prepareForsake(
  context: TurnContext,
  device: DeviceId,
  places: RangesByLog,
): Prepared<RangesByLog> {
  const relied = context.ledger.relied.get(device) ?? NOTHING;
  const lost = common(relied, places);
  if (lost.size === 0) return { turn: null, result: NOTHING };
  const after = withPromise(context.ledger.relied, device, without(relied, lost));
  return { turn: reliedTurn(context, new Set([device]), after), result: lost };
}

/** Another device keeps what was evicted here before. */
export function prepareRely(
  context: TurnContext,
  device: DeviceId,
  places: RangesByLog,
): Prepared<RangesByLog> {
  const { ledger, book } = context;
  const relied = ledger.relied.get(device) ?? NOTHING;
  const more = isActive(book.view, device) ? without(common(places, ledger.evicted), relied) : NOTHING;
  if (more.size === 0) return { turn: null, result: NOTHING };
  const after = withPromise(ledger.relied, device, unite(relied, more));
  return { turn: reliedTurn(context, new Set([device]), after), result: more };
}

export interface Evicted {
  /** Evicted now. */
  readonly evicted: RangesByLog;
  /** Kept, since this device has promised them itself. */
  readonly bound: RangesByLog;
}

/**
 * Evicts those of at most `KEEP_ENTRIES_MAX` positions of one log that an active device has promised, and that this device has promised nobody.
 * `promises` are those that came in this run.
 */
export async function prepareEvict(
  context: TurnContext,
  wanted: { readonly log: LogId; readonly ranges: Ranges; readonly promises: Promises },
): Promise<Prepared<Evicted>> {
  const { ledger, book } = context;
  const { log, ranges, promises } = wanted;
  const counts = (device: DeviceId): boolean => isActive(book.view, device);
  const promised = promisedBy(promises, counts).get(log) ?? NO_RANGES;
  const given = promisedBy(ledger.given, counts).get(log) ?? NO_RANGES;
  const bound = intersect(intersect(ranges, promised), given);
  const free = subtract(intersect(ranges, promised), given);
  const stored = await readWhole(context, log, free);
  const found = stored.filter(({ entry }) => entry.state === "present");
  const evicted = positionsOf(found);
  const result = { evicted: placesOf(log, evicted), bound: placesOf(log, bound) };
  if (evicted.length === 0) return { turn: null, result };
  let relied = ledger.relied;
  let left = evicted;
  const changed = new Set<DeviceId>();
  for (const [device, places] of promises) {
    const taken = counts(device) ? intersect(left, places.get(log) ?? NO_RANGES) : NO_RANGES;
    if (taken.length === 0) continue;
    left = subtract(left, taken);
    changed.add(device);
    relied = withPromise(relied, device, unite(relied.get(device) ?? NOTHING, placesOf(log, taken)));
  }
  const after = unite(ledger.evicted, result.evicted);
  const turn = reliedTurn(context, changed, relied);
  return {
    turn: {
      ...turn,
      commit: {
        ...turn.commit,
        bodiless: new Map([
          [log, new Map(found.map(({ position, entry }) => [position, withoutPayload(entry, "absent")]))],
        ]),
        meta: new Map([...turn.commit.meta, [META.evicted, encodePlaces(after)]]),
      },
      apply: () => {
        turn.apply();
        ledger.evicted = after;
        ledger.wantedBack = without(ledger.wantedBack, result.evicted);
      },
    },
    result,
  };
}

async function presentIn(context: TurnContext, log: LogId, ranges: Ranges): Promise<Ranges> {
  const held = context.ledger.frontier.get(log)?.held ?? NO_RANGES;
  const stored = await readWhole(context, log, intersect(ranges, held));
  return positionsOf(stored.filter(({ entry }) => entry.state === "present"));
}

/** What cannot be read is not there: it is neither promised nor evicted. */
async function readWhole(context: TurnContext, log: LogId, ranges: Ranges): Promise<readonly StoredEntry[]> {
  const found: StoredEntry[] = [];
  for (const { from, to } of ranges) found.push(...(await readableEntries(context.store, log, from, to)));
  return found;
}

function positionsOf(stored: readonly StoredEntry[]): Ranges {
  return setOf(stored.map(({ position }) => position));
}

function placesOf(log: LogId, ranges: Ranges): RangesByLog {
  return ranges.length === 0 ? NOTHING : new Map([[log, ranges]]);
}

function givenTurn({ ledger }: TurnContext, device: DeviceId, after: Promises): Turn {
  const turn = quietTurn({ meta: promisesMeta(META.keptFor, new Set([device]), after) });
  return {
    ...turn,
    apply: () => {
      ledger.given = after;
    },
  };
}

function reliedTurn({ ledger }: TurnContext, devices: ReadonlySet<DeviceId>, after: Promises): Turn {
  const turn = quietTurn({ meta: promisesMeta(META.keptBy, devices, after) });
  return {
    ...turn,
    apply: () => {
      ledger.relied = after;
    },
  };
}

function promisesMeta(
  name: string,
  devices: ReadonlySet<DeviceId>,
  after: Promises,
): ReadonlyMap<string, Uint8Array | null> {
  return new Map(
    [...devices].map((device) => {
      const places = after.get(device);
      return [`${name}${device}`, places === undefined ? null : encodePlaces(places)] as const;
    }),
  );
}
