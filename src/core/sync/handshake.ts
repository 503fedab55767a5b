/**
 * How two devices prove to each other that they belong to one account, as two machines that do no I/O. Ends in `done` or in a
 * `failed` about which the peer is told nothing. The responder names its device only to who has proved both the discovery key
 * and a device's signing key (threat N4). Chance comes as an argument.
 * Spec: docs/spec/sync.md, "Handshake". Shell: src/app/sessions. Tests: test/unit/sync/handshake.test.ts.
 */
import { ByteWriter } from "../base/byte-writer.ts";
import { concat, equalBytes, utf8 } from "../base/bytes.ts";
import { type AccountId, bytesToId, type DeviceId, idBytes } from "../base/ids.ts";
import type { MonotonicMs } from "../base/ports.ts";
import { constantTimeEqual, hashLabelled, hmacSha256 } from "../crypto/hash.ts";
import { labelled, labels } from "../crypto/labels.ts";
import { sign, type SigningKey, verify } from "../crypto/sign.ts";
import type { HandshakeFrame, Hello } from "../wire/frames.ts";

/** For the whole handshake, so that whoever sends a byte now and then gains nothing (threat N10). */
const HANDSHAKE_MS = 10_000;
/** How many discovery keys a responder tries; what a stranger's selector can cost. */
export const DISCOVERY_KEYS_MAX = 8;

const OWN_HELLO: Hello = { version: 1, features: 0 };
const INITIATOR = utf8("I");
const RESPONDER = utf8("R");

export interface HandshakeOptions {
  /** The libp2p protocol of the stream. */
  readonly protocol: string;
  /** Both ends' transport ids as the connection shows them. */
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  readonly account: AccountId;
  /** This device's signing key. */
  readonly key: SigningKey;
  /** 32 fresh random bytes. */
  readonly nonce: Uint8Array;
  readonly now: MonotonicMs;
}

export type HandshakeInput =
  | { readonly kind: "start" }
  | { readonly kind: "received"; readonly frame: HandshakeFrame }
  | { readonly kind: "woken" };

export type HandshakeFailure =
  | "own-transport"
  | "own-device"
  | "version"
  | "unexpected-frame"
  | "unknown-key"
  | "bad-tag"
  | "other-account"
  | "bad-signature"
  | "timed-out";

export type HandshakeOutput =
  | { readonly kind: "send"; readonly frame: HandshakeFrame }
  /** Initiator only: the peer knows the discovery key, so `held` may share the flight of what is sent now. */
  | { readonly kind: "proved" }
  | {
      readonly kind: "done";
      readonly peerDevice: DeviceId;
      readonly account: AccountId;
      /** Which of the discovery keys given the peer used. */
      readonly discoveryKeyIndex: number;
    }
  /** End the stream without a word. The cause is for this device's own counters. */
  | { readonly kind: "failed"; readonly cause: HandshakeFailure };

/** The side that dialled. */
export class InitiatorHandshake {
  readonly #options: HandshakeOptions;
  readonly #discoveryKey: Uint8Array;
  readonly #discoveryKeyIndex: number;
  readonly #deadline: MonotonicMs;
  #state: "new" | "hello-sent" | "proof-sent" | "ended" = "new";
  #transcript: Uint8Array = new Uint8Array(0);

  constructor(
    options: HandshakeOptions & { readonly discoveryKey: Uint8Array; readonly discoveryKeyIndex?: number },
  ) {
    this.#options = options;
    this.#discoveryKey = options.discoveryKey;
    this.#discoveryKeyIndex = options.discoveryKeyIndex ?? 0;
    this.#deadline = (options.now + HANDSHAKE_MS) as MonotonicMs;
  }

  /** When `woken` is due. */
  get wakeAt(): MonotonicMs {
    return this.#deadline;
  }

