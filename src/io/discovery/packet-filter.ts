/**
 * Which packets of a link are worth decoding: those of its own subnet that name a tag in use, and only so many (threat N6).
 * Spec: docs/spec/discovery.md. Tests: test/unit/discovery/packet-filter.test.ts.
 */
import type { LinkPlace } from "./link-places.ts";
import { Pace } from "./pace.ts";
import { Subnets } from "./subnets.ts";

/** Ours fit a packet of Ethernet; other programs' larger ones are of no use here. */
const PACKET_BYTES_MAX = 1_500;

/** Decoding one packet takes some 10 µs; a thousand a second stay far below the 5 % of threat N6. */
const PACKETS_PER_SECOND_PER_SENDER = 20;
const PACKETS_PER_SECOND = 200;

/** Of whatever is said on the network: @libp2p/mdns decodes all of it, which costs 3 % of a core at this pace. */
const HEARD_PER_SECOND = 100;
const SECOND_MS = 1_000;

export type Verdict =
  /** Of another link, or of another world. */
  | "elsewhere"
  /** Somebody's mDNS, but nothing for us. */
  | "ignore"
  /** One for us too many. */
  | "flood"
  | "decode";

export class PacketFilter {
  readonly #place: LinkPlace;
  readonly #subnets: Subnets;
  readonly #perSender: Pace;
  readonly #inAll: Pace;
  readonly #heard: Pace;

  constructor(place: LinkPlace, monotonicMs: () => number = () => performance.now()) {
    this.#place = place;
    this.#subnets = new Subnets(place.addresses.filter(({ family }) => family === place.family));
    const windowMs = SECOND_MS;
    this.#perSender = new Pace({ max: PACKETS_PER_SECOND_PER_SENDER, windowMs }, monotonicMs);
    this.#inAll = new Pace({ max: PACKETS_PER_SECOND, windowMs }, monotonicMs);
    this.#heard = new Pace({ max: HEARD_PER_SECOND, windowMs }, monotonicMs);
  }

  /** Counts a packet, whatever it is; false while there are too many for who decodes them all. */
  isQuiet(): boolean {
    return this.#heard.allows("");
  }

  /** This machine's own address on the link; several devices may share it. */
  isOwn(sender: string): boolean {
    return sender.split("%")[0] === this.#place.address;
  }

  judge(message: Buffer, sender: string, labels: readonly string[]): Verdict {
    if (!this.#isOfThisLink(sender)) return "elsewhere";
    if (message.length > PACKET_BYTES_MAX) return "ignore";
    if (!labels.some((label) => message.includes(label, 0, "latin1"))) return "ignore";
    const isPaced = this.isOwn(sender) || this.#perSender.allows(sender);
    return isPaced && this.#inAll.allows("") ? "decode" : "flood";
  }

  /** Every socket of mDNS's port gets the packets of all interfaces; each link takes its own. */
  #isOfThisLink(sender: string): boolean {
    const [host, zone] = sender.split("%");
    if (zone !== undefined) return zone === this.#place.zone;
    return this.#subnets.contains(host ?? "");
  }
}
