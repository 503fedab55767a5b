/**
 * Re-hashes everything against the signed heads, and fetches again what does not match, where a sibling has it. Looking disturbs nobody;
 * only where something is wrong, writing waits until it has been taken away. Spec: docs/spec/storage.md. Tests: test/integration/app/damage.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { LogId } from "../../core/base/ids.ts";
import { countOf, type Ranges, subtract } from "../../core/log/ranges.ts";
import type { Store } from "../../core/sync/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { beyondRepair } from "./beyond-repair.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { OnProgress, VerifyResult } from "./types.ts";

/** How long fetching again may take without any progress before what is left counts as lost. */
const REPAIR_STALLS_MS = 30_000;
const PROGRESS_EVERY_MS = 250;

export interface VerifyOptions {
  readonly repair: boolean;
  readonly onProgress: OnProgress | undefined;
  /** Waited for now and then: how slow it is to be. */
  readonly pace?: (() => Promise<void>) | undefined;
}

/** What was found wrong. */
interface Damage {
  readonly entries: number;
  readonly bad: ReadonlyMap<LogId, Ranges>;
  /** Rows of any table, and blocks. */
  readonly rows: number;
  /** Rows of the view that are missing or say something else than the logs. */
  readonly wrongRows: number;
}

export async function verifyAll(
  replica: Replica,
  network: NodeNetwork | null,
  { repair, onProgress, pace }: VerifyOptions,
): Promise<VerifyResult> {
  const found = await look(replica, { repair: false, onProgress, pace });
  const { entries } = found;
  if (sizeOf(found) === 0) return { entries, bad: 0, repaired: 0, lost: 0 };
  if (!repair) return { entries, bad: sizeOf(found), repaired: 0, lost: sizeOf(found) };
  const taken = await takeAway(replica);
  network?.peers.restart();
  // Rows that a scrub deleted are missed by nobody the second time; the view was looked at while it changed.
  const bad = Math.max(sizeOf({ ...found, wrongRows: 0 }), sizeOf(taken));
  const lost = await waitForRepair(replica, network, taken.bad);
  return { entries, bad, repaired: bad - lost, lost };
}

/** Takes away what is damaged without a look at all before it. What is missing then comes from siblings, in its own time: `lost`. */
export async function takeAwayAtOnce(replica: Replica, network: NodeNetwork | null): Promise<VerifyResult> {
  const taken = await takeAway(replica);
  network?.peers.restart();
  const bad = sizeOf(taken);
  const lost = countOfAll(taken.bad);
  return { entries: taken.entries, bad, repaired: bad - lost, lost };
}

/** Takes away what is not what was written; the view is built again where rows were damaged. Nothing else is written meanwhile. */
export function takeAway(replica: Replica): Promise<Damage & { readonly rebuildView: boolean }> {
  return replica.repair(async () => {
    const damage = await look(replica, { repair: true, onProgress: undefined });
    const { rows, wrongRows } = damage;
    const isUncertain = replica.ports.store.isSuspect() || replica.isDoubtful;
    return { ...damage, rebuildView: rows + wrongRows > 0 || isUncertain };
  });
}

async function look(replica: Replica, { repair, onProgress, pace }: VerifyOptions): Promise<Damage> {
  const { clock, store } = replica.ports;
  const total = [...replica.frontier.values()].reduce((sum, { held }) => sum + countOf(held), 0);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const tell = (done: number): void => {
    if (clock.monotonicMs() - toldAtMs < PROGRESS_EVERY_MS && done < total) return;
    toldAtMs = clock.monotonicMs();
    onProgress?.({ what: "verify", done, total });
  };
  const slowly = pace === undefined ? {} : { pace };
  // First, since LevelDB compacts tables without looking at their checksums, and then nobody can see a row that a bit has deleted.
  const rows = await scrubbed(replica, { repair, ...slowly });
  const bad = new Map<LogId, Ranges>();
  let entries = 0;
  let worn = 0;
  for (const log of replica.frontier.keys()) {
    const before = entries;
    const onChecked = (checked: number): void => tell(before + checked);
    const twice = replica.book.owns(log);
    const wanted = { log, twice, onProgress: onChecked, ...slowly };
    if (repair && twice) await noteLost(replica, wanted);
    const result = await store.verify({ ...wanted, forgetBad: repair });
    entries += result.entries;
    worn += countOf(result.worn);
    if (result.bad.length > 0) bad.set(log, result.bad);
  }
  // Damaged rows are no news; what they stand for is not asked for by those that are whole.
  const isWhole = rows + worn === 0 && bad.size === 0;
  const wrongRows = isWhole || repair ? await wrongRowsOf(replica, pace) : 0;
  // A second row that is missing was counted by nobody; one that is damaged, by the scrub.
  return { entries, bad, rows: Math.max(rows, worn), wrongRows };
}

/** Before control entries are forgotten it is written down that they are missing. */
async function noteLost(
  replica: Replica,
  wanted: Omit<Parameters<Store["verify"]>[0], "forgetBad">,
): Promise<void> {
  const { bad } = await replica.ports.store.verify({ ...wanted, forgetBad: false });
  if (bad.length > 0) await replica.noteLost(wanted.log, bad);
}

/** A view that cannot be read at some place is wrong there, and is built again as a whole. */
async function wrongRowsOf(replica: Replica, pace?: () => Promise<void>): Promise<number> {
  try {
    return await replica.countWrongRows(pace);
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    return 1;
  }
}

/** How many rows and blocks are damaged. @throws EngineError `STORE_DAMAGED` where whole parts of the database cannot be read. */
async function scrubbed(
  replica: Replica,
  options: { readonly repair: boolean; readonly pace?: () => Promise<void> },
): Promise<number> {
  try {
    return (await replica.ports.store.scrub({ ...options, onProgress: () => undefined })).damaged;
  } catch (error) {
    throw isEngineError(error, "STORE_DAMAGED") ? beyondRepair(error) : error;
  }
}

/** An entry that cannot be read is a row that cannot be read: counted once. */
function sizeOf({ bad, rows, wrongRows }: Omit<Damage, "entries">): number {
  return Math.max(countOfAll(bad), rows, wrongRows);
}

function countOfAll(bad: ReadonlyMap<LogId, Ranges>): number {
  return [...bad.values()].reduce((sum, ranges) => sum + countOf(ranges), 0);
}

/** How many of the bad positions nobody brought. */
async function waitForRepair(
  replica: Replica,
  network: NodeNetwork | null,
  bad: ReadonlyMap<LogId, Ranges>,
): Promise<number> {
  const { clock } = replica.ports;
  const missing = (): number =>
    [...bad].reduce(
      (sum, [log, ranges]) => sum + countOf(subtract(ranges, replica.frontier.get(log)?.held ?? [])),
      0,
    );
  let left = missing();
  let movedAtMs = clock.monotonicMs();
  while (network !== null && left > 0 && clock.monotonicMs() - movedAtMs < REPAIR_STALLS_MS) {
    await Promise.race([network.nextChange(), new Promise<void>((resolve) => clock.after(1_000, resolve))]);
    const now = missing();
    if (now < left) movedAtMs = clock.monotonicMs();
    left = now;
  }
  return left;
}
