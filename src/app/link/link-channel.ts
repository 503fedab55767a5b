/**
 * The stream between a new device and a member: frames, the password exchange on both sides, and sealing under its keys. Who
 * admits whom is decided in link-member.ts and link-joiner.ts. Format and rules: docs/spec/link.md.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { concat, utf8 } from "../../core/base/bytes.ts";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { Clock, Entropy, MonotonicMs } from "../../core/base/ports.ts";
import { constantTimeEqual, hashLabelled, sha256 } from "../../core/crypto/hash.ts";
import { labelled, labels } from "../../core/crypto/labels.ts";
import {
  createPasswordShare,
  finishPasswordExchange,
  type LinkKeys,
  linkKeys,
  type PasswordShare,
} from "../../core/crypto/password-exchange.ts";
import { NONCE_BYTES, open, seal } from "../../core/crypto/seal.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { FrameReader } from "../sessions/frame-reader.ts";
import { Outbox } from "../sessions/outbox.ts";

export const LINK_PROTOCOL = "/kinlog/link/1";
export const LINK_KIND = {
  hello: 1,
  answer: 2,
  share: 3,
  shareBack: 4,
  confirm: 5,
  confirmBack: 6,
  request: 7,
  decision: 8,
  batch: 9,
  end: 10,
} as const;
export type LinkEnd = "wrong" | "spent" | "refused" | "busy";

const ENDS: readonly LinkEnd[] = ["wrong", "spent", "refused", "busy"];
const VERSION = 1;
/** Greeting, share and confirmation: small frames, before the other end has proved to know the code (threat N9). */
const SMALL_FRAMES = 3;
/** What was sent may take its way over a slow network; then the other end has closed, or nothing more is owed to it. */
const LINGER_MS = 30_000;
const SCALAR_SEED_BYTES = 64;
const INITIATOR = utf8("I");
const RESPONDER = utf8("R");

export class LinkChannel {
  readonly #stream: ByteStream;
  readonly #reader: FrameReader;
  readonly #outbox = new Outbox();
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  #sid: Uint8Array = new Uint8Array(0);
  #transcript: Uint8Array = new Uint8Array(0);
  #keys: LinkKeys | null = null;
  #sent = 0;
  #received = 0;

