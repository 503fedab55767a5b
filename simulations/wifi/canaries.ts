/**
 * Looks for what must not be seen in what was captured: each secret raw, in hex and in base64, in every packet and in every TCP
 * stream across its packets. Tests: test/unit/wifi/canaries.test.ts.
 */
import type { Packet } from "./packet.ts";

/** A shorter one would be met by chance. */
const PATTERN_BYTES_MIN = 8;
const INDEX_BITS = 20;

interface Pattern {
  readonly secret: string;
  readonly form: string;
  readonly bytes: Buffer;
}

export interface Finding {
  readonly secret: string;
  /** How it was written: `raw`, `hex`, `base64`. */
  readonly form: string;
}

export class CanaryScanner {
  readonly #patterns = new Map<number, Pattern[]>();
  /** One bit per hash of four bytes: most positions are dismissed by it. */
  readonly #index = new Uint8Array(1 << INDEX_BITS);
  readonly #found = new Map<string, Finding>();
  readonly #tails = new Map<string, { readonly next: number; readonly bytes: Buffer }>();
  #longest = 0;

  /** Texts as UTF-8; `ids` in hex stand for their bytes as well. */
  constructor(secrets: { readonly texts: Iterable<string>; readonly ids: Iterable<string> }) {
    for (const text of secrets.texts) this.#addForms(text, Buffer.from(text));
    for (const id of secrets.ids) this.#addForms(id, Buffer.from(id, "hex"));
  }

  get findings(): readonly Finding[] {
    return [...this.#found.values()];
  }

  /** A packet as it stands, and, for TCP, together with the end of what its stream said before. */
  scanPacket(packet: Packet, frame: Buffer): void {
    this.scan(frame);
    if (packet.kind !== "tcp" || packet.payload.length === 0) return;
    const flow = `${packet.from} ${packet.fromPort} ${packet.to} ${packet.toPort}`;
    const tail = this.#tails.get(flow);
    const follows = tail !== undefined && tail.next === packet.sequence;
    if (follows) {
      const head = packet.payload.subarray(0, this.#longest);
      this.scan(Buffer.concat([tail.bytes, head]));
    }
    const said = follows ? Buffer.concat([tail.bytes, packet.payload]) : packet.payload;
    const next = (packet.sequence + packet.payload.length) % 2 ** 32;
    this.#tails.set(flow, { next, bytes: Buffer.from(said.subarray(-this.#longest)) });
  }

  scan(bytes: Buffer): void {
    for (let at = 0; at + 4 <= bytes.length; at++) {
      const first = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24) | 0;
      if (this.#index[hash(first)] === 0) continue;
      for (const { secret, form, bytes: pattern } of this.#patterns.get(first) ?? []) {
        if (bytes.subarray(at, at + pattern.length).equals(pattern))
          this.#found.set(`${form} ${secret}`, { secret, form });
      }
    }
  }

  #addForms(secret: string, bytes: Buffer): void {
    this.#add({ secret, form: "raw", bytes });
    const hex = bytes.toString("hex");
    this.#add({ secret, form: "hex", bytes: Buffer.from(hex) });
    this.#add({ secret, form: "hex", bytes: Buffer.from(hex.toUpperCase()) });
    for (const encoded of base64Forms(bytes)) {
      this.#add({ secret, form: "base64", bytes: Buffer.from(encoded) });
      const url = encoded.replaceAll("+", "-").replaceAll("/", "_");
      if (url !== encoded) this.#add({ secret, form: "base64", bytes: Buffer.from(url) });
    }
  }

  #add(pattern: Pattern): void {
    if (pattern.bytes.length < PATTERN_BYTES_MIN) return;
    const first = pattern.bytes.readInt32LE(0);
    this.#index[hash(first)] = 1;
    this.#patterns.set(first, [...(this.#patterns.get(first) ?? []), pattern]);
    this.#longest = Math.max(this.#longest, pattern.bytes.length);
  }
}

/** How the bytes look inside longer base64, wherever in a group of three they begin; edges that neighbours share are left out. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const sharedAtEnd = (before + bytes.length) % 3 === 0 ? 0 : 1;
    return encoded.slice(before === 0 ? 0 : before + 1, encoded.length - sharedAtEnd);
  });
}

/** Knuth's multiplicative hash: good enough to spread four bytes over the index. */
function hash(first: number): number {
  return Math.imul(first, 0x9e3779b1) >>> (32 - INDEX_BITS);
}
