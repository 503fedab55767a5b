/**
 * Runs one session to its end: all the waiting, none of the deciding. Frames, assignments, commits and timers go into the machine one at
 * a time; its outputs are performed in order. Machine: src/core/sync/session.ts. Rules: docs/spec/sync.md.
 */
import type { DeviceId, LogId } from "../../core/base/ids.ts";
import { isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer, MonotonicMs } from "../../core/base/ports.ts";
import { perfectNodes } from "../../core/log/tree.ts";
import type { Fork } from "../../core/log/fork.ts";
import type { Ranges } from "../../core/log/ranges.ts";
import type { Head } from "../../core/log/types.ts";
import { SyncSession } from "../../core/sync/session.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import type {
  FrontierDelta,
  Input,
  KeepSaid,
  Output,
  RangesByLog,
  SentFrame,
  Ticket,
} from "../../core/sync/types.ts";
import { closeReasonFor, decodeFrame, encodeFrame } from "../../core/wire/frame-codec.ts";
import type { CloseReason, SessionFrame } from "../../core/wire/frames.ts";
import type { Replica } from "../replica/replica.ts";
import type { SessionOrigin } from "./duplicate-sessions.ts";
import type { FrameReader } from "./frame-reader.ts";
import type { Outbox } from "./outbox.ts";
import type { Proved } from "./run-handshake.ts";
import { Serving } from "./serving.ts";

const CLOSING_MS = 500;
/** Frames that one turn of the machine takes at most, so that no peer keeps this process to itself. */
const FRAMES_TOGETHER_MAX = 64;
/** Proofs that a peer may wait for at once: more than it can have logs to ask about. */
const EXTENSIONS_MAX = 4_096;

/** What a session tells those who run it. */
export interface SessionEvents {
  readonly peerHas: (session: PeerSession, delta: FrontierDelta, acknowledged: boolean) => void;
  readonly peerDropped: (session: PeerSession, ranges: RangesByLog) => void;
  readonly absent: (session: PeerSession, ranges: RangesByLog) => void;
  /** Durable here, brought by this peer. */
  readonly brought: (session: PeerSession, delta: FrontierDelta) => void;
  readonly equal: (session: PeerSession, equal: boolean) => void;
  readonly suspect: (session: PeerSession) => void;
  /** The peer said this about keeping; an `ask` waits for its answer. */
  readonly keep: (session: PeerSession, said: KeepSaid) => void;
  readonly evidence: (session: PeerSession, fork: Fork) => void;
  readonly ended: (session: PeerSession, reason: CloseReason | null) => void;
}

export class PeerSession {
  readonly peer: DeviceId;
  readonly stream: ByteStream;
  readonly origin: SessionOrigin;
  /** Dialled by hand, or met by itself. */
  readonly via: "lan" | "manual";
  readonly #replica: Replica;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #events: SessionEvents;
  readonly #machine: SyncSession;
  readonly #serving: Serving;
  /** Extensions go out before the batches that were asked for after them. */
  #extended: Promise<void> = Promise.resolve();
  #extensionsDue = 0;
  #cancelTimer: CancelTimer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #ended = false;
  /** What came while outputs were being performed: the machine takes one thing at a time, and so do its outputs. */
  readonly #fed: Input[] = [];
  #isFeeding = false;
  /** To be fed before anything else happens. */
  readonly #gathered: Input[] = [];
  equal = false;