  constructor(stream: ByteStream, ports: { readonly clock: Clock; readonly entropy: Entropy }) {
    this.#stream = stream;
    this.#clock = ports.clock;
    this.#entropy = ports.entropy;
    this.#reader = new FrameReader(stream.source, ports.clock, SMALL_FRAMES);
    // A stream that breaks shows at the reading end as well.
    stream.sink(this.#outbox).catch(() => this.#outbox.end());
  }

  /** What both sides have said so far, bound to this connection; known after the exchange. */
  get transcript(): Uint8Array {
    return this.#transcript;
  }

  /** Random bytes of both sides: nothing here depends on the code yet. */
  async greet(deadline: MonotonicMs): Promise<void> {
    const own = this.#entropy.bytes(32);
    const hello = new ByteWriter().u8(VERSION).raw(own).finish();
    if (this.#stream.initiator) this.send(LINK_KIND.hello, hello);
    const reader = await this.receive(this.#stream.initiator ? LINK_KIND.answer : LINK_KIND.hello, deadline);
    if (reader.u8() !== VERSION)
      throw new EngineError("WIRE_UNKNOWN_VERSION", "the other device links in another way");
    const theirs = reader.raw(32);
    reader.end();
    if (!this.#stream.initiator) this.send(LINK_KIND.answer, hello);
    this.#sid = this.#stream.initiator ? sha256(own, theirs) : sha256(theirs, own);
  }

  share(password: Uint8Array): PasswordShare {
    return createPasswordShare({
      password,
      channel: this.#channel(),
      sessionId: this.#sid,
      scalarSeed: this.#entropy.bytes(SCALAR_SEED_BYTES),
    });
  }

  /** Derives the keys; false where the peer's share is no point. */
  finish(own: PasswordShare, peerShare: Uint8Array): boolean {
    const { initiator } = this.#stream;
    const isk = finishPasswordExchange({
      secret: own.secret,
      role: initiator ? "initiator" : "responder",
      ownShare: own.share,
      ownAssociated: initiator ? INITIATOR : RESPONDER,
      peerShare,
      peerAssociated: initiator ? RESPONDER : INITIATOR,
      sessionId: this.#sid,
    });
    if (isk === undefined) return false;
    this.#keys = linkKeys(isk);
    const shares = initiator ? [own.share, peerShare] : [peerShare, own.share];
    this.#transcript = hashLabelled(labels.linkKey, this.#channel(), this.#sid, ...shares);
    return true;
  }

  /** This side's proof that it has the key. */
  confirm(): void {
    const keys = this.#exchanged();
    const { initiator } = this.#stream;
    this.send(
      initiator ? LINK_KIND.confirm : LINK_KIND.confirmBack,
      initiator ? keys.confirmInitiator : keys.confirmResponder,
    );
  }

  /** True where the peer proved that it has the key too. */
  async isConfirmed(deadline: MonotonicMs): Promise<boolean> {
    const keys = this.#exchanged();
    const { initiator } = this.#stream;
    const reader = await this.receive(initiator ? LINK_KIND.confirmBack : LINK_KIND.confirm, deadline);
    const tag = reader.raw(32);
    reader.end();
    return constantTimeEqual(tag, initiator ? keys.confirmResponder : keys.confirmInitiator);
  }

  send(kind: number, body: Uint8Array): void {
    this.#outbox.put(
      new ByteWriter(body.length + 8)
        .uint(body.length + 1)
        .u8(kind)
        .raw(body)
        .finish(),
    );
  }

  sendSealed(kind: number, plaintext: Uint8Array): void {
    const keys = this.#exchanged();
    const key = this.#stream.initiator ? keys.sealInitiator : keys.sealResponder;
    const associated = this.#associated(kind, this.#sent++);
    this.send(kind, seal({ key, nonce: this.#entropy.bytes(NONCE_BYTES), plaintext, associated }));
  }

  /**
   * The next frame, which must be of this kind.
   *
   * @throws EngineError `CODE_WRONG`, `CODE_EXPIRED`, `CODE_REFUSED` as the member's last word says; `TIMED_OUT`, `PEER_CLOSED`, `WIRE_*`.
   */
  async receive(kind: number, deadline: MonotonicMs): Promise<ByteReader> {
    const frame = await this.#reader.next(deadline);
    if (frame === undefined) throw new EngineError("TIMED_OUT", "the other device did not answer in time");
    const reader = new ByteReader(frame);
    const came = reader.u8();
    if (came === LINK_KIND.end) throw endError(ENDS[reader.u8() - 1]);
    if (came !== kind)
      throw new EngineError("WIRE_UNKNOWN_KIND", "the other device sent something unexpected");
    return reader;
  }

  async receiveSealed(kind: number, deadline: MonotonicMs): Promise<ByteReader> {
    const reader = await this.receive(kind, deadline);
    const keys = this.#exchanged();
    const key = this.#stream.initiator ? keys.sealResponder : keys.sealInitiator;
    const associated = this.#associated(kind, this.#received++);
    const plaintext = open({ key, sealed: reader.raw(reader.left), associated });
    if (plaintext === undefined)
      throw new EngineError("CRYPTO_OPEN_FAILED", "what came while linking was altered");
    return new ByteReader(plaintext);
  }

  /** The member's last word. */
  end(reason: LinkEnd): void {
    this.send(LINK_KIND.end, Uint8Array.of(ENDS.indexOf(reason) + 1));
    this.close();
  }

  /** Resolves when the other end has gone, or says something though it is not its turn. Nothing can be received after it. */
  async gone(): Promise<void> {
    try {
      await this.#reader.next(Number.POSITIVE_INFINITY as MonotonicMs);
    } catch (error) {
      if (!isEngineError(error)) throw error;
    }
  }

  /** What was sent has a moment to go out. */
  close(): void {
    this.#outbox.end();
    this.#clock.after(1_000, () => this.#stream.abort());
  }

  /** As `close`, for much that was sent: ends when the other end has it all, and `gone` says so. */
  closeAfter(gone: Promise<void>): void {
    this.#outbox.end();
    const cancel = this.#clock.after(LINGER_MS, () => this.#stream.abort());
    void gone.then(() => {
      cancel();
      this.#stream.abort();
    });
  }

  #exchanged(): LinkKeys {
    if (this.#keys === null) throw new EngineError("UNEXPECTED", "nothing is sealed before the exchange");
    return this.#keys;
  }

  #associated(kind: number, number: number): Uint8Array {
    return concat(
      labelled(labels.linkKey),
      this.#transcript,
      Uint8Array.of(kind, number % 256, Math.floor(number / 256)),
    );
  }

  #channel(): Uint8Array {
    const { initiator, ownTransport, peerTransport } = this.#stream;
    const [first, second] = initiator ? [ownTransport, peerTransport] : [peerTransport, ownTransport];
    return labelled(labels.linkKey, new ByteWriter().u8(VERSION).blob(first).blob(second).finish());
  }
}

function endError(reason: LinkEnd | undefined): EngineError {
  switch (reason) {
    case "wrong":
      return new EngineError("CODE_WRONG", "the code is wrong, and is now dead");
    case "spent":
      return new EngineError("CODE_EXPIRED", "the code has expired or was used already");
    case "refused":
      return new EngineError("CODE_REFUSED", "the other device said no");
    case "busy":
    case undefined:
      return new EngineError("PEER_CLOSED", "the other device ended the linking");
  }
}
