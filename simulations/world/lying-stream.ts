/**
 * A stream to an honest device by which a member lies: the honest program speaks and listens behind it, and what it says is changed, kept
 * back or added to on its way out. Formats: docs/spec/sync.md. Who lies, and when: hostile-device.ts.
 */
import type { LogId, TreeHash } from "../../src/core/base/ids.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import { sha256 } from "../../src/core/crypto/hash.ts";
import { encodeBatch } from "../../src/core/log/batch.ts";
import { signHead } from "../../src/core/log/head.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import { rangeOf } from "../../src/core/log/ranges.ts";
import { mergeRanges, perfectNodeCount, rootOf } from "../../src/core/log/tree.ts";
import type { Batch } from "../../src/core/log/types.ts";
import type { ByteStream } from "../../src/core/sync/ports.ts";
import { decodeFrame, encodeBatchFrame, encodeFrame } from "../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../src/core/wire/frame-splitter.ts";
import { type Frame, HANDSHAKE_FRAMES } from "../../src/core/wire/frames.ts";
import { Outbox } from "../../src/app/sessions/outbox.ts";
import type { Replica } from "../../src/app/replica/replica.ts";
import type { Random } from "../doubles/random.ts";

export const LIES = [
  /** Says what it holds, as honest devices do. */
  "none",
  /** Brings entries of another device that nobody asked it for. */
  "unsolicited",
  /** Says that it holds all of every log, and more; asked for it, it says that it cannot, or nothing. */
  "offers-more",
  /** Signs a head of its own log far ahead, proves it, and has no entry below it. */
  "far-ahead",
  /** Another byte in what proves or is proved; another byte in a signature. */
  "bad-proof",
  "bad-signature",
  /** Says of every entry that its payload was erased. */
  "erases",
] as const;
/** Of everybody's messages, in its first history: all at once, with all that others wrote called erased, or a few at a time. */
export type Lie = (typeof LIES)[number] | "purges-all" | "purges-few";

/** How far beyond the truth. */
const MORE = 500;
/** Number of a batch frame: docs/spec/sync.md. */
const BATCH = 20;

export class LyingStream implements ByteStream {
  readonly initiator: boolean;
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  readonly peerAddress: string;
  readonly source: AsyncIterable<Uint8Array>;
  readonly abort: () => void;
  readonly #stream: ByteStream;
  readonly #lie: Lie;
  readonly #replica: Replica;
  readonly #random: Random;
  readonly #told: (frame: Frame) => void;
  readonly #madeUp: (bytes: Uint8Array) => void;
  readonly #out = new Outbox();
  readonly #isMute: boolean;
  #isFarAheadSaid = false;

  /** `told`: what the honest device says to it. */
  constructor(
    stream: ByteStream,
    options: {
      readonly lie: Lie;
      readonly replica: Replica;
      readonly random: Random;
      readonly told: (frame: Frame) => void;
      /** Of a leaf or a signature that belongs nowhere, before it is sent. */
      readonly madeUp: (bytes: Uint8Array) => void;
    },
  ) {
    this.#stream = stream;
    this.#lie = options.lie;
    this.#replica = options.replica;
    this.#random = options.random;
    this.#told = options.told;
    this.#madeUp = options.madeUp;
    this.#isMute = options.random.chance(50);
    this.initiator = stream.initiator;
    this.ownTransport = stream.ownTransport;
    this.peerTransport = stream.peerTransport;
    this.peerAddress = stream.peerAddress;
    this.source = this.#listen();
    this.abort = () => {
      this.#out.end();
      stream.abort();
    };
  }

  readonly sink = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    const spoken = this.#speak(bytes).finally(() => this.#out.end());
    await Promise.all([spoken, this.#stream.sink(this.#out)]);
  };

  async #speak(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const splitter = new FrameSplitter({ handshakeFrames: HANDSHAKE_FRAMES });
    for await (const piece of bytes)
      for (const frame of splitter.push(piece)) for (const said of await this.#say(frame)) this.#put(said);
  }

  async *#listen(): AsyncGenerator<Uint8Array> {
    const splitter = new FrameSplitter({ handshakeFrames: HANDSHAKE_FRAMES });
    for await (const piece of this.#stream.source) {
      for (const frame of splitter.push(piece)) this.#hear(decodeFrame(frame));
      yield piece;
    }
  }

