/**
 * The devices of an account: which are members, with which key to receive secrets, and what ended those that are not.
 * Spec: docs/spec/membership.md, "Devices". Tests: test/unit/membership/members.test.ts.
 */
import { equalBytes } from "../base/bytes.ts";
import type { ControlId, DeviceId } from "../base/ids.ts";
import { isBefore, type ControlLog, type Placed } from "./causality.ts";
import { isForked } from "./history.ts";
import type { Judgement } from "./judgement.ts";
import { firstEntryOf } from "./objections.ts";
import type { BodyOf, MemberDevice } from "./types.ts";

/** All that are or were members, ascending. */
export function listDevices(judgement: Judgement): ReadonlyMap<DeviceId, MemberDevice> {
  const devices = new Map<DeviceId, MemberDevice>();
  for (const [device, logs] of judgement.history.logs) {
    const admission = admissionOf(device, judgement);
    const body = admission?.entry.operation.body;
    if (admission === undefined || (body?.kind !== "admit" && body?.kind !== "genesis")) continue;
    const isVouchedFor = body.kind === "admit" && admission.entry.operation.rootSignature === null;
    devices.set(device, {
      device,
      openKey: body.openKey,
      state: stateOf(device, judgement),
      admittedBy: isVouchedFor ? admission.entry.author : null,
      incarnations: logs.filter(isOpened).map(({ incarnation }) => incarnation),
    });
  }
  return devices;
}

/**
 * Why an admission that its author was free to make says nothing all the same; null where it counts. The first such
 * admission made its device a member.
 */
export function objectionToAdmission(
  placed: Placed,
  { device, openKey }: BodyOf<"admit">,
  judgement: Judgement,
  devices: ReadonlyMap<DeviceId, MemberDevice>,
): string | null {
  const revocations = judgement.revocations.get(device) ?? [];
  if (revocations.some((revocation) => !isBefore(placed, revocation))) return "it admits a revoked key";
  const own = devices.get(device);
  return own === undefined || equalBytes(own.openKey, openKey)
    ? null
    : "another open key stands for the device";
}

/** By device that is no member, or no longer: what revoked it, or else what ended whoever admitted it first. Ascending. */
export function listEndings(
  judgement: Judgement,
  devices: ReadonlyMap<DeviceId, MemberDevice>,
): ReadonlyMap<DeviceId, readonly ControlId[]> {
  const admitters = new Map<DeviceId, DeviceId>();
  for (const { entry } of judgement.history.order) {
    const { body } = entry.operation;
    if (body.kind === "admit" && !admitters.has(body.device)) admitters.set(body.device, entry.author);
  }
  const endings = new Map<DeviceId, readonly ControlId[]>();
  for (const [device, revocations] of judgement.revocations) {
    endings.set(device, revocations.map(({ entry }) => entry.id).toSorted());
  }
  for (const device of judgement.history.logs.keys()) {
    if (devices.has(device)) continue;
    const chain = new Set<DeviceId>();
    let end: DeviceId | undefined = device;
    while (end !== undefined && !endings.has(end) && !chain.has(end))
      end = admitters.get(chain.add(end) && end);
    const found = end === undefined ? undefined : endings.get(end);
    if (found !== undefined) for (const ended of chain) endings.set(ended, found);
  }
  return endings;
}

/** Its three logs are in use. A log that is forked from its start was opened on one of its branches. */
export function isOpened(log: ControlLog): boolean {
  return isForked(log) || log.entries.some(({ entry }) => opens(entry.operation.body, log));
}

function opens(body: { readonly kind: string; readonly incarnation?: number }, log: ControlLog): boolean {
  return body.kind === "open-log" && body.incarnation === log.incarnation;
}

/** What made the device a member: its own first entry says which admission it knows; else the phrase's, else the first. */
function admissionOf(device: DeviceId, judgement: Judgement): Placed | undefined {
  const { genesis } = judgement.history;
  if (genesis?.entry.author === device) return genesis;
  const admissions = judgement.admissions.get(device) ?? [];
  const first = firstEntryOf(judgement.history, device);
  const known = admissions.filter(
    (placed) => first !== undefined && (placed === first || isBefore(placed, first)),
  );
  const candidates = known.length > 0 ? known : admissions;
  return candidates.find(({ entry }) => entry.operation.rootSignature !== null) ?? candidates[0];
}

function stateOf(device: DeviceId, judgement: Judgement): MemberDevice["state"] {
  if (judgement.revocations.has(device)) return "revoked";
  return judgement.isSuspended(device) ? "suspended" : "active";
}
