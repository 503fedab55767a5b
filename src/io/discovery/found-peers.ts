/**
 * Which of what answers say is told, and how often: one forged answer must not make this device connect to strangers, and a
 * thousand of them must not drown the true ones (threats N5, N6).
 * Spec: docs/spec/discovery.md. Tests: test/unit/discovery/found-peers.test.ts.
 */
import type { FoundPeer } from "../../core/sync/ports.ts";
import type { AnnouncedAddress, Announcement } from "./answers.ts";
import type { LinkPlace } from "./link-places.ts";
import { Pace } from "./pace.ts";
import { isLinkLocal6, isLoopbackHost, isPrivateHost, Subnets } from "./subnets.ts";

/** Every new peer costs dials: so many are told of, with so many addresses each. */
const ADDRESSES_PER_PEER_MAX = 4;
const NEW_PER_MINUTE_PER_TAG = 60;
const NEW_PER_MINUTE_PER_SENDER = 20;
const MINUTE_MS = 60_000;

/** A peer that was told of is told of again, but not for each packet of one answer. */
const TOLD_MAX = 256;
const TELL_GAP_MS = 200;

export class FoundPeers {
  readonly #allowLoopback: boolean;
  readonly #monotonicMs: () => number;
  readonly #newPerTag: Pace;
  readonly #newPerSender: Pace;
  readonly #told = new Map<string, number>();
  #subnets = new Subnets([]);

  constructor(
    { allowLoopback }: { readonly allowLoopback: boolean },
    monotonicMs: () => number = () => performance.now(),
  ) {
    this.#allowLoopback = allowLoopback;
    this.#monotonicMs = monotonicMs;
    this.#newPerTag = new Pace({ max: NEW_PER_MINUTE_PER_TAG, windowMs: MINUTE_MS }, monotonicMs);
    this.#newPerSender = new Pace({ max: NEW_PER_MINUTE_PER_SENDER, windowMs: MINUTE_MS }, monotonicMs);
  }

  setPlaces(places: readonly LinkPlace[]): void {
    this.#subnets = new Subnets(places.flatMap(({ addresses }) => addresses));
  }

  isAllowed(host: string): boolean {
    return isPrivateHost(host) || (this.#allowLoopback && isLoopbackHost(host));
  }

  /** What to tell of an announcement heard from `sender` on the interface `zone`; undefined for nothing. */
  take(
    { tag, transportId, addresses }: Announcement,
    { sender, zone }: { readonly sender: string; readonly zone: string },
  ): FoundPeer | undefined {
    const reachable = addresses
      .filter(({ host }) => this.isAllowed(host) && this.#subnets.contains(host))
      .slice(0, ADDRESSES_PER_PEER_MAX)
      .map((address) => toMultiaddrText(address, zone));
    const peer = { tag, transportId, addresses: reachable };
    return reachable.length > 0 && this.#mayTell(peer, sender) ? peer : undefined;
  }

  #mayTell({ tag, transportId, addresses }: FoundPeer, sender: string): boolean {
    const key = [tag, transportId, ...addresses].join(" ");
    const now = this.#monotonicMs();
    const toldAt = this.#told.get(key);
    if (toldAt !== undefined && now - toldAt < TELL_GAP_MS) return false;
    if (toldAt === undefined) {
      if (!this.#newPerSender.allows(sender) || !this.#newPerTag.allows(tag)) return false;
      if (this.#told.size >= TOLD_MAX) this.#told.delete(this.#told.keys().next().value ?? "");
    }
    this.#told.set(key, now);
    return true;
  }
}

/** A link-local address means something only together with the interface that it was heard on. */
function toMultiaddrText({ host, port, transportId }: AnnouncedAddress, zone: string): string {
  const family = host.includes(":") ? "ip6" : "ip4";
  const prefix = isLinkLocal6(host) ? `/ip6zone/${zone}` : "";
  return `${prefix}/${family}/${host}/tcp/${port}/p2p/${transportId}`;
}