  /** What goes out in the place of a frame. */
  async #say(bytes: Uint8Array): Promise<readonly Frame[]> {
    const frame = decodeFrame(bytes);
    switch (this.#lie) {
      case "none":
      case "purges-few":
        return [frame];
      case "unsolicited":
        return frame.kind === "held" ? [frame, ...(await this.#ofAnother())] : [frame];
      case "offers-more":
        if (frame.kind === "frontier") return [this.#frontierOfMore(frame)];
        return this.#isMute && (frame.kind === "absent" || frame.kind === "batch") ? [] : [frame];
      case "far-ahead":
        return frame.kind === "held" ? [frame, this.#needFarAhead()] : [frame];
      case "bad-proof":
        return [frame.kind === "batch" ? { ...frame, batch: this.#damaged(frame.batch) } : frame];
      case "bad-signature":
        return [frame.kind === "batch" ? { ...frame, batch: this.#unsigned(frame.batch) } : frame];
      case "purges-all": {
        const isOthers = frame.kind === "batch" && this.#isContentOfAnother(frame.batch.head.log);
        return [isOthers ? { ...frame, batch: erased(frame.batch) } : frame];
      }
      case "erases":
        return [frame.kind === "batch" ? { ...frame, batch: erased(frame.batch) } : frame];
    }
  }

  #put(frame: Frame): void {
    if (frame.kind === "unknown") return;
    if (frame.kind === "batch") this.#out.put(...encodeBatchFrame(encodeBatch(frame.batch)));
    else this.#out.put(encodeFrame(frame));
  }

  #hear(frame: Frame): void {
    this.#told(frame);
    if (this.#lie !== "far-ahead" || this.#isFarAheadSaid || frame.kind !== "need") return;
    const log = this.#ownLog();
    const isAsked = frame.logs.some((line) => line.log === log && line.headLength > line.knownLength);
    if (!isAsked) return;
    this.#isFarAheadSaid = true;
    this.#put(this.#farAhead());
  }

  /** The first batch of a log that another device wrote. */
  async #ofAnother(): Promise<readonly Frame[]> {
    const { members, frontier, ports, self } = this.#replica;
    for (const { log, device } of members.logs.values()) {
      const head = frontier.get(log)?.head;
      if (device === self || head === undefined) continue;
      const want = { head, ranges: rangeOf(0, head.length), bytesMax: 2_000, newestFirst: true };
      for await (const { bytes } of ports.store.batches(want))
        return [decodeFrame(Buffer.concat([Buffer.of(BATCH), bytes]))];
    }
    return [];
  }

  #frontierOfMore(frame: Extract<Frame, { kind: "frontier" }>): Frame {
    const logs = frame.logs.map((line) => {
      const length = line.length + MORE;
      return { ...line, length, root: this.#random.bytes(32) as TreeHash, held: rangeOf(0, length) };
    });
    return { ...frame, logs };
  }

  /** Whoever names a longer head is asked for it. */
  #needFarAhead(): Frame {
    const length = this.#ownLength() + MORE;
    return {
      kind: "need",
      logs: [{ log: this.#ownLog(), knownLength: length, headLength: length, ranges: [] }],
    };
  }

  #farAhead(): Frame {
    const { account, signingKey, frontier } = this.#replica;
    const log = this.#ownLog();
    const [from, length] = [this.#ownLength(), this.#ownLength() + MORE];
    const nodes = Array.from(
      { length: perfectNodeCount(from, length) },
      () => this.#random.bytes(32) as TreeHash,
    );
    const peaks = mergeRanges(
      { from: 0, to: from, hashes: frontier.get(log)?.peaks ?? [] },
      { from, to: length, hashes: nodes },
    );
    const head = signHead(signingKey, { account, log, length, root: rootOf(peaks, length) });
    return { kind: "extension", from, head, nodes };
  }

  #damaged(batch: Batch): Batch {
    const [left, ...others] = batch.left;
    if (left !== undefined && this.#random.chance(50))
      return { ...batch, left: [flipped(left) as TreeHash, ...others] };
    const [entry, ...rest] = batch.entries;
    const entries: Batch["entries"] = [{ ...entry!, bytes: flipped(entry!.bytes) }, ...rest];
    this.#madeUp(leavesOf(entries)[0]!);
    return { ...batch, entries };
  }

  #unsigned(batch: Batch): Batch {
    const signature = flipped(batch.head.signature);
    this.#madeUp(signature);
    return { ...batch, head: { ...batch.head, signature } };
  }

  #isContentOfAnother(log: LogId): boolean {
    const owner = this.#replica.members.logs.get(log);
    return owner !== undefined && owner.device !== this.#replica.self && owner.logClass !== "control";
  }

  #ownLog(): ReturnType<typeof logIdOf> {
    const { account, self } = this.#replica;
    return logIdOf({ account, device: self, incarnation: 0, logClass: "messages" });
  }

  #ownLength(): number {
    return this.#replica.frontier.get(this.#ownLog())?.head.length ?? 0;
  }
}

function erased(batch: Batch): Batch {
  const entries = batch.entries.map((entry) => ({
    ...entry,
    state: "purged" as const,
    bytes: sha256(entry.bytes),
  }));
  return { ...batch, entries };
}

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed[0]! ^= 1;
  return changed;
}