  handle(input: HandshakeInput, now: MonotonicMs): readonly HandshakeOutput[] {
    if (this.#state === "ended") return [];
    if (now >= this.#deadline) return this.#fail("timed-out");
    switch (input.kind) {
      case "start":
        return this.#start();
      case "received":
        return this.#receive(input.frame);
      case "woken":
        return [];
    }
  }

  #start(): readonly HandshakeOutput[] {
    const { ownTransport, peerTransport, nonce } = this.#options;
    if (equalBytes(ownTransport, peerTransport)) return this.#fail("own-transport");
    this.#state = "hello-sent";
    const selector = selectorOf(this.#discoveryKey, {
      protocol: this.#options.protocol,
      initiator: ownTransport,
      responder: peerTransport,
      nonce,
    });
    return [{ kind: "send", frame: { kind: "hello-initiator", hello: OWN_HELLO, nonce, selector } }];
  }

  #receive(frame: HandshakeFrame): readonly HandshakeOutput[] {
    if (this.#state === "hello-sent" && frame.kind === "hello-responder") return this.#prove(frame);
    if (this.#state === "proof-sent" && frame.kind === "proof-responder") return this.#finish(frame);
    return this.#fail("unexpected-frame");
  }

  #prove(frame: Extract<HandshakeFrame, { kind: "hello-responder" }>): readonly HandshakeOutput[] {
    const { protocol, ownTransport, peerTransport, nonce, account, key } = this.#options;
    if (frame.hello.version !== OWN_HELLO.version) return this.#fail("version");
    this.#transcript = transcriptOf({
      protocol,
      hellos: [OWN_HELLO, frame.hello],
      transports: [ownTransport, peerTransport],
      nonces: [nonce, frame.nonce],
    });
    if (!constantTimeEqual(frame.tag, hmacSha256(this.#discoveryKey, RESPONDER, this.#transcript))) {
      return this.#fail("bad-tag");
    }
    this.#state = "proof-sent";
    const proof: HandshakeFrame = {
      kind: "proof-initiator",
      tag: hmacSha256(this.#discoveryKey, INITIATOR, this.#transcript),
      account: idBytes(account),
      device: key.publicKey,
      signature: sign(key, concat(INITIATOR, this.#transcript, idBytes(account))),
    };
    return [{ kind: "send", frame: proof }, { kind: "proved" }];
  }

  #finish(frame: Extract<HandshakeFrame, { kind: "proof-responder" }>): readonly HandshakeOutput[] {
    const { account, key } = this.#options;
    if (equalBytes(frame.device, key.publicKey)) return this.#fail("own-device");
    const message = concat(RESPONDER, this.#transcript, idBytes(account));
    if (!verify(frame.device, message, frame.signature)) return this.#fail("bad-signature");
    this.#state = "ended";
    const peerDevice = bytesToId<DeviceId>(frame.device);
    return [{ kind: "done", peerDevice, account, discoveryKeyIndex: this.#discoveryKeyIndex }];
  }

  #fail(cause: HandshakeFailure): readonly HandshakeOutput[] {
    this.#state = "ended";
    return [{ kind: "failed", cause }];
  }
}

/** The side that was dialled. */
export class ResponderHandshake {
  readonly #options: HandshakeOptions;
  readonly #discoveryKeys: readonly Uint8Array[];
  readonly #deadline: MonotonicMs;
  #state: "waiting" | "hello-sent" | "ended" = "waiting";
  #transcript: Uint8Array = new Uint8Array(0);
  #discoveryKeyIndex = -1;

  /** Of `discoveryKeys` the first eight count. */
  constructor(options: HandshakeOptions & { readonly discoveryKeys: readonly Uint8Array[] }) {
    this.#options = options;
    this.#discoveryKeys = options.discoveryKeys.slice(0, DISCOVERY_KEYS_MAX);
    this.#deadline = (options.now + HANDSHAKE_MS) as MonotonicMs;
  }

  /** When `woken` is due. */
  get wakeAt(): MonotonicMs {
    return this.#deadline;
  }

  handle(input: HandshakeInput, now: MonotonicMs): readonly HandshakeOutput[] {
    if (this.#state === "ended") return [];
    if (now >= this.#deadline) return this.#fail("timed-out");
    switch (input.kind) {
      case "start":
        return equalBytes(this.#options.ownTransport, this.#options.peerTransport)
          ? this.#fail("own-transport")
          : [];
      case "received":
        return this.#receive(input.frame);
      case "woken":
        return [];
    }
  }

  #receive(frame: HandshakeFrame): readonly HandshakeOutput[] {
    if (this.#state === "waiting" && frame.kind === "hello-initiator") return this.#answer(frame);
    if (this.#state === "hello-sent" && frame.kind === "proof-initiator") return this.#finish(frame);
    return this.#fail("unexpected-frame");
  }

  #answer(frame: Extract<HandshakeFrame, { kind: "hello-initiator" }>): readonly HandshakeOutput[] {
    const { protocol, ownTransport, peerTransport, nonce } = this.#options;
    if (equalBytes(ownTransport, peerTransport)) return this.#fail("own-transport");
    if (frame.hello.version !== OWN_HELLO.version) return this.#fail("version");
    const asked = { protocol, initiator: peerTransport, responder: ownTransport, nonce: frame.nonce };
    // No early end, so that the time says nothing about which key it was.
    for (const [index, key] of this.#discoveryKeys.entries()) {
      if (constantTimeEqual(frame.selector, selectorOf(key, asked))) this.#discoveryKeyIndex = index;
    }
    const discoveryKey = this.#discoveryKeys[this.#discoveryKeyIndex];
    if (discoveryKey === undefined) return this.#fail("unknown-key");
    this.#transcript = transcriptOf({
      protocol,
      hellos: [frame.hello, OWN_HELLO],
      transports: [peerTransport, ownTransport],
      nonces: [frame.nonce, nonce],
    });
    this.#state = "hello-sent";
    const tag = hmacSha256(discoveryKey, RESPONDER, this.#transcript);
    return [{ kind: "send", frame: { kind: "hello-responder", hello: OWN_HELLO, nonce, tag } }];
  }

  #finish(frame: Extract<HandshakeFrame, { kind: "proof-initiator" }>): readonly HandshakeOutput[] {
    const { account, key } = this.#options;
    const discoveryKey = this.#discoveryKeys[this.#discoveryKeyIndex]!;
    if (!constantTimeEqual(frame.tag, hmacSha256(discoveryKey, INITIATOR, this.#transcript))) {
      return this.#fail("bad-tag");
    }
    if (!equalBytes(frame.account, idBytes(account))) return this.#fail("other-account");
    if (equalBytes(frame.device, key.publicKey)) return this.#fail("own-device");
    const message = concat(INITIATOR, this.#transcript, frame.account);
    if (!verify(frame.device, message, frame.signature)) return this.#fail("bad-signature");
    this.#state = "ended";
    const proof: HandshakeFrame = {
      kind: "proof-responder",
      device: key.publicKey,
      signature: sign(key, concat(RESPONDER, this.#transcript, idBytes(account))),
    };
    const peerDevice = bytesToId<DeviceId>(frame.device);
    return [
      { kind: "send", frame: proof },
      { kind: "done", peerDevice, account, discoveryKeyIndex: this.#discoveryKeyIndex },
    ];
  }

  #fail(cause: HandshakeFailure): readonly HandshakeOutput[] {
    this.#state = "ended";
    return [{ kind: "failed", cause }];
  }
}

/** Tells the responder which discovery key is meant, and nobody else anything. */
function selectorOf(
  discoveryKey: Uint8Array,
  asked: {
    readonly protocol: string;
    readonly initiator: Uint8Array;
    readonly responder: Uint8Array;
    readonly nonce: Uint8Array;
  },
): Uint8Array {
  const { protocol, initiator, responder, nonce } = asked;
  const parts = new ByteWriter().text(protocol).blob(initiator).blob(responder).raw(nonce).finish();
  return hmacSha256(discoveryKey, labelled(labels.handshakeSelector, parts));
}

/** T of the specification; pairs are the initiator's, then the responder's. It covers all that a man in the middle could change. */
function transcriptOf(said: {
  readonly protocol: string;
  readonly hellos: readonly [Hello, Hello];
  readonly transports: readonly [Uint8Array, Uint8Array];
  readonly nonces: readonly [Uint8Array, Uint8Array];
}): Uint8Array {
  const writer = new ByteWriter().text(said.protocol);
  for (const hello of said.hellos) writer.u8(hello.version).uint(hello.features);
  for (const transport of said.transports) writer.blob(transport);
  for (const nonce of said.nonces) writer.raw(nonce);
  return hashLabelled(labels.handshake, writer.finish());
}
