/**
 * How a device meets its siblings: last good addresses first, then mDNS, again and again while one is missing. Decides whom to dial and
 * when; sessions run in peers.ts. Rules: engine, sections 4 and 5; docs/spec/discovery.md.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer, MonotonicMs } from "../../core/base/ports.ts";
import { discoveryTag } from "../../core/crypto/discovery.ts";
import type { ByteStream, Discovery, FoundPeer, Net } from "../../core/sync/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { Dialler, transportIdOf } from "./dialler.ts";
import type { PeerSession } from "./peer-session.ts";
import type { Peers } from "./peers.ts";
import { SYNC_PROTOCOL } from "./run-handshake.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** So close to the border of an hour the neighbour's tag is answered and asked for too: clocks differ. */
const BORDER_MS = 600_000;
/** Missing peers are looked for this often at first, for five minutes, and then once a minute. */
const EAGER_EVERY_MS = 2_000;
const EAGER_FOR_MS = 300_000;
const PATIENT_EVERY_MS = 60_000;
/** A transport identity that led to no member is left alone for a while; not long, since a busy member looks the same. */
const SHUN_MS = 10_000;
const SHUNNED_MAX = 64;
/** Remembered of one peer. */
const ADDRESSES_MAX = 4;

interface Search {
  readonly sinceMs: number;
  cancel: CancelTimer | null;
}

export class Meeting {
  readonly #replica: Replica;
  readonly #peers: Peers;
  readonly #net: Net;
  readonly #discovery: Discovery | null;
  readonly #addresses = new Map<DeviceId, readonly string[]>();
  readonly #onAddresses: (peer: DeviceId, addresses: readonly string[]) => void;
  readonly #searches = new Map<DeviceId, Search>();
  /** When the last session with each peer began. */
  readonly #metAtMs = new Map<DeviceId, MonotonicMs>();
  readonly #dialler: Dialler;
  readonly #shunned = new Map<string, number>();
  readonly #timers = new Set<CancelTimer>();
  /** Tags beside those of the hour: one while a link code is open. */
  readonly #extraTags = new Set<string>();
  #announced = "";
  #closed = false;

  constructor(input: {
    readonly replica: Replica;
    readonly peers: Peers;
    readonly net: Net;
    readonly discovery: Discovery | null;
    /** Good addresses from before this start. */
    readonly remembered: ReadonlyMap<DeviceId, readonly string[]>;
    /** Told of good addresses, to be kept. */
    readonly onAddresses: (peer: DeviceId, addresses: readonly string[]) => void;
  }) {
    this.#replica = input.replica;
    this.#peers = input.peers;
    this.#net = input.net;
    this.#discovery = input.discovery;
    this.#onAddresses = input.onAddresses;
    this.#dialler = new Dialler(input.net, input.replica.ports.clock);
    for (const [peer, addresses] of input.remembered) this.#addresses.set(peer, addresses.map(placeOf));
  }

