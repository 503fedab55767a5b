/**
 * The Discovery port without mDNS: questions and answers between the hosts of a MemoryHub, in virtual time, some of them lost.
 * Whom a partition keeps apart, it keeps from finding each other.
 * Tests: test/unit/doubles/memory-discovery.test.ts, which runs test/contracts/discovery.contract.ts.
 */
import { assert } from "../../src/core/base/errors.ts";
import type { Clock, CancelTimer } from "../../src/core/base/ports.ts";
import type { Discovery, FoundPeer } from "../../src/core/sync/ports.ts";
import { parseAnnouncedAddress } from "../../src/io/discovery/answers.ts";
import { isPrivateHost } from "../../src/io/discovery/subnets.ts";
import type { Random } from "./random.ts";
import type { MemoryHub, MemoryNet } from "./memory-net.ts";

/** As in src/io/discovery. */
const ASK_AT_MS = [0, 1_000, 2_000, 4_000, 8_000] as const;
const IDLE_ASK_MS = 600_000;
/** Whoever misses several peers asks once for all of them. */
const ASK_GAP_MS = 900;
const ADDRESSES_PER_PEER_MAX = 4;

export interface MemoryLanOptions {
  readonly hub: MemoryHub;
  readonly clock: Clock;
  readonly random: Random;
  readonly delayMsMax: number;
  /** Of questions and of answers, each for each receiver. */
  readonly lossPercent: number;
}

interface ReadAddress {
  readonly transportId: string;
  readonly isPrivate: boolean;
}

export class MemoryLan {
  readonly options: MemoryLanOptions;
  readonly #members = new Set<MemoryDiscovery>();
  readonly #addresses = new Map<string, ReadAddress | undefined>();

  constructor(options: MemoryLanOptions) {
    this.options = options;
  }

  /** `net` says where on the network this discovery stands. */
  createDiscovery(net: MemoryNet): Discovery {
    const member = new MemoryDiscovery(this, net);
    this.#members.add(member);
    return member;
  }

  /** To everybody who is reached, each after a delay of its own. */
  multicast(from: MemoryDiscovery, receive: (member: MemoryDiscovery) => void): void {
    const { hub, clock, random, delayMsMax, lossPercent } = this.options;
    for (const member of this.#members) {
      if (member === from || random.chance(lossPercent)) continue;
      clock.after(random.between(0, delayMsMax), () => {
        if (this.#members.has(member) && !hub.isCut(from.net, member.net)) receive(member);
      });
    }
  }

  /** Of an announced address what decides over it. Every host hears each of them many times. */
  read(text: string): ReadAddress | undefined {
    if (this.#addresses.has(text)) return this.#addresses.get(text);
    const address = parseAnnouncedAddress(text);
    const read =
      address === undefined
        ? undefined
        : { transportId: address.transportId, isPrivate: isPrivateHost(address.host) };
    this.#addresses.set(text, read);
    return read;
  }

  remove(member: MemoryDiscovery): void {
    this.#members.delete(member);
  }
}

class MemoryDiscovery implements Discovery {
  readonly net: MemoryNet;
  readonly #lan: MemoryLan;
  readonly #listeners: ((peer: FoundPeer) => void)[] = [];
  #state: Parameters<Discovery["update"]>[0] = { answer: [], ask: [], transportId: "", addresses: [] };
  #timers: CancelTimer[] = [];
  #cancelIdle: CancelTimer | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #seen = 0;
  #sent = 0;
  #closed = false;

  constructor(lan: MemoryLan, net: MemoryNet) {
    this.#lan = lan;
    this.net = net;
  }

  readonly update = (state: Parameters<Discovery["update"]>[0]): Promise<void> => {
    this.#state = state;
    if (this.#cancelIdle === undefined && !this.#closed) this.#askIdly();
    return Promise.resolve();
  };

  readonly askSoon = (): void => {
    if (this.#closed) return;
    for (const cancel of this.#timers) cancel();
    this.#timers = ASK_AT_MS.map((afterMs) => this.#lan.options.clock.after(afterMs, () => this.#ask()));
  };

  readonly askOnce = (): void => {
    if (!this.#closed) this.#ask();
  };

  readonly onFound = (listener: (peer: FoundPeer) => void): void => {
    this.#listeners.push(listener);
  };

  readonly report: Discovery["report"] = () => ({
    interfaces: this.#closed ? [] : [{ name: "memory0", address: this.net.host(), joined: true }],
    packetsSeen: this.#seen,
    packetsSent: this.#sent,
    errors: [],
  });

  readonly close = (): Promise<void> => {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#cancelIdle?.();
    this.#lan.remove(this);
    return Promise.resolve();
  };

  #askIdly(): void {
    this.#cancelIdle = this.#lan.options.clock.after(IDLE_ASK_MS, () => {
      this.#send();
      this.#askIdly();
    });
  }

  #ask(): void {
    const nowMs = this.#lan.options.clock.monotonicMs();
    if (nowMs - this.#askedAtMs < ASK_GAP_MS) return;
    this.#askedAtMs = nowMs;
    this.#send();
  }

  #send(): void {
    for (const tag of this.#state.ask) {
      this.#sent++;
      this.#lan.multicast(this, (member) => member.#hearQuestion(tag));
    }
  }

  #hearQuestion(tag: string): void {
    this.#seen++;
    const { answer, transportId, addresses } = this.#state;
    if (!answer.includes(tag) || addresses.length === 0) return;
    this.#sent++;
    this.#lan.multicast(this, (member) => member.#hearAnswer({ tag, transportId, addresses }));
  }

  #hearAnswer({ tag, transportId, addresses }: FoundPeer): void {
    this.#seen++;
    if (!this.#state.ask.includes(tag) || transportId === this.#state.transportId) return;
    const allowed = addresses.filter((text) => {
      const address = this.#lan.read(text);
      assert(
        address === undefined || address.transportId === transportId,
        "a host announces its own addresses",
      );
      return address?.isPrivate === true;
    });
    if (allowed.length === 0) return;
    const peer = { tag, transportId, addresses: allowed.slice(0, ADDRESSES_PER_PEER_MAX) };
    for (const listener of this.#listeners) listener(peer);
  }
}
