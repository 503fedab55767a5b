/**
 * A node's side towards its siblings: sessions, the search for them, what is remembered of them, and whether all is in sync.
 * Decides nothing about bytes; tells the library what changed. Absent in a node that was opened without a network.
 */
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import type { Fork } from "../../core/log/fork.ts";
import { contains, countOf, NO_RANGES, type Ranges, subtract } from "../../core/log/ranges.ts";
import type { Place } from "../../core/log/rows.ts";
import type { Discovery, Net } from "../../core/sync/ports.ts";
import { NOTHING } from "../../core/sync/promises.ts";
import { activeDevices } from "../../core/membership/members.ts";
import type { Replica } from "../replica/replica.ts";
import { Meeting } from "../sessions/meeting.ts";
import { Peers, type PeersListener } from "../sessions/peers.ts";
import { CatchingUp } from "./catching-up.ts";
import { AskingBack } from "./asking-back.ts";
import { Keeping } from "./keeping.ts";
import type { NewEvent } from "./event-hub.ts";
import type { PeerMemory } from "./peer-memory.ts";
import type { PeerStatus, StoredWhere } from "./types.ts";

export interface NodeNetworkParts {
  readonly replica: Replica;
  readonly memory: PeerMemory;
  readonly net: Net;
  readonly discovery: Discovery | null;
  readonly emit: (event: NewEvent) => void;
  readonly nameOf: (device: DeviceId) => string;
  /** So many entries a peer has just taken from here, or has told of. */
  readonly onTaken: (entries: number) => void;
  /** A session has met, or was shown, two heads that contradict each other. */
  readonly onFork: (fork: Fork) => void;
  /** A device does not keep what it promised, and nobody else has promised these. */
  readonly onBroken: (device: DeviceId, entries: number) => void;
  readonly mayPromise: () => boolean;
}

export class NodeNetwork {
  readonly peers: Peers;
  readonly keeping: Keeping;
  readonly askingBack: AskingBack;
  readonly meeting: Meeting;
  readonly net: Net;
  readonly discovery: Discovery | null;
  readonly #replica: Replica;
  readonly #memory: PeerMemory;
  readonly #emit: (event: NewEvent) => void;
  readonly #nameOf: (device: DeviceId) => string;
  readonly #waiters = new Set<() => void>();
  readonly #catchingUp: CatchingUp;

