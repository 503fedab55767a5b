/**
 * The Discovery port over mDNS: what is asked where and when, what is answered, and which answers count. Which tags, and when
 * they change, the caller says.
 * Spec: docs/spec/discovery.md. Tests: test/integration/discovery, which runs test/contracts/discovery.contract.ts.
 */
import type { ResponsePacket } from "multicast-dns";
import { assert } from "../../core/base/errors.ts";
import type { Entropy } from "../../core/base/ports.ts";
import type { Discovery, FoundPeer } from "../../core/sync/ports.ts";
import {
  ANNOUNCED_ADDRESSES_MAX,
  createAnswer,
  parseAnnouncedAddress,
  readAnswer,
  tagToName,
} from "./answers.ts";
import { FoundPeers } from "./found-peers.ts";
import { findPrimaryAddress, type LibResponder, startLibResponder } from "./lib-responder.ts";
import { findLinkPlaces, type LinkPlace, placeKey } from "./link-places.ts";
import { errorCode, Link, type LinkListener } from "./link.ts";
import { Pace } from "./pace.ts";

const MDNS_PORT = 5353;

/** engine.md, section 5. A lost question is made good by the next. */
const ASK_AT_MS = [0, 1_000, 2_000, 4_000, 8_000] as const;

/** Overlapping rounds do not ask the same twice within this. */
const ASK_GAP_MS = 900;

/** While nothing happens: 6 questions an hour, against 360 of libp2p's default. Threat and budget P14. */
const IDLE_ASK_MS = 600_000;

/** An answer reaches everybody, so another one so soon after tells nobody anything. */
const ANSWER_GAP_MS = 500;

/** @libp2p/mdns answers every question there is; in a flood it rests and this room answers at its own pace. */
const REST_MS = 30_000;
/** A rest is made longer at most this often, since a flood would have it done at each packet. */
const REST_STEP_MS = 1_000;

const PEER_NAME_CHARACTERS = 26;
const PEER_NAME_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

const TAGS_MAX = 32;
const ERRORS_MAX = 32;
const TAG = /^_[a-z0-9]{1,15}$/;

export interface DiscoveryOptions {
  /** Uses the loopback interface and its addresses too: for tests on one machine. */
  readonly allowLoopback?: boolean;
  /** Only these interfaces, by name. */
  readonly interfaces?: readonly string[];
  /** Another port than mDNS's own finds nobody but tests that use it too. */
  readonly port?: number;
  readonly entropy?: Entropy;
}

type State = Parameters<Discovery["update"]>[0];

/** Silent until the first `update` with tags. Interfaces are looked at again at each `update`, `askSoon` and question. */
export function createDiscovery(options: DiscoveryOptions = {}): Promise<Discovery> {
  return Promise.resolve(new MdnsDiscovery(options));
}

