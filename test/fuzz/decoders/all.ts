/** Every decoder that reads bytes from outside or from the disk. */
import type { Decoder } from "../decoder.ts";
import { apiDecoders } from "./api.ts";
import { discoveryDecoders } from "./discovery.ts";
import { handshakeDecoder } from "./handshake.ts";
import { importDecoders } from "./import.ts";
import { inboxDecoders } from "./inbox.ts";
import { linkDecoders } from "./link.ts";
import { logDecoders } from "./log.ts";
import { membershipDecoders } from "./membership.ts";
import { searchDecoders } from "./search.ts";
import { storeDecoders } from "./store.ts";
import { tableDecoders } from "./tables.ts";
import { wireDecoders } from "./wire.ts";

export const allDecoders: readonly Decoder[] = [
  ...wireDecoders,
  handshakeDecoder,
  ...logDecoders,
  ...membershipDecoders,
  ...inboxDecoders,
  ...storeDecoders,
  ...searchDecoders,
  ...tableDecoders,
  ...linkDecoders,
  ...importDecoders,
  ...apiDecoders,
  ...discoveryDecoders,
];