  constructor(input: NodeNetworkParts) {
    const { replica, memory, net, discovery, emit, nameOf } = input;
    this.#replica = replica;
    this.#memory = memory;
    this.#emit = emit;
    this.#nameOf = nameOf;
    this.net = net;
    this.discovery = discovery;
    this.peers = new Peers(replica, this.#listener(input));
    this.keeping = new Keeping({
      replica,
      sessions: () => this.peers.sessions,
      onBroken: input.onBroken,
      mayPromise: input.mayPromise,
    });
    this.askingBack = new AskingBack({
      replica,
      sessions: () => this.peers.sessions,
      acked: (peer) => this.peers.acked(peer),
    });
    this.#catchingUp = new CatchingUp({
      // What has just become durable may not be counted by the planner yet.
      missing: () => (replica.complete() ? 0 : this.peers.missing()),
      emit,
      now: () => replica.ports.clock.monotonicMs(),
    });
    this.meeting = new Meeting({
      replica,
      peers: this.peers,
      net,
      discovery,
      remembered: memory.addresses(),
      onAddresses: (peer, addresses) => memory.setAddresses(peer, addresses),
    });
    for (const device of replica.members.devices.keys()) this.peers.remember(device, memory.of(device).acked);
    replica.subscribe(({ members, origin }) => {
      if (members) this.meeting.membersChanged();
      if (members) this.keeping.membersChanged();
      if (origin === "remote") this.#catchingUp.advanced();
      this.#changed();
    });
  }

  get others(): readonly DeviceId[] {
    return activeDevices(this.#replica.members)
      .map(({ device }) => device)
      .filter((device) => device !== this.#replica.self);
  }

  /** No other device, or at least one connected and every connected one holds exactly what is held here. */
  inSync(): boolean {
    if (this.others.length === 0) return true;
    const { sessions } = this.peers;
    return sessions.length > 0 && sessions.every((session) => session.equal) && this.#replica.complete();
  }

  /** True while so much is missing that each message is no news of its own. */
  isCatchingUp(): boolean {
    return this.#catchingUp.isRunning;
  }

  /** Entries that a device has not acknowledged; null where it was never met. */
  missingThere(device: DeviceId): number | null {
    const acked = this.peers.acked(device);
    if (acked.size === 0 && this.#memory.of(device).lastSeenMs === null) return null;
    let missing = 0;
    for (const [log, { held }] of this.#replica.frontier)
      missing += countOf(subtract(held, acked.get(log) ?? NO_RANGES));
    return missing;
  }

  status(): readonly PeerStatus[] {
    return this.others.map((device) => {
      const session = this.peers.session(device);
      return {
        device,
        name: this.#nameOf(device),
        online: session !== undefined,
        via: session?.via ?? null,
        inSync: session?.equal ?? false,
        missingHere: this.#missingHere(device),
        missingThere: this.missingThere(device),
      };
    });
  }

  storedOn(place: Place): StoredWhere {
    const log = this.#replica.ports.store.logOf(place.logNumber);
    const { given } = this.#replica.ledger;
    // Whom this device keeps it for has it no more.
    const devices = this.others.filter(
      (device) =>
        holds(this.peers.acked(device), log, place.position) &&
        !holds(given.get(device) ?? NOTHING, log, place.position),
    );
    return {
      here: isHere(this.#replica, place),
      devices: devices.map((device) => this.#nameOf(device)),
      cloud: null,
    };
  }

  /** Resolves at the next change of anything that `inSync` looks at. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  async start(): Promise<void> {
    await this.meeting.start();
  }

  async close(): Promise<void> {
    this.meeting.close();
    this.askingBack.close();
    await this.keeping.close();
    for (const session of this.peers.sessions) this.#seen(session.peer);
    this.peers.close();
    await this.#memory.flush();
    await this.discovery?.close();
    await this.net.close();
    this.#changed();
  }

  #listener({ emit, memory, nameOf, onTaken, onFork }: NodeNetworkParts): PeersListener {
    return {
      connected: (session, isNew) => {
        const { peer } = session;
        this.meeting.met(session);
        this.#seen(peer);
        this.keeping.connected(session);
        this.askingBack.connected(session);
        if (isNew) emit({ event: "peer-connected", device: peer, name: nameOf(peer), via: session.via });
        this.#changed();
      },
      disconnected: (peer) => {
        this.#seen(peer);
        this.keeping.disconnected();
        this.askingBack.changed();
        this.#catchingUp.interrupted();
        emit({ event: "peer-disconnected", device: peer, name: nameOf(peer) });
        this.meeting.look(peer);
        this.#changed();
      },
      suspect: (peer) => this.meeting.look(peer),
      equal: (peer, equal) => {
        if (equal) this.meeting.recovered(peer);
        // After everyone has heard of the turn that made them equal: its messages are told before `synced`.
        if (equal) void Promise.resolve().then(() => this.#reached(peer));
        this.#changed();
      },
      acknowledged: (peer, ranges) => {
        onTaken([...ranges.values()].reduce((sum, some) => sum + countOf(some), 0));
        memory.setAcked(peer, () => this.peers.acked(peer));
        this.#changed();
      },
      evidence: onFork,
      keep: (session, said) => this.keeping.heard(session, said),
      absent: (session, ranges) => this.askingBack.absent(session, ranges),
      dropped: (peer, ranges) => this.keeping.dropped(peer, ranges),
      brought: () => {
        this.keeping.brought();
        this.askingBack.wake();
      },
    };
  }

  #missingHere(device: DeviceId): number | null {
    const acked = this.peers.acked(device);
    if (acked.size === 0 && this.#memory.of(device).lastSeenMs === null) return null;
    let missing = 0;
    for (const [log, has] of acked)
      missing += countOf(subtract(has, this.#replica.frontier.get(log)?.held ?? NO_RANGES));
    return missing;
  }

  #seen(device: DeviceId): void {
    if (!this.#replica.members.devices.has(device)) return;
    this.#memory.setSeen(device, this.#replica.ports.clock.wallMs());
  }

  #reached(peer: DeviceId): void {
    this.#catchingUp.reached(this.inSync());
    this.#synced(peer);
    this.#changed();
  }

  #synced(peer: DeviceId): void {
    const { clock } = this.#replica.ports;
    this.#seen(peer);
    if (!this.inSync()) return;
    this.#memory.setInSync(clock.wallMs());
    this.#emit({ event: "synced", device: peer, fingerprint: this.#replica.fingerprint() });
  }

  #changed(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

/** False where the payload was evicted here. */
export function isHere({ ports, evicted }: Replica, { logNumber, position }: Place): boolean {
  return !holds(evicted, ports.store.logOf(logNumber), position);
}

function holds(acked: ReadonlyMap<LogId, Ranges>, log: LogId | undefined, position: number): boolean {
  return log !== undefined && contains(acked.get(log) ?? NO_RANGES, position);
}
