/**
 * One end of one connection: bytes, frames, handshake, session. Performs what the machines put out, and keeps books of its own
 * to hold the session's promises against them.
 */
import { assert } from "../../src/core/base/errors.ts";
import type { DeviceId } from "../../src/core/base/ids.ts";
import { covers, subtract } from "../../src/core/log/ranges.ts";
import { perfectNodes } from "../../src/core/log/tree.ts";
import {
  InitiatorHandshake,
  type HandshakeOutput,
  ResponderHandshake,
} from "../../src/core/sync/handshake.ts";
import type { EncodedBatch } from "../../src/core/sync/ports.ts";
import { type OpeningHeld, openingHeld } from "../../src/core/sync/comparing.ts";
import { SyncSession } from "../../src/core/sync/session.ts";
import type { Input, Output, Ticket } from "../../src/core/sync/types.ts";
import { decodeFrame, encodeBatchFrame, encodeFrame } from "../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../src/core/wire/frame-splitter.ts";
import {
  type Frame,
  HANDSHAKE_FRAMES,
  type HandshakeFrame,
  type LogRanges,
  type SessionFrame,
} from "../../src/core/wire/frames.ts";
import type { SimDevice } from "./sim-device.ts";
import type { StreamEnd } from "./sim-stream.ts";
import type { OpenSession } from "./surroundings.ts";

/** docs/spec/sync.md, "Credit". */
const CREDIT_BATCHES = 8;
const CREDIT_BYTES = 4 * 1024 * 1024;

type Work =
  | { readonly kind: "extend"; readonly output: Extract<Output, { kind: "extend" }> }
  | { readonly kind: "serve"; readonly ticket: Ticket; readonly batches: Iterator<EncodedBatch> };

export class SimSession implements OpenSession {
  readonly device: SimDevice;
  readonly dialled: DeviceId;
  readonly #end: StreamEnd;
  readonly #isInitiator: boolean;
  readonly #splitter = new FrameSplitter({ handshakeFrames: HANDSHAKE_FRAMES });
  readonly #pushes: Work[] = [];
  readonly #answers: Work[] = [];
  readonly #stopped = new Set<Ticket>();
  readonly #unacknowledged: { log: string; ranges: LogRanges["ranges"]; bytes: number }[] = [];
  #handshake: InitiatorHandshake | ResponderHandshake | undefined;
  #opening: OpeningHeld | undefined;
  #session: SyncSession | undefined;
  #peer: DeviceId | undefined;
  #isPumping = false;
  #wakesAt = Infinity;
  #isOver = false;
  isEqual = false;
  closeReason: string | undefined;
  /** Bytes sent by kind of frame, their sizes included. */
  readonly sent = new Map<string, number>();

  /** `dialled` is for the books of the world only: the machines learn from the handshake who it is. */
  constructor(device: SimDevice, end: StreamEnd, isInitiator: boolean, dialled: DeviceId) {
    this.device = device;
    this.dialled = dialled;
    this.#end = end;
    this.#isInitiator = isInitiator;
    end.onBytes = (bytes) => this.#receive(bytes);
    end.onEnd = () => this.#finish("lost");
    const { account, model, world } = device;
    const options = {
      protocol: "/kinlog/sync/1",
      ownTransport: end.transport,
      peerTransport: end.peer.transport,
      account: account.account,
      key: model.key,
      nonce: world.random.bytes(32),
      now: world.queue.now,
    };
    this.#handshake = isInitiator
      ? new InitiatorHandshake({ ...options, discoveryKey: account.discoveryKey })
      : new ResponderHandshake({ ...options, discoveryKeys: [account.discoveryKey] });
    this.#shake(this.#handshake.handle({ kind: "start" }, world.queue.now));
    this.#scheduleWake();
  }

