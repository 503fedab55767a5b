/** Who a host of the simulated network is to libp2p, until it is renewed. Used by memory-net.ts. */
import { toString } from "uint8arrays/to-string";
import { concat } from "../../src/core/base/bytes.ts";
import type { Random } from "./random.ts";

/** Multihash and protobuf around an Ed25519 key: what makes a libp2p peer id of 32 bytes. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

export const PORT_FROM = 20_000;

/** One identity of a host, from its start or `renew` on. */
export interface Identity {
  readonly transport: Uint8Array;
  readonly transportId: string;
  readonly port: number;
}

export function createIdentity(random: Random): Identity {
  const transport = concat(PEER_ID_PREFIX, random.bytes(32));
  return {
    transport,
    transportId: toString(transport, "base58btc"),
    port: PORT_FROM + random.below(40_000),
  };
}
