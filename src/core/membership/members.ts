/**
 * Questions to a resolved view. Decides nothing: the resolver has.
 * Tests: test/unit/membership/members.test.ts.
 */
import type { ControlId, DeviceId, LogId } from "../base/ids.ts";
import { INCARNATIONS_MAX } from "./body-codec.ts";
import type { LogOwner, MemberDevice, MemberView } from "./types.ts";

/** Whether sessions with the device go on. A suspended device is a member: it needs others to come out of it. */
export function isMember(view: MemberView, device: DeviceId): boolean {
  const state = view.devices.get(device)?.state;
  return state === "active" || state === "suspended";
}

/** Those that seal, are sealed for, and decide; ascending. */
export function activeDevices(view: MemberView): readonly MemberDevice[] {
  return [...view.devices.values()].filter(({ state }) => state === "active");
}

/** Undefined for a log that is neither asked for nor accepted. */
export function ownerOf(view: MemberView, log: LogId): LogOwner | undefined {
  return view.logs.get(log);
}

/** How many of the first `length` entries of a log are accepted; 0 for a log that is not. */
export function acceptedLength(view: MemberView, log: LogId, length: number): number {
  const owner = view.logs.get(log);
  if (owner === undefined) return 0;
  return owner.cut === null ? length : Math.min(length, owner.cut.length);
}

/** The incarnation that the device opens next; undefined where it is unknown or has used up all of them. */
export function nextIncarnation(view: MemberView, device: DeviceId): number | undefined {
  const own = view.devices.get(device);
  if (own === undefined) return undefined;
  const next = (own.incarnations.at(-1) ?? -1) + 1;
  return next < INCARNATIONS_MAX ? next : undefined;
}

/**
 * The entries that prove to a device that it is no member any more: what revoked it, or what ended whoever admitted it.
 * Empty for members and strangers. They and their ancestors are what a revoked device may still learn.
 */
export function revokingEntries(view: MemberView, device: DeviceId): readonly ControlId[] {
  return view.revocations.get(device) ?? [];
}