  constructor(input: {
    readonly proved: Proved;
    readonly via: "lan" | "manual";
    readonly replica: Replica;
    readonly stream: ByteStream;
    readonly reader: FrameReader;
    readonly outbox: Outbox;
    readonly events: SessionEvents;
  }) {
    const { proved, replica, stream, reader, outbox, events } = input;
    const { peer, nonce, opening } = proved;
    const { initiator, ownTransport, peerTransport } = stream;
    const now = replica.ports.clock.monotonicMs();
    this.peer = peer;
    this.stream = stream;
    this.origin = { initiator, ownTransport, peerTransport, nonce, openedAtMs: now };
    this.via = input.via;
    this.#replica = replica;
    this.#reader = reader;
    this.#outbox = outbox;
    this.#events = events;
    this.#machine = new SyncSession({
      self: replica.self,
      peer,
      initiator: stream.initiator,
      account: replica.account,
      view: replica,
      now,
      opening,
    });
    this.#serving = new Serving({
      source: replica.ports.store,
      outbox,
      mayServe: () => this.#machine.mayServe,
      feed: (fed) => this.feed(fed),
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Reads frames until the stream or the machine ends. Never rejects. */
  async run(): Promise<void> {
    this.feed({ kind: "opened" });
    try {
      while (!this.#ended) {
        // No deadline here: the machine's own timer closes a silent session.
        const first = await this.#reader.next(Number.POSITIVE_INFINITY as MonotonicMs);
        if (first !== undefined) this.#receive(first);
      }
    } catch (error) {
      const broken = isEngineError(error) && error.code.startsWith("WIRE_");
      this.#end(broken ? closeReasonFor(error) : null);
      if (!isEngineError(error)) throw error;
    } finally {
      this.#end(null);
    }
  }

  feed(...inputs: readonly Input[]): void {
    this.#fed.push(...inputs);
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    while (this.#fed.length > 0 && !this.#ended) {
      const outputs = this.#machine.handleAll(this.#fed.splice(0), this.#replica.ports.clock.monotonicMs());
      for (const output of outputs) if (!this.#isOver()) this.#perform(output);
      this.#serving.advance();
    }
    this.#isFeeding = false;
    if (this.#outbox.overflowed) this.#end(null);
    this.#setTimer();
  }

  assign(log: LogId, ranges: Ranges, wanted: boolean): void {
    this.feed({ kind: wanted ? "assigned" : "unassigned", log, ranges });
  }

  /** Says why, where that helps the peer, and ends the stream. */
  close(reason: CloseReason): void {
    this.#end(reason);
  }

  /** The one place where a peer's bytes are decoded. What is here already is taken together, so that answers share frames. */
  #receive(first: Uint8Array): void {
    const inputs: Input[] = [];
    try {
      for (let bytes: Uint8Array | undefined = first; bytes !== undefined; bytes = this.#reader.ready()) {
        inputs.push({ kind: "received", frame: decodeFrame(bytes) as SessionFrame });
        if (inputs.length === FRAMES_TOGETHER_MAX) break;
      }
    } catch (error) {
      if (!isEngineError(error)) throw error;
      this.feed(...inputs);
      this.#end(closeReasonFor(error));
      return;
    }
    this.feed(...inputs);
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case "send":
        this.#send(output.frame);
        return;
      case "serve":
        this.#serving.serve(output, this.#extended).catch((error: unknown) => this.#storeFailed(error));
        return;
      case "stop":
        this.#serving.stop(output.ticket);
        return;
      case "extend":
        if (++this.#extensionsDue > EXTENSIONS_MAX) return this.#end("limit");
        this.#extended = this.#extend(this.#extended, output.from, output.head).catch((error: unknown) =>
          this.#storeFailed(error),
        );
        return;
      case "commit": {
        const { ticket, batch, adoption } = output;
        const range = { from: batch.from, to: batch.from + batch.entries.length };
        this.#settle(ticket, this.#replica.writer.ingest(batch, adoption), {
          heads: [batch.head],
          ranges: new Map([[batch.head.log, [range]]]),
        });
        return;
      }
      case "adopt":
        this.#settle(output.ticket, this.#replica.writer.adopt(output.adoption), {
          heads: [output.adoption.head],
          ranges: new Map(),
        });
        return;
      case "peerHas":
        this.#events.peerHas(this, output.delta, output.acknowledged);
        return;
      case "peerDropped":
        this.#events.peerDropped(this, output.ranges);
        return;
      case "absent":
        this.#events.absent(this, output.ranges);
        return;
      case "equal":
        this.equal = output.equal;
        this.#events.equal(this, output.equal);
        return;
      case "suspect":
        this.#events.suspect(this);
        return;
      case "keep":
        this.#events.keep(this, output);
        return;
      case "evidence":
        this.#events.evidence(this, output.fork);
        return;
      case "close":
        // The machine has said so itself, where it is for it to say.
        this.#finish(output.reason);
        return;
    }
  }

  #send(frame: SentFrame): void {
    this.#outbox.put(encodeFrame(frame));
  }

  #settle(ticket: Ticket, done: Promise<void>, delta: FrontierDelta): void {
    done.then(
      () => {
        // Counted first: when the machine says that both hold the same, nothing is missing any more.
        this.#events.brought(this, delta);
        this.#feedTogether({ kind: "committed", ticket });
      },
      (error: unknown) => {
        const code = isEngineError(error) ? error.code : "UNEXPECTED";
        this.feed({ kind: "failed", ticket, code });
        if (!isEngineError(error)) throw error;
      },
    );
  }

  /** What one write made durable comes one by one, without anything in between: it is acknowledged in one frame. */
  #feedTogether(input: Input): void {
    this.#gathered.push(input);
    if (this.#gathered.length === 1)
      void Promise.resolve().then(() => this.feed(...this.#gathered.splice(0)));
  }

  async #extend(before: Promise<void>, from: number, head: Head): Promise<void> {
    await before;
    // Nobody waits for it any more.
    if (this.#ended) return;
    const nodes = await this.#replica.ports.store.nodes(head.log, perfectNodes(from, head.length));
    this.#extensionsDue--;
    if (nodes !== undefined && !this.#ended) this.#send({ kind: "extension", from, head, nodes });
  }

  #storeFailed(error: unknown): void {
    this.#end("shutting-down");
    if (!isEngineError(error)) throw error;
  }

  #setTimer(): void {
    if (this.#ended || this.#machine.wakeAt === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = this.#machine.wakeAt;
    if (!Number.isFinite(this.#timerAt)) return;
    const { clock } = this.#replica.ports;
    this.#cancelTimer = clock.after(Math.max(0, this.#timerAt - clock.monotonicMs()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.feed({ kind: "woken" });
    });
  }

  #end(reason: CloseReason | null): void {
    if (!this.#ended && reason !== null) this.#send({ kind: "close", reason });
    this.#finish(reason);
  }

  #isOver(): boolean {
    return this.#ended;
  }

  #finish(reason: CloseReason | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer?.();
    this.#serving.end();
    this.#outbox.end();
    if (reason === null) this.stream.abort();
    // A closing word has a moment to go out; a peer that does not read it costs nothing more.
    else this.#replica.ports.clock.after(CLOSING_MS, () => this.stream.abort());
    this.#events.ended(this, reason);
  }
}
