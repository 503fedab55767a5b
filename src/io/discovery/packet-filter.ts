/**
 * Which packets of a link are worth decoding: those of its own subnet that name a tag in use, and only so many (threat N6).
 * Spec: docs/spec/discovery.md. Tests: test/unit/discovery/packet-filter.test.ts.
 */
import { isIP } from "node:net";
import type { LinkPlace } from "./link-places.ts";
import { Pace } from "./pace.ts";
import { Subnets } from "./subnets.ts";

/** Ours fit a packet of Ethernet; other programs' larger ones are of no use here. */
const PACKET_BYTES_MAX = 1_500;

/** A packet's header: id, flags, then how many questions and how many records of three kinds follow, two bytes each. */
const HEADER_BYTES = 12;
/** What each takes at least: a name that is a root, a type and a class, and of a record a time and a length besides. */
const QUESTION_BYTES_MIN = 5;
const RECORD_BYTES_MIN = 11;

/** Decoding one packet takes some 10 µs; a thousand a second stay far below the 5 % of threat N6. */
const PACKETS_PER_SECOND_PER_SENDER = 20;
const PACKETS_PER_SECOND = 200;

/** Of whatever is said on the network: @libp2p/mdns decodes all of it, which costs 3 % of a core at this pace. */
const HEARD_PER_SECOND = 100;
const SECOND_MS = 1_000;

/** Senders whose place is remembered: looking an address up in a list of subnets costs more than receiving its packet. */
const SENDERS_REMEMBERED_MAX = 256;

export type Verdict =
  /** Of another link, or of another world. */
  | "elsewhere"
  /** Somebody's mDNS, but nothing for us. */
  | "ignore"
  /** One for us too many. */
  | "flood"
  | "decode";

interface Sender {
  readonly isOfThisLink: boolean;
  readonly isOwn: boolean;
}

/**
 * True where the header counts more than the bytes can hold. The decoder believes the header: 55 bytes that count 65,535
 * questions cost it a tenth of a second and 13 MB (threats N6, N9).
 */
export function claimsTooMuch(message: Buffer): boolean {
  if (message.length < HEADER_BYTES) return false;
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const needed = QUESTION_BYTES_MIN * message.readUInt16BE(4) + RECORD_BYTES_MIN * records;
  return HEADER_BYTES + needed > message.length;
}

export class PacketFilter {
  readonly #place: LinkPlace;
  readonly #subnets: Subnets;
  readonly #perSender: Pace;
  readonly #inAll: Pace;
  readonly #heard: Pace;
  readonly #senders = new Map<string, Sender>();

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
    return this.#sender(sender).isOwn;
  }

  judge(message: Buffer, sender: string, labels: readonly string[]): Verdict {
    const { isOfThisLink, isOwn } = this.#sender(sender);
    if (!isOfThisLink) return "elsewhere";
    if (message.length > PACKET_BYTES_MAX) return "ignore";
    if (!labels.some((label) => message.includes(label, 0, "latin1"))) return "ignore";
    const isPaced = isOwn || this.#perSender.allows(sender);
    return isPaced && this.#inAll.allows("") ? "decode" : "flood";
  }

  #sender(address: string): Sender {
    const known = this.#senders.get(address);
    if (known !== undefined) return known;
    if (this.#senders.size >= SENDERS_REMEMBERED_MAX) this.#senders.clear();
    // All behind the first sign is the zone: what names more than the link is of none.
    const at = address.indexOf("%");
    const host = at === -1 ? address : address.slice(0, at);
    const zone = at === -1 ? undefined : address.slice(at + 1);
    const sender = { isOfThisLink: this.#isOfThisLink(host, zone), isOwn: host === this.#place.address };
    this.#senders.set(address, sender);
    return sender;
  }

  /** Every socket of mDNS's port gets the packets of all interfaces; each link takes its own. */
  #isOfThisLink(host: string, zone: string | undefined): boolean {
    if (zone !== undefined) return zone === this.#place.zone;
    // An address of the one family can be written as one of the other, and is then none of this link.
    return isIP(host) === (this.#place.family === "IPv4" ? 4 : 6) && this.#subnets.contains(host);
  }
}
