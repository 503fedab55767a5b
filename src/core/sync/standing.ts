/**
 * What the peer is to this device's members, and what it may therefore have. Who is no active member gets control logs only, and
 * not for long: a newcomer needs them to become known, a revoked device to learn of it.
 * docs/spec/sync.md, "Strangers to the membership". Tests: test/unit/sync/session-members.test.ts.
 */
import type { DeviceId, LogId } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import type { MemberView } from "../membership/types.ts";

const STRANGER_MS = 10_000;
const STRANGER_BYTES = 1024 * 1024;

export class Standing {
  readonly #view: { readonly members: MemberView };
  readonly #peer: DeviceId;
  #kind: "active" | "revoked" | "stranger";
  #until = Infinity as MonotonicMs;
  /** Bytes exchanged before the peer ceased to be a member. */
  #bytesBefore = 0;

  constructor(view: { readonly members: MemberView }, peer: DeviceId, now: MonotonicMs) {
    this.#view = view;
    this.#peer = peer;
    this.#kind = this.#find();
    if (!this.isActive) this.#until = (now + STRANGER_MS) as MonotonicMs;
  }

  get isActive(): boolean {
    return this.#kind === "active";
  }

  get isRevoked(): boolean {
    return this.#kind === "revoked";
  }

  /** When a peer that is no active member has had its time. */
  get wakeAt(): MonotonicMs {
    return this.#until;
  }

  get reason(): "revoked" | "not-a-member" {
    return this.isRevoked ? "revoked" : "not-a-member";
  }

  /** After the members have changed. `bytes` is what was exchanged so far. True where the peer has become active. */
  resolve(now: MonotonicMs, bytes: number): boolean {
    const wasActive = this.isActive;
    this.#kind = this.#find();
    if (this.isActive) {
      this.#until = Infinity as MonotonicMs;
      return !wasActive;
    }
    if (wasActive) {
      this.#until = (now + STRANGER_MS) as MonotonicMs;
      this.#bytesBefore = bytes;
    }
    return false;
  }

  mayShare(log: LogId): boolean {
    const owner = this.#view.members.logs.get(log);
    return owner !== undefined && (this.isActive || owner.logClass === "control");
  }

  /** True where `bytes`, exchanged so far, are more than a stranger may cost. */
  isOverBudget(bytes: number): boolean {
    return !this.isActive && bytes - this.#bytesBefore > STRANGER_BYTES;
  }

  #find(): "active" | "revoked" | "stranger" {
    const state = this.#view.members.devices.get(this.#peer)?.state;
    return state === "active" || state === "revoked" ? state : "stranger";
  }
}