class MdnsDiscovery implements Discovery {
  readonly #options: DiscoveryOptions;
  readonly #port: number;
  readonly #allowLoopback: boolean;
  readonly #links = new Map<string, Link>();
  readonly #responders = new Map<string, LibResponder>();
  readonly #foundListeners: ((peer: FoundPeer) => void)[] = [];
  readonly #errors = new Set<string>();
  readonly #answerPace = new Pace({ max: 1, windowMs: ANSWER_GAP_MS });
  readonly #foundPeers: FoundPeers;
  readonly #past = { packetsSeen: 0, packetsSent: 0 };
  #state: State = { answer: [], ask: [], transportId: "", addresses: [] };
  #labels: readonly string[] = [];
  #peerName = "";
  #primary: string | undefined;
  #settling: Promise<void> = Promise.resolve();
  #askTimers: NodeJS.Timeout[] = [];
  #roundsLeft = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #restUntil = Number.NEGATIVE_INFINITY;
  #restTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#port = options.port ?? MDNS_PORT;
    this.#allowLoopback = options.allowLoopback ?? false;
    this.#foundPeers = new FoundPeers({ allowLoopback: this.#allowLoopback });
  }

  readonly update = async (state: State): Promise<void> => {
    if (this.#closed) return;
    const tags = [...new Set([...state.answer, ...state.ask])];
    assert(
      tags.length <= TAGS_MAX && tags.every((tag) => TAG.test(tag)),
      "discovery tags are few and well-formed",
    );
    const isNewIdentity = state.transportId !== this.#state.transportId;
    this.#state = state;
    this.#labels = tags;
    // Fresh with the transport identity: a name that outlived it would tie the two together (threats N1, N2).
    if (isNewIdentity || this.#peerName === "") {
      this.#peerName = createPeerName(this.#options.entropy);
      await this.#stopResponders();
    }
    this.#setIdleTimer();
    await this.#settle();
  };

  readonly askSoon = (): void => {
    if (this.#closed || this.#state.ask.length === 0) return;
    // Called every two seconds while somebody is missing, it asks every two seconds.
    const rounds = this.#roundsLeft > 0 ? ASK_AT_MS.filter((atMs) => atMs !== 1_000) : ASK_AT_MS;
    for (const timer of this.#askTimers) clearTimeout(timer);
    this.#roundsLeft = rounds.length;
    this.#askTimers = rounds.map((afterMs) => setTimeout(this.#askRound, afterMs).unref());
  };

  readonly askOnce = (): void => {
    if (!this.#closed && this.#state.ask.length > 0) void this.#askEverywhere();
  };

  readonly onFound = (listener: (peer: FoundPeer) => void): void => {
    this.#foundListeners.push(listener);
  };

  readonly report: Discovery["report"] = () => {
    const links = [...this.#links.values()];
    const sum = (count: (link: Link) => number): number =>
      links.reduce((total, link) => total + count(link), 0);
    return {
      interfaces: links.map(({ place, joined }) => ({ name: place.name, address: place.address, joined })),
      packetsSeen: this.#past.packetsSeen + sum(({ packetsSeen }) => packetsSeen),
      packetsSent: this.#past.packetsSent + sum(({ packetsSent }) => packetsSent),
      errors: [...this.#errors],
    };
  };

  readonly close = async (): Promise<void> => {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#askTimers) clearTimeout(timer);
    clearInterval(this.#idleTimer);
    clearTimeout(this.#restTimer);
    await this.#settle();
  };

  /** Makes sockets and responders what the state and the interfaces want; one change after the other. */
  #settle(): Promise<void> {
    this.#settling = this.#settling
      .then(() => this.#settleNow())
      // Too many open files, say: `doctor` shows it, and the next look tries again.
      .catch((error: unknown) => this.#listener.onError(`${errorCode(error)} settle`));
    return this.#settling;
  }

  async #settleNow(): Promise<void> {
    const isSilent = this.#closed || this.#labels.length === 0;
    const places = findLinkPlaces({ allowLoopback: this.#allowLoopback, only: this.#options.interfaces });
    const wanted = new Map(isSilent ? [] : places.map((place) => [placeKey(place), place]));
    this.#foundPeers.setPlaces(places);
    for (const [key, link] of this.#links) {
      if (wanted.has(key) && link.joined) continue;
      this.#links.delete(key);
      this.#past.packetsSeen += link.packetsSeen;
      this.#past.packetsSent += link.packetsSent;
      await link.close();
    }
    for (const [key, place] of wanted) {
      if (!this.#links.has(key)) this.#links.set(key, new Link(place, this.#port, this.#listener));
    }
    await Promise.all([...this.#links.values()].map(({ ready }) => ready));
    await this.#settleResponders();
  }

  async #settleResponders(): Promise<void> {
    const primary = await findPrimaryAddress();
    const link = [...this.#links.values()].find(({ place, joined }) => joined && place.address === primary);
    const isResting = performance.now() < this.#restUntil;
    const wanted = new Set(link !== undefined && !isResting && !this.#closed ? this.#state.answer : []);
    if (primary !== this.#primary) await this.#stopResponders();
    this.#primary = primary;
    for (const [tag, responder] of this.#responders) {
      if (wanted.has(tag)) continue;
      this.#responders.delete(tag);
      await responder.stop();
    }
    for (const tag of wanted) {
      if (link === undefined || this.#responders.has(tag)) continue;
      const peerName = this.#peerName;
      const addresses = (): readonly string[] => this.#announced(link.place);
      this.#responders.set(tag, await startLibResponder({ tag, peerName, port: this.#port, addresses }));
    }
  }

  async #stopResponders(): Promise<void> {
    const responders = [...this.#responders.values()];
    this.#responders.clear();
    await Promise.all(responders.map((responder) => responder.stop()));
  }

  #setIdleTimer(): void {
    if (this.#idleTimer !== undefined) return;
    this.#idleTimer = setInterval(() => void this.#askIdly(), IDLE_ASK_MS);
    this.#idleTimer.unref();
  }

  readonly #askRound = (): void => {
    this.#roundsLeft--;
    void this.#askEverywhere();
  };

  async #askEverywhere(): Promise<void> {
    await this.#settle();
    const now = performance.now();
    if (this.#closed || now - this.#askedAt < ASK_GAP_MS) return;
    this.#askedAt = now;
    for (const link of this.#links.values()) link.ask(this.#state.ask, { loop: true });
  }

  /** Once per interface, and not heard on this machine: its own answer would be a packet for nobody. */
  async #askIdly(): Promise<void> {
    await this.#settle();
    if (this.#closed) return;
    const asked = new Set<string>();
    for (const link of this.#links.values()) {
      if (asked.has(link.place.name)) continue;
      asked.add(link.place.name);
      link.ask(this.#state.ask, { loop: false });
    }
  }

  readonly #listener: LinkListener = {
    labels: () => this.#labels,
    onQuery: (link, names) => this.#answer(link, names),
    onAnswer: (link, packet, sender) => this.#take(link, packet, sender),
    onFlood: () => this.#rest(),
    onError: (code) => {
      if (this.#errors.size < ERRORS_MAX) this.#errors.add(code);
    },
  };

  #answer(link: Link, names: readonly string[]): void {
    for (const tag of this.#state.answer) {
      if (!names.includes(tagToName(tag))) continue;
      const isAnswered =
        link.place.address === this.#primary && names[0] === tagToName(tag) && this.#responders.has(tag);
      if (isAnswered || !this.#answerPace.allows(`${tag} ${placeKey(link.place)}`)) continue;
      const addresses = this.#announced(link.place);
      if (addresses.length > 0) link.answer(createAnswer({ tag, peerName: this.#peerName, addresses }));
    }
  }

  /**
   * What is said about this device on one interface: that interface's addresses only. Those of the others reach nobody here,
   * and some of them (a VPN's, a container bridge's) stay the same from network to network (threat N2).
   */
  #announced(place: LinkPlace): readonly string[] {
    const own = new Set(place.addresses.map(({ address }) => address));
    return this.#state.addresses
      .filter((text) => {
        const host = parseAnnouncedAddress(text)?.host;
        return host !== undefined && own.has(host) && this.#foundPeers.isAllowed(host);
      })
      .slice(0, ANNOUNCED_ADDRESSES_MAX);
  }

  #take(link: Link, packet: ResponsePacket, sender: string): void {
    const announcement = readAnswer(packet, this.#state.ask);
    if (announcement === undefined || announcement.transportId === this.#state.transportId) return;
    link.heardPeer(sender);
    const peer = this.#foundPeers.take(announcement, { sender, zone: link.place.zone });
    if (peer === undefined) return;
    for (const listener of this.#foundListeners) listener(peer);
  }

  /** Called for each packet of a flood. */
  #rest(): void {
    const now = performance.now();
    if (this.#restUntil - now > REST_MS - REST_STEP_MS) return;
    const isResting = now < this.#restUntil;
    this.#restUntil = now + REST_MS;
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => void this.#settle(), REST_MS + ASK_GAP_MS);
    this.#restTimer.unref();
    if (!isResting) void this.#settle();
  }
}

function createPeerName(entropy: Entropy | undefined): string {
  const bytes =
    entropy?.bytes(PEER_NAME_CHARACTERS) ?? crypto.getRandomValues(new Uint8Array(PEER_NAME_CHARACTERS));
  return Array.from(bytes, (byte) => PEER_NAME_ALPHABET[byte % PEER_NAME_ALPHABET.length]).join("");
}
