/** Re-hashes everything against the signed heads, and fetches again what does not match, where a sibling has it. */
import type { LogId } from "../../core/base/ids.ts";
import { countOf, type Ranges, subtract } from "../../core/log/ranges.ts";
import type { Replica } from "../replica/replica.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { OnProgress, VerifyResult } from "./types.ts";

/** How long fetching again may take without any progress before what is left counts as lost. */
const REPAIR_STALLS_MS = 30_000;
const PROGRESS_EVERY_MS = 250;

export async function verifyAll(
  replica: Replica,
  network: NodeNetwork | null,
  options: { readonly repair: boolean; readonly onProgress: OnProgress | undefined },
): Promise<VerifyResult> {
  const total = [...replica.frontier.values()].reduce((sum, { held }) => sum + countOf(held), 0);
  const { clock, store } = replica.ports;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const tell = (done: number): void => {
    if (clock.monotonicMs() - toldAtMs < PROGRESS_EVERY_MS && done < total) return;
    toldAtMs = clock.monotonicMs();
    options.onProgress?.({ what: "verify", done, total });
  };
  const bad = new Map<LogId, Ranges>();
  let entries = 0;
  for (const log of replica.frontier.keys()) {
    const before = entries;
    const result = await replica.writer.exclusive(() =>
      store.verify({ log, forgetBad: options.repair, onProgress: (checked) => tell(before + checked) }),
    );
    entries += result.entries;
    if (result.bad.length > 0) bad.set(log, result.bad);
  }
  const badCount = [...bad.values()].reduce((sum, ranges) => sum + countOf(ranges), 0);
  if (!options.repair || badCount === 0)
    return { entries, bad: badCount, repaired: 0, lost: options.repair ? 0 : badCount };

  await replica.reload();
  network?.peers.restart();
  const lost = await waitForRepair(replica, network, bad);
  return { entries, bad: badCount, repaired: badCount - lost, lost };
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