  get peer(): DeviceId {
    assert(this.#peer !== undefined, "the handshake is done");
    return this.#peer;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#session?.counters ?? {};
  }

  feed(input: Input): void {
    if (this.#isOver || this.#session === undefined) return;
    this.#perform(this.#session.handle(input, this.device.world.queue.now));
    this.#pumpSoon();
    this.#scheduleWake();
  }

  close(): void {
    this.#send({ kind: "close", reason: "replaced" });
    this.#end.end();
    this.#finish("replaced");
  }

  #receive(bytes: Uint8Array): void {
    for (const encoded of this.#splitter.push(bytes)) {
      if (this.#isOver) return;
      const frame = decodeFrame(encoded);
      this.device.world.trace(() => `${this.#name()} got ${frame.kind} ${encoded.length}`);
      if (this.#session !== undefined) {
        if (frame.kind === "ack" || frame.kind === "need") this.#settle(frame.logs);
        if (frame.kind === "absent") this.device.world.count("absent");
        this.feed({ kind: "received", frame: frame as SessionFrame });
      } else {
        const { now } = this.device.world.queue;
        this.#shake(this.#handshake!.handle({ kind: "received", frame: frame as HandshakeFrame }, now));
      }
    }
  }

  #shake(outputs: readonly HandshakeOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          this.#send(output.frame);
          break;
        case "proved":
          this.#opening = openingHeld(this.device);
          this.#send(this.#opening.frame);
          break;
        case "failed":
          this.#end.end();
          this.#finish(output.cause);
          break;
        case "done":
          this.#open(output.peerDevice);
      }
    }
  }

  #open(peer: DeviceId): void {
    this.#peer = peer;
    const { device } = this;
    const older = device.sessions.get(peer);
    device.sessions.set(peer, this);
    if (older !== undefined) {
      device.assign(device.planner.gone(peer, device.world.queue.now));
      older.close();
    }
    this.#session = new SyncSession({
      self: device.model.device,
      peer,
      initiator: this.#isInitiator,
      account: device.account.account,
      view: device,
      now: device.world.queue.now,
      opening: this.#opening,
    });
    this.feed({ kind: "opened" });
  }

  #perform(outputs: readonly Output[]): void {
    const { device } = this;
    const { world } = device;
    for (const output of outputs) {
      if (this.#isOver) return;
      switch (output.kind) {
        case "send":
          this.#checkAck(output.frame);
          this.#send(output.frame);
          break;
        case "serve": {
          world.count(output.isPush ? "pushes" : "answers");
          const batches = device.store.batches(output.head, output.ranges, output.newestFirst);
          (output.isPush ? this.#pushes : this.#answers).push({
            kind: "serve",
            ticket: output.ticket,
            batches,
          });
          break;
        }
        case "stop":
          this.#stopped.add(output.ticket);
          break;
        case "extend":
          this.#answers.push({ kind: "extend", output });
          break;
        case "commit":
          if (output.adoption !== null) world.count("adoptedByBatch");
          device.commit(this, output.batch, output.adoption, (ok) => this.#committed(output.ticket, ok));
          break;
        case "adopt":
          world.count("adoptedByExtension");
          device.adopt(this, output.adoption, (ok) => this.#committed(output.ticket, ok));
          break;
        case "peerHas":
          device.assign(device.planner.offer(this.peer, output.delta, world.queue.now));
          break;
        case "peerDropped":
          world.count("dropped");
          break;
        case "absent":
          device.assign(device.planner.absent(this.peer, output.ranges, world.queue.now));
          break;
        case "equal":
          this.isEqual = output.equal;
          break;
        case "keep":
          // These devices evict nothing, so nobody asks.
          world.count("keep");
          break;
        case "suspect":
          world.suspect(device.model.device, this.peer);
          break;
        case "evidence":
          world.count("evidence");
          break;
        case "close":
          this.#end.end();
          this.#finish(output.reason);
      }
    }
  }

  #committed(ticket: Ticket, ok: boolean): void {
    if (!ok) this.device.world.count("failed");
    this.feed(ok ? { kind: "committed", ticket } : { kind: "failed", ticket, code: "DISK_FULL" });
  }

  #pumpSoon(): void {
    if (this.#isPumping || this.#isOver || this.#pushes.length + this.#answers.length === 0) return;
    this.#isPumping = true;
    const { queue, random } = this.device.world;
    queue.after(random.between(0, 2), () => {
      this.#isPumping = false;
      this.#pump();
      this.#pumpSoon();
    });
  }

  /** One piece of work; pushes go first. Stops where the credit is used up, until an acknowledgement comes. */
  #pump(): void {
    const works = this.#pushes.length > 0 ? this.#pushes : this.#answers;
    const work = works[0];
    if (work === undefined || this.#isOver) return;
    if (work.kind === "extend") {
      works.shift();
      const { from, head } = work.output;
      const nodes = this.device.store.hashes(head.log, perfectNodes(from, head.length));
      if (nodes !== undefined) this.#send({ kind: "extension", from, head, nodes });
      return;
    }
    if (!this.#session!.mayServe) return;
    const next = this.#stopped.has(work.ticket) ? undefined : work.batches.next();
    if (next === undefined || next.done === true) {
      works.shift();
      return this.feed({ kind: "exhausted", ticket: work.ticket });
    }
    this.#sendBatch(work.ticket, next.value);
  }

  #sendBatch(ticket: Ticket, { bytes, log, from, to }: EncodedBatch): void {
    const used = this.#unacknowledged.reduce((sum, sent) => sum + sent.bytes, 0);
    assert(
      this.#unacknowledged.length < CREDIT_BATCHES && used < CREDIT_BYTES,
      "the credit is never exceeded",
    );
    const ranges = [{ from, to }];
    this.#unacknowledged.push({ log, ranges, bytes: bytes.length });
    for (const part of encodeBatchFrame(bytes)) this.#sendBytes("batch", part);
    this.device.world.frameSent("batch");
    this.feed({ kind: "served", ticket, log, ranges, bytes: bytes.length });
  }

  /** Positions that the peer acknowledged, dropped or asked for again no longer count. */
  #settle(logs: readonly LogRanges[]): void {
    for (const { log, ranges } of logs) {
      for (const sent of this.#unacknowledged) {
        if (sent.log === log) sent.ranges = subtract(sent.ranges, ranges);
      }
    }
    const left = this.#unacknowledged.filter((sent) => sent.ranges.length > 0);
    this.#unacknowledged.splice(0, Infinity, ...left);
  }

  /** An acknowledgement speaks for what is durable. */
  #checkAck(frame: SessionFrame): void {
    if (frame.kind !== "ack" || frame.dropped) return;
    for (const { log, ranges } of frame.logs) {
      assert(covers(this.device.frontier.get(log)?.held ?? [], ranges), "what is acknowledged is durable");
    }
  }

  #send(frame: Exclude<Frame, { kind: "unknown" }>): void {
    this.#sendBytes(frame.kind, encodeFrame(frame));
    this.device.world.frameSent(frame.kind);
  }

  #sendBytes(kind: string, bytes: Uint8Array): void {
    this.sent.set(kind, (this.sent.get(kind) ?? 0) + bytes.length);
    this.#end.send(bytes);
  }

  #scheduleWake(): void {
    const machine = this.#session ?? this.#handshake;
    if (machine === undefined || this.#isOver || machine.wakeAt >= this.#wakesAt) return;
    const at = machine.wakeAt;
    this.#wakesAt = at;
    const { queue } = this.device.world;
    queue.after(at - queue.now, () => {
      if (this.#wakesAt !== at) return;
      this.#wakesAt = Infinity;
      if (this.#session !== undefined) return this.feed({ kind: "woken" });
      this.#shake(this.#handshake!.handle({ kind: "woken" }, queue.now));
      this.#scheduleWake();
    });
  }

  #finish(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.closeReason = reason;
    const { device } = this;
    device.world.trace(() => `${this.#name()} over ${reason}`);
    if (this.#peer !== undefined && device.sessions.get(this.#peer) === this) {
      device.sessions.delete(this.#peer);
      device.assign(device.planner.gone(this.#peer, device.world.queue.now));
    }
    device.world.sessionOver(device.model.device, this.dialled, reason);
  }

  #name(): string {
    return `${this.device.model.device.slice(0, 4)}-${this.#peer?.slice(0, 4) ?? "?"}`;
  }
}
