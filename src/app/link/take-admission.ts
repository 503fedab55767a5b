/**
 * Takes in what a member gave while linking, after checking all of it: every batch against its signed head and its log's name, the
 * account against its genesis, and this device against the members that come of it. Nothing is trusted for who sent it.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { accountIdOf, logIdOf } from "../../core/crypto/derive.ts";
import { verifyBatch } from "../../core/log/batch.ts";
import { extendFromBatch } from "../../core/log/extension.ts";
import type { Batch, VerifiedBatch } from "../../core/log/types.ts";
import { decodeControl, encodeGenesis } from "../../core/membership/operation.ts";
import type { ControlBody, LogOwner } from "../../core/membership/types.ts";
import type { Adoption } from "../../core/sync/types.ts";
import type { Replica } from "../replica/replica.ts";
import type { Admission } from "./link-joiner.ts";

/** @throws EngineError `NOT_A_MEMBER` where what came does not make this device a member of the account. */
export async function takeAdmission(replica: Replica, admission: Admission): Promise<void> {
  if (replica.account !== admission.account) throw notProved("it is of another account");
  const waiting = [...admission.control];
  await takeGenesis(replica, waiting);
  // A log can be checked once it is known whose it is, which another log may say.
  for (let came = true; came && waiting.length > 0;) {
    came = false;
    for (const batch of waiting.slice()) {
      const owner = replica.members.logs.get(batch.head.log);
      if (owner?.logClass !== "control") continue;
      await takeBatch(replica, batch, owner);
      waiting.splice(waiting.indexOf(batch), 1);
      came = true;
    }
  }
  const own = replica.members.devices.get(replica.self);
  if (own?.state !== "active") throw notProved("this device is no member in it");
  if (replica.keys.indexKey === null) throw notProved("it has no key for this device");
}

async function takeGenesis(replica: Replica, waiting: Batch[]): Promise<void> {
  const { account } = replica;
  for (const batch of waiting) {
    const body = firstBody(batch);
    if (body?.kind !== "genesis" || accountIdOf(encodeGenesis(body)) !== account) continue;
    const device: DeviceId = body.device;
    const log = logIdOf({ account, device, incarnation: 0, logClass: "control" });
    if (log !== batch.head.log) continue;
    const owner: LogOwner = { log, device, incarnation: 0, logClass: "control", cut: null };
    const verified = verifyBatch(batch, { account, author: device });
    if (verified === undefined) throw notProved("its first log is not signed as it must be");
    // The book must know the genesis before the writer can ask whose log it is.
    replica.book.add(owner, verified.from, verified.entries, verified.leaves);
    await replica.keys.absorb(replica.members);
    await replica.writer.ingest(verified, adoptionOf(replica, verified));
    waiting.splice(waiting.indexOf(batch), 1);
    return;
  }
  throw notProved("it has no genesis");
}

/** What a log begins with; undefined where that is not in the batch, or nothing that can be read: some member's nonsense is no obstacle. */
function firstBody({ from, entries: [first] }: Batch): ControlBody | undefined {
  if (from !== 0 || first?.state !== "present") return undefined;
  try {
    return decodeControl(first.bytes.slice()).body;
  } catch (error) {
    if (isEngineError(error)) return undefined;
    throw error;
  }
}

async function takeBatch(replica: Replica, batch: Batch, owner: LogOwner): Promise<void> {
  const verified = verifyBatch(batch, { account: replica.account, author: owner.device });
  if (verified === undefined) throw notProved("one of its logs is not signed as it must be");
  await replica.writer.ingest(verified, adoptionOf(replica, verified));
}

function adoptionOf(replica: Replica, batch: VerifiedBatch): Adoption | null {
  const known = replica.frontier.get(batch.head.log);
  const verdict = extendFromBatch({ known, batch });
  if (verdict.kind === "known") return null;
  if (verdict.kind !== "longer") throw notProved("two of its heads do not fit together");
  return { from: known?.head.length ?? 0, head: batch.head, peaks: verdict.peaks, nodes: [] };
}

function notProved(why: string): EngineError {
  return new EngineError("NOT_A_MEMBER", `the other device did not prove the account: ${why}`, {
    remedy: "Nothing was written. Make a new code and try again.",
  });
}
