/**
 * What one device says about itself in an mDNS answer, and how strictly that is read. The form is that of libp2p's mDNS
 * specification: a PTR record from the tag to a name that is used once, and TXT records `dnsaddr=` with addresses.
 * Spec: docs/spec/discovery.md. Tests: test/unit/discovery/answers.test.ts.
 */
import { isIP } from "node:net";
import type { ResponseOutgoingPacket, ResponsePacket } from "multicast-dns";

/** `tag` is what HMAC or a link code gives, `_` and 15 characters; on the network this follows. */
const SUFFIX = "._udp.local";

/** libp2p's own value. */
const TTL_SECONDS = 120;

/** Our answers have at most one PTR and eight TXT records; more is not ours. */
const RECORDS_MAX = 32;
export const ANNOUNCED_ADDRESSES_MAX = 8;

const TXT_PREFIX = "dnsaddr=";
const PEER_NAME = /^[a-z0-9]{1,63}$/;

/** Only what this project's devices announce: TCP over an IP address, and an Ed25519 identity. */
const ANNOUNCED =
  /^\/ip[46]\/([0-9a-f.:]{2,45})\/tcp\/([1-9][0-9]{0,4})\/p2p\/(12D3KooW[1-9A-HJ-NP-Za-km-z]{44})$/;

/** Below are the ports of the system's services, which a forged answer must not make us touch (threat N5). */
const PORT_MIN = 1_024;
const PORT_MAX = 65_535;

export interface AnnouncedAddress {
  readonly host: string;
  readonly port: number;
  readonly transportId: string;
}

/** What an answer says, checked for its form only. */
export interface Announcement {
  readonly tag: string;
  readonly transportId: string;
  readonly addresses: readonly AnnouncedAddress[];
}

export function tagToName(tag: string): string {
  return `${tag}${SUFFIX}`;
}

/** Undefined for anything that no device of this project would announce. */
export function parseAnnouncedAddress(text: string): AnnouncedAddress | undefined {
  const found = ANNOUNCED.exec(text);
  if (found === null) return undefined;
  const [host, port, transportId] = [found[1]!, Number(found[2]), found[3]!];
  if (isIP(host) === 0 || text.startsWith("/ip4/") !== (isIP(host) === 4)) return undefined;
  return port < PORT_MIN || port > PORT_MAX ? undefined : { host, port, transportId };
}

/** The answer to a question for `tag`: at most 64 + 8 × 200 bytes, so that it fits a packet of Ethernet. */
export function createAnswer(answer: {
  readonly tag: string;
  readonly peerName: string;
  readonly addresses: readonly string[];
}): ResponseOutgoingPacket {
  const name = `${answer.peerName}.${tagToName(answer.tag)}`;
  return {
    answers: [
      { name: tagToName(answer.tag), type: "PTR", class: "IN", ttl: TTL_SECONDS, data: name },
      ...answer.addresses.slice(0, ANNOUNCED_ADDRESSES_MAX).map((address) => ({
        name,
        type: "TXT" as const,
        class: "IN" as const,
        ttl: TTL_SECONDS,
        data: `${TXT_PREFIX}${address}`,
      })),
    ],
  };
}

/**
 * What a decoded packet announces under one of `tags`. Undefined where it announces nothing of ours, or where any address in
 * it is not ours in form or names another identity than the rest: such a packet is forged or of another program.
 */
export function readAnswer(packet: ResponsePacket, tags: readonly string[]): Announcement | undefined {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])];
  if (records.length > RECORDS_MAX) return undefined;
  const pointer = records.find((record) => record.type === "PTR");
  if (pointer?.type !== "PTR") return undefined;
  const tag = tags.find((each) => tagToName(each) === pointer.name);
  if (tag === undefined || typeof pointer.data !== "string") return undefined;
  const name = pointer.data;
  if (!name.endsWith(`.${tagToName(tag)}`) || !PEER_NAME.test(name.slice(0, -tagToName(tag).length - 1))) {
    return undefined;
  }
  const texts = records.flatMap((record) =>
    record.type === "TXT" && record.name === name ? [record.data] : [],
  );
  const addresses = texts.flat().map((text) => parseText(String(text)));
  const [first] = addresses;
  if (first === undefined || addresses.length > ANNOUNCED_ADDRESSES_MAX) return undefined;
  const sound = addresses.flatMap((each) => (each?.transportId === first.transportId ? [each] : []));
  return sound.length === addresses.length
    ? { tag, transportId: first.transportId, addresses: sound }
    : undefined;
}

function parseText(text: string): AnnouncedAddress | undefined {
  return text.startsWith(TXT_PREFIX) ? parseAnnouncedAddress(text.slice(TXT_PREFIX.length)) : undefined;
}