  /** Listens, announces, and looks for everyone who is missing. */
  async start(): Promise<void> {
    this.#net.handle(SYNC_PROTOCOL, (stream) => {
      this.#background(this.#peers.run(stream));
    });
    this.#net.onNetworkChange(() => this.#background(this.#networkChanged()));
    this.#discovery?.onFound((found) => this.#found(found));
    await this.#announce();
    this.#every(DAY_MS, () => this.renew());
    // The tags follow the hour.
    this.#every(MINUTE_MS, () => this.#announce());
    this.lookForAll();
  }

  /** Begins, or begins anew, the search for every active device without a session. */
  lookForAll(): void {
    for (const { device, state } of this.#replica.members.devices.values()) {
      if (device === this.#replica.self || state !== "active") continue;
      if (this.#peers.session(device) === undefined) this.look(device);
    }
    this.#discovery?.askSoon();
  }

  /**
   * Looks for one peer from now on, until a new session with it stands. After a session that ended as soon as it began, not at once: what
   * ended it may end the next one too, and two devices would meet as fast as the network goes. Only active devices are looked for.
   */
  look(peer: DeviceId): void {
    if (this.#closed || !this.#isActive(peer)) return;
    this.#searches.get(peer)?.cancel?.();
    const { clock } = this.#replica.ports;
    const search: Search = { sinceMs: clock.monotonicMs(), cancel: null };
    this.#searches.set(peer, search);
    const metAtMs = this.#metAtMs.get(peer);
    const waitMs = metAtMs === undefined ? 0 : metAtMs + EAGER_EVERY_MS - clock.monotonicMs();
    if (waitMs <= 0) this.#step(peer, search);
    else search.cancel = clock.after(waitMs, () => this.#step(peer, search));
  }

  /** The session with the peer has proved to be alive: no other one is looked for. */
  recovered(peer: DeviceId): void {
    if (this.#peers.session(peer) === undefined) return;
    this.#searches.get(peer)?.cancel?.();
    this.#searches.delete(peer);
  }

  /** A session with the peer stands. */
  met(session: PeerSession): void {
    this.#searches.get(session.peer)?.cancel?.();
    this.#searches.delete(session.peer);
    // Of strangers nothing is remembered: whoever knows an earlier discovery key can be any number of them.
    if (!this.#isActive(session.peer)) return;
    this.#metAtMs.set(session.peer, this.#replica.ports.clock.monotonicMs());
    if (!session.stream.initiator) return;
    const known = this.#addresses.get(session.peer) ?? [];
    const good = placeOf(session.stream.peerAddress);
    this.#remember(session.peer, [good, ...known.filter((address) => address !== good)]);
  }

  /** Dials by hand: any address, any peer of the account. Rejects as `Net.dial` and `Peers.run` do. */
  async connect(address: string, timeoutMs: number): Promise<PeerSession | null> {
    const stream = await this.#net.dial(address, SYNC_PROTOCOL, timeoutMs);
    return this.#peers.run(stream, "manual");
  }

  /** A fresh transport identity, and everyone is looked for under it. */
  async renew(): Promise<void> {
    await this.#net.renew();
    await this.#announce();
  }

  /** Answers to one more tag, until the returned function is called. */
  async answerAlso(tag: string): Promise<() => Promise<void>> {
    this.#extraTags.add(tag);
    await this.#announce();
    return async () => {
      this.#extraTags.delete(tag);
      await this.#announce();
    };
  }

  /** After membership or keys changed: other tags, other peers to look for. */
  membersChanged(): void {
    this.#background(this.#announce());
    // Who turned out to be a member while its session stood.
    for (const session of this.#peers.sessions) if (!this.#metAtMs.has(session.peer)) this.met(session);
    for (const { device, state } of this.#replica.members.devices.values()) {
      const known = this.#searches.has(device) || this.#peers.session(device) !== undefined;
      if (device !== this.#replica.self && state === "active" && !known) this.look(device);
    }
  }

  close(): void {
    this.#closed = true;
    for (const search of this.#searches.values()) search.cancel?.();
    for (const cancel of this.#timers) cancel();
    this.#net.handle(SYNC_PROTOCOL, null);
  }

  #isActive(peer: DeviceId): boolean {
    return this.#replica.members.devices.get(peer)?.state === "active";
  }

  #step(peer: DeviceId, search: Search): void {
    if (this.#closed) return;
    if (!this.#isActive(peer)) {
      this.#searches.delete(peer);
      return;
    }
    const { clock } = this.#replica.ports;
    void this.#dial(this.#addresses.get(peer) ?? [], peer);
    this.#discovery?.askOnce();
    const eager = clock.monotonicMs() - search.sinceMs < EAGER_FOR_MS;
    search.cancel = clock.after(eager ? EAGER_EVERY_MS : PATIENT_EVERY_MS, () => this.#step(peer, search));
  }

  #found({ transportId, addresses }: FoundPeer): void {
    const session = this.#peers.sessions.find(({ stream }) => stream.peerAddress.endsWith(transportId));
    // A suspect session stands still: its peer is looked for, so its answers are welcome.
    if (this.#closed || (session !== undefined && !this.#searches.has(session.peer))) return;
    void this.#dial(addresses, null);
  }

  /** `peer` is whom the addresses led to before; then a failure is no reason to shun them. */
  async #dial(addresses: readonly string[], peer: DeviceId | null): Promise<void> {
    const now = this.#replica.ports.clock.monotonicMs();
    const allowed = addresses.filter((address) => (this.#shunned.get(transportIdOf(address)) ?? 0) <= now);
    let reached = "";
    const run = (stream: ByteStream): Promise<unknown> => {
      reached = placeOf(stream.peerAddress);
      return this.#peers.run(stream);
    };
    try {
      await this.#dialler.dialFirst(allowed, SYNC_PROTOCOL, run);
    } catch (error) {
      this.#expected(error);
      if (!isEngineError(error, "NOT_A_MEMBER")) return;
      if (peer === null) this.#shun(transportIdOf(addresses[0]!), now + SHUN_MS);
      else this.#demote(peer, reached);
    }
  }

  /** Somebody else is there now: the other addresses go first from here on. */
  #demote(peer: DeviceId, stranger: string): void {
    const known = this.#addresses.get(peer) ?? [];
    if (!known.includes(stranger)) return;
    this.#remember(peer, [...known.filter((address) => address !== stranger), stranger]);
  }

  #remember(peer: DeviceId, addresses: readonly string[]): void {
    const few = addresses.slice(0, ADDRESSES_MAX);
    this.#addresses.set(peer, few);
    this.#onAddresses(peer, few);
  }

  #shun(transportId: string, untilMs: number): void {
    if (this.#shunned.size >= SHUNNED_MAX) this.#shunned.delete(this.#shunned.keys().next().value!);
    this.#shunned.set(transportId, untilMs);
  }

  /** Tells discovery the tags of this hour, and comes back when they change. */
  async #announce(): Promise<void> {
    if (this.#discovery === null || this.#closed) return;
    const { clock } = this.#replica.ports;
    const wallMs = clock.wallMs();
    const hour = Math.floor(wallMs / HOUR_MS);
    const intoHourMs = wallMs - hour * HOUR_MS;
    const hours = [hour];
    if (intoHourMs < BORDER_MS) hours.push(hour - 1);
    if (intoHourMs > HOUR_MS - BORDER_MS) hours.push(hour + 1);
    const keys = this.#replica.keys.discoveryKeys(this.#replica.members);
    const tags = keys.flatMap((key) => hours.map((each) => discoveryTag(key, each)));
    const state = {
      answer: [...tags, ...this.#extraTags],
      ask: tags,
      transportId: this.#net.transportId(),
      addresses: this.#net.addresses(),
    };
    const summary = JSON.stringify(state);
    if (summary === this.#announced) return;
    this.#announced = summary;
    await this.#discovery.update(state);
  }

  async #networkChanged(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.renew();
    } catch (error) {
      // Without a network there is nothing to renew on; the next change, or the next day, tries again.
      this.#expected(error);
    }
    for (const { device, state } of this.#replica.members.devices.values()) {
      if (device !== this.#replica.self && state === "active") this.look(device);
    }
  }

  #every(periodMs: number, run: () => Promise<void>): void {
    const cancel = this.#replica.ports.clock.after(periodMs, () => {
      this.#timers.delete(cancel);
      if (this.#closed) return;
      this.#background(run().finally(() => this.#every(periodMs, run)));
    });
    this.#timers.add(cancel);
  }

  /** Work that nobody waits for. */
  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#expected(error));
  }

  /** A stream that came to nothing is everyday life; anything else is a fault of ours. */
  #expected(error: unknown): void {
    if (!isEngineError(error)) throw error;
  }
}

/** Where the peer was, under whatever transport identity: that one is another after its next start. */
function placeOf(address: string): string {
  const at = address.indexOf("/p2p/");
  return at < 0 ? address : address.slice(0, at);
}
