/**
 * What a captured Ethernet frame is: its kind, its ends and its payload. Reads no further than the transport header.
 * Tests: test/unit/wifi/packet.test.ts.
 */

/** `network` is what the machines' own network code says: ARP, neighbours, groups. */
export type PacketKind = "tcp" | "mdns" | "udp" | "network" | "other";

export interface Packet {
  readonly kind: PacketKind;
  /** MAC address in hex. */
  readonly fromMac: string;
  /** IP addresses; empty if the frame holds no IP. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** TCP only. */
  readonly sequence: number;
  readonly payload: Buffer;
}

const ETHERNET_BYTES = 14;
const IPV4 = 0x0800;
const ARP = 0x0806;
const IPV6 = 0x86dd;
const ICMP = 1;
const IGMP = 2;
const TCP = 6;
const UDP = 17;
const HOP_BY_HOP = 0;
const ICMP6 = 58;
const MDNS_PORT = 5353;
const NOTHING = Buffer.alloc(0);

export function readPacket(frame: Buffer): Packet {
  const fromMac = frame.toString("hex", 6, 12);
  const none = { fromMac, from: "", to: "", fromPort: 0, toPort: 0, sequence: 0, payload: NOTHING };
  if (frame.length < ETHERNET_BYTES) return { ...none, kind: "other" };
  const type = frame.readUInt16BE(12);
  const body = frame.subarray(ETHERNET_BYTES);
  if (type === ARP) return { ...none, kind: "network" };
  if (type === IPV4 && body.length >= 20) {
    const length = body.readUInt16BE(2);
    // 0 stands for a packet that is longer than the field can say, as virtual interfaces pass on.
    const packet = length < 20 ? body : body.subarray(0, length);
    const ends = { from: [...packet.subarray(12, 16)].join("."), to: [...packet.subarray(16, 20)].join(".") };
    return readTransport({ ...none, ...ends }, packet[9]!, packet.subarray((packet[0]! & 0x0f) * 4));
  }
  if (type === IPV6 && body.length >= 40) {
    const ends = { from: ipv6(body.subarray(8, 24)), to: ipv6(body.subarray(24, 40)) };
    const length = body.readUInt16BE(4);
    const rest = length === 0 ? body.subarray(40) : body.subarray(40, 40 + length);
    const protocol = body[6] === HOP_BY_HOP && rest.length >= 8 ? rest[0]! : body[6]!;
    const at = body[6] === HOP_BY_HOP && rest.length >= 8 ? (rest[1]! + 1) * 8 : 0;
    return readTransport({ ...none, ...ends }, protocol, rest.subarray(at));
  }
  return { ...none, kind: "other" };
}

function readTransport(packet: Omit<Packet, "kind">, protocol: number, bytes: Buffer): Packet {
  if (protocol === ICMP || protocol === IGMP || protocol === ICMP6) return { ...packet, kind: "network" };
  if (bytes.length < 8 || (protocol !== TCP && protocol !== UDP)) return { ...packet, kind: "other" };
  const ports = { fromPort: bytes.readUInt16BE(0), toPort: bytes.readUInt16BE(2) };
  if (protocol === UDP) {
    const kind = ports.fromPort === MDNS_PORT || ports.toPort === MDNS_PORT ? "mdns" : "udp";
    return { ...packet, ...ports, kind, payload: bytes.subarray(8) };
  }
  if (bytes.length < 20) return { ...packet, kind: "other" };
  const sequence = bytes.readUInt32BE(4);
  return { ...packet, ...ports, kind: "tcp", sequence, payload: bytes.subarray((bytes[12]! >> 4) * 4) };
}

function ipv6(bytes: Buffer): string {
  return bytes.toString("hex").replace(/(.{4})(?!$)/g, "$1:");
}
