/**
 * The generations of the content key: who holds each, which are newest, and under which to seal.
 * Spec: docs/spec/membership.md, "Epochs". Tests: test/unit/membership/epochs.test.ts.
 */
import type { ControlId, DeviceId, EpochId } from "../base/ids.ts";
import { isBefore, type Placed } from "./causality.ts";
import { addTo } from "./multimap.ts";
import type { BodyOf, EpochView, MemberView, Wrap } from "./types.ts";

type AddressedWrap = Wrap & { readonly by: ControlId };

/** An entry that counts, its body known. */
export interface Counted<Kind extends "admit" | "epoch"> {
  readonly placed: Placed;
  readonly body: BodyOf<Kind>;
}

export interface EpochSituation {
  /** Those that count, ancestors first; of entries that announce one epoch only the first stands here. */
  readonly announced: readonly Counted<"epoch">[];
  /** Those that count, ancestors first. */
  readonly admissions: readonly Counted<"admit">[];
  readonly active: readonly DeviceId[];
  /** By revoked device: the revocations that count. */
  readonly revocations: ReadonlyMap<DeviceId, readonly Placed[]>;
}

export function viewEpochs(
  situation: EpochSituation,
): Pick<MemberView, "epochs" | "tips" | "sealing" | "custody" | "wrapsFor"> {
  const { announced } = situation;
  const entries = new Map(announced.map(({ placed, body }) => [body.epoch, placed]));
  const carried = new Set<EpochId>();
  for (const { placed, body } of announced) {
    for (const tip of body.tips) {
      // Only what the entry knows can be carried by it, so that no two epochs carry each other.
      const entry = entries.get(tip);
      if (entry !== undefined && isBefore(entry, placed)) carried.add(tip);
    }
  }
  const recipients = listRecipients(situation);
  const epochs = new Map<EpochId, EpochView>();
  for (const { placed, body } of announced.toSorted((a, b) => (a.body.epoch < b.body.epoch ? -1 : 1))) {
    const { epoch, custody, tips } = body;
    epochs.set(epoch, {
      epoch,
      custody,
      author: placed.entry.author,
      tips,
      recipients: recipients.get(epoch)!,
      isFit: isExactlyFor(recipients.get(epoch)!, situation.active) && isAfterAll(placed, situation),
    });
  }
  const tips = [...epochs.keys()].filter((epoch) => !carried.has(epoch));
  const sealing = tips.find((tip) => epochs.get(tip)!.isFit) ?? null;
  const wraps = listWraps(situation);
  return {
    epochs,
    tips,
    sealing,
    custody: custodyOf(sealing === null ? tips : [sealing], epochs),
    wrapsFor: (device) => wraps.get(device) ?? [],
  };
}

/**
 * Who wrote an epoch knows its key, whether or not it names itself: else a device could prepare the epoch that is sealed
 * under once it is revoked.
 */
function listRecipients({
  announced,
  admissions,
}: EpochSituation): ReadonlyMap<EpochId, ReadonlySet<DeviceId>> {
  const recipients = new Map<EpochId, Set<DeviceId>>();
  for (const { placed, body } of announced) {
    recipients.set(
      body.epoch,
      new Set([placed.entry.author, ...body.recipients.map(({ device }) => device)]),
    );
  }
  for (const { body } of admissions) {
    for (const epoch of body.epochs) recipients.get(epoch)?.add(body.device);
  }
  return recipients;
}

function isExactlyFor(recipients: ReadonlySet<DeviceId>, active: readonly DeviceId[]): boolean {
  return active.length > 0 && recipients.size === active.length && active.every((one) => recipients.has(one));
}

/** Nothing is sealed under what was made before a device was revoked, whoever is said to have received it (threat T4). */
function isAfterAll(epoch: Placed, { revocations }: EpochSituation): boolean {
  return [...revocations.values()].every((own) => own.some((revocation) => isBefore(revocation, epoch)));
}

/** In doubt the stricter promise: where any of them is local, what comes next is. */
function custodyOf(epochs: readonly EpochId[], views: ReadonlyMap<EpochId, EpochView>): EpochView["custody"] {
  return epochs.some((epoch) => views.get(epoch)?.custody === "local") ? "local" : "synced";
}

function listWraps({
  announced,
  admissions,
}: EpochSituation): ReadonlyMap<DeviceId, readonly AddressedWrap[]> {
  const wraps = new Map<DeviceId, AddressedWrap[]>();
  for (const { placed, body } of announced) {
    for (const { device, sealed } of body.recipients) {
      if (sealed !== null) addTo(wraps, device, { epoch: body.epoch, sealed, by: placed.entry.id });
    }
  }
  for (const { placed, body } of admissions) {
    for (const wrap of body.wraps) addTo(wraps, body.device, { ...wrap, by: placed.entry.id });
  }
  return wraps;
}
