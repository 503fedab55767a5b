/**
 * What the world remembers in order to judge: every commit that became durable, every frame that was sent, every head that was signed,
 * everything that a person was promised. Checks at once what can be checked at once; judge.ts compares devices with each other.
 * Numbers of invariants: registers/invariants.ts.
 */
import { createHash, hash } from "node:crypto";
import { hex } from "../../src/core/base/bytes.ts";
import type { LogId, MessageId } from "../../src/core/base/ids.ts";
import { covers, type Ranges, subtract, union } from "../../src/core/log/ranges.ts";
import { messageRowKey } from "../../src/core/inbox/row-keys.ts";
import { decodeMessageRow } from "../../src/core/inbox/rows.ts";
import type { ForkEvidence } from "../../src/app/node/alarm-types.ts";
import type { Commit } from "../../src/core/sync/ports.ts";
import { decodeFrame } from "../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../src/core/wire/frame-splitter.ts";
import { HANDSHAKE_FRAMES, type SessionFrame } from "../../src/core/wire/frames.ts";
import { checkEvidence } from "../../test/support/evidence-reference.ts";
import type { MemoryDisk } from "../doubles/memory-disk.ts";
import { Canaries } from "./canary.ts";
import { KeepingWitness } from "./keeping-witness.ts";
import type { Machine } from "./machine.ts";
import { PurgeWitness } from "./purge-witness.ts";
import { Violation } from "./violation.ts";
import { Words } from "./words.ts";

/** Numbers of frames that a sender speaks for its own disk with; and of the one that a quiet pair may send. */
const FRONTIER = 17;
const ACK = 21;
const BEAT = 22;
const CLOSE = 23;
const SYNC_LINE = "/kinlog/sync/1";

/** A message that `send` has returned for. */
export interface Promised {
  readonly id: MessageId;
  readonly machine: Machine;
  readonly conversation: string;
  readonly text: string;
  /** Somebody else wrote it. */
  readonly isReceived: boolean;
}

interface EntryPlace {
  readonly log: LogId;
  readonly position: number;
}

export class Witness {
  readonly canaries = new Canaries();
  readonly words: Words;
  readonly purges: PurgeWitness;
  readonly keeping: KeepingWitness;
  readonly promised = new Map<MessageId, Promised>();
  /** Everything that somebody tried to write, promised or not. */
  readonly written = new Set<string>();
  /** Where entries stand that this version does not know. */
  readonly unknown = new Set<EntryPlace>();
  /** Logs whose author has two lives, or lies: heads of these may contradict each other. */
  readonly forked = new Set<string>();
  /** The other logs of a hostile device: each has one history, and the device may leave before it has shown all of it. */
  readonly hostileLogs = new Set<string>();
  /** Of which forks the people of each device have been told. */
  readonly forksTold = new Map<Machine, Set<string>>();
  /** Leaves and signatures that a hostile member made up: no device may ever write one down. */
  readonly #refused = new Set<string>();
  /** What each device has said that it holds, to whomever. */
  readonly #vouched = new Map<Machine, Map<LogId, Ranges>>();
  readonly #fresh: Promised[] = [];
  framesSent = 0;
  beatsSent = 0;
  readonly #count: (path: string) => void;
  readonly #trace: (line: () => string) => void;
  /** Told, not thrown: what is checked in the middle of the program under test must not change its course. */
  onViolation: (violation: Violation) => void;
  readonly #lengths = new WeakMap<MemoryDisk, Map<LogId, number>>();
  readonly #roots = new Map<string, string>();
  readonly #leaves = new Map<string, string>();
  readonly #nonces = new Set<string>();
  readonly #signed = new Map<string, string>();
  readonly #splitters = new Map<string, FrameSplitter>();
  readonly #tails = new Map<string, Uint8Array>();
  /** Of which messages each machine was told, and where they stood then; null: nowhere. */
  readonly #told = new Map<Machine, Map<MessageId, readonly (EntryPlace | null)[]>>();
  readonly #watched = new WeakSet<MemoryDisk>();

  constructor(tell: {
    readonly count: (path: string) => void;
    readonly trace: (line: () => string) => void;
    readonly fail: (violation: Violation) => void;
  }) {
    this.#count = tell.count;
    this.words = new Words(tell.count);
    this.purges = new PurgeWitness(
      tell.count,
      (invariant, condition, what) => this.#hold(invariant, condition, what),
      (message) => this.words.about({ of: "bin", message }).some(({ value }) => value === "bin"),
    );
    this.keeping = new KeepingWitness(tell.count, (invariant, condition, what) =>
      this.#hold(invariant, condition, what),
    );
    this.#trace = tell.trace;
    this.onViolation = tell.fail;
  }

  #hold(invariant: number, condition: boolean, what: () => string): void {
    if (!condition) this.onViolation(new Violation(invariant, what()));
  }

  /** 12: no nonce twice under one key, whoever seals and whatever becomes of it. */
  sealed(keyAndNonce: string): void {
    this.#hold(12, !this.#nonces.has(keyAndNonce), () => "a nonce was used twice under one key");
    this.#nonces.add(keyAndNonce);
  }

  /** 4: one run of a program signs no two heads of one length, also where neither becomes durable. */
  headSigned(author: string, log: string, length: number, root: string): void {
    const name = `${author} ${log} ${length}`;
    const known = this.#signed.get(name);
    this.#hold(
      4,
      known === undefined || known === root || this.forked.has(log),
      () => `two heads of length ${length} were signed in one run`,
    );
    this.#signed.set(name, root);
  }

  /** What a run that has ended had signed and not written down left the machine never. */
  runEnded(machine: Machine): void {
    if (machine.device === null) return;
    for (const name of this.#signed.keys()) if (name.startsWith(machine.device)) this.#signed.delete(name);
  }

  watch(machine: Machine, disk: MemoryDisk): void {
    if (this.#watched.has(disk)) return;
    this.#watched.add(disk);
    disk.onDurable.push((commit, isFailed) => this.#durable(machine, disk, commit, isFailed));
  }

  #durable(machine: Machine, disk: MemoryDisk, commit: Commit, isFailed: boolean): void {
    this.#trace(() => `${machine.name} durable ${digestOf(commit)}`);
    const lengths = this.#lengths.get(disk) ?? new Map<LogId, number>();
    this.#lengths.set(disk, lengths);
    for (const { state, from, entries, leaves } of commit.logs) {
      const { log, length, root } = state.head;
      const before = lengths.get(log) ?? 0;
      this.#hold(
        7,
        length >= before,
        () => `${machine.name} went back from length ${before} to ${length} of one log`,
      );
      // What lies there of a write that failed is known to nobody, and is written again.
      if (!isFailed) lengths.set(log, length);
      this.#oneHead(log, length, hex(root));
      this.#notRefused(machine, state.head.signature);
      for (const [at, entry] of entries.entries()) {
        this.#oneLeaf(log, from + at, hex(leaves[at]!));
        this.#notRefused(machine, leaves[at]!);
        this.#secret(entry.bytes, "an entry", machine);
      }
    }
    this.purges.durable(machine, commit);
    this.keeping.durable(machine, disk, commit);
    for (const [key, row] of commit.puts) {
      if (key.startsWith("m")) this.#early(row);
      this.#secret(Buffer.from(key, "latin1"), "a row's key", machine);
      this.#secret(row, "a row", machine);
    }
    for (const [name, value] of commit.meta)
      if (value !== null) this.#secret(value, `the value ${name.split("/")[0]}`, machine);
  }

  /** What names a message may come before it. */
  #early(row: Uint8Array): void {
    const { content, marks, register } = decodeMessageRow(row);
    if (content !== null) return;
    if (register !== null) this.#count("delete before its message");
    if (marks !== 0) this.#count("operation before its message");
  }

  /** A leaf or a signature that belongs nowhere is about to be sent to a device. */
  mustBeRefused(bytes: Uint8Array): void {
    this.#refused.add(hex(bytes));
  }

  /** 10: what was refused has left no trace. */
  #notRefused(machine: Machine, bytes: Uint8Array): void {
    this.#hold(
      10,
      this.#refused.size === 0 || !this.#refused.has(hex(bytes)),
      () => `${machine.name} took in what proves nothing`,
    );
  }

  #oneHead(log: LogId, length: number, root: string): void {
    const known = this.#roots.get(`${log}/${length}`);
    if (known === undefined) this.#roots.set(`${log}/${length}`, root);
    this.#hold(
      4,
      known === undefined || known === root || this.forked.has(log),
      () => `two heads of length ${length} became durable in one log`,
    );
  }

  #oneLeaf(log: LogId, position: number, leaf: string): void {
    const known = this.#leaves.get(`${log}/${position}`);
    if (known === undefined) this.#leaves.set(`${log}/${position}`, leaf);
    this.#hold(
      10,
      known === undefined || known === leaf || this.forked.has(log),
      () => `position ${position} of one log was taken in with other bytes`,
    );
  }

  #secret(bytes: Uint8Array, where: string, machine: Machine): void {
    this.#hold(
      11,
      !this.canaries.isIn(bytes),
      () => `${where} on the disk of ${machine.name} holds a text, a name or a key in the clear`,
    );
  }

  /** Every piece as it leaves a host. */
  heard(piece: Uint8Array, line: string, machine: Machine | undefined): void {
    this.#trace(() => `piece ${line} ${hash("sha256", piece).slice(0, 12)}`);
    const tail = this.#tails.get(line);
    const whole = tail === undefined ? piece : Buffer.concat([tail, piece]);
    this.#tails.set(line, whole.slice(-24));
    this.#hold(
      11,
      !this.canaries.isIn(whole),
      () => "a text, a name or a key went over the network in the clear",
    );
    if (machine === undefined || !line.includes(SYNC_LINE)) return;
    const splitter = this.#splitters.get(line) ?? new FrameSplitter({ handshakeFrames: HANDSHAKE_FRAMES });
    this.#splitters.set(line, splitter);
    for (const frame of splitter.push(piece)) this.#frame(frame, machine);
  }

  #frame(bytes: Uint8Array, machine: Machine): void {
    const [kind] = bytes;
    this.framesSent++;
    if (kind === BEAT) this.beatsSent++;
    if (kind !== ACK && kind !== FRONTIER && kind !== CLOSE) return;
    const frame = decodeFrame(bytes) as SessionFrame;
    if (frame.kind === "close") this.#closed(machine, frame.reason);
    if (frame.kind === "ack" && !frame.dropped)
      for (const { log, ranges } of frame.logs) this.#claimed(machine, log, ranges, "acknowledged");
    if (frame.kind === "frontier")
      for (const { log, held } of frame.logs) this.#claimed(machine, log, held, "offered");
  }

  #closed(machine: Machine, reason: string): void {
    this.#trace(() => `${machine.name} closes ${reason}`);
    this.#count(`session closed ${reason}`);
  }

  /** 2: a device says that it holds only what its own disk has. */
  #claimed(machine: Machine, log: LogId, ranges: Ranges, how: string): void {
    const held = machine.disk?.state.logs.get(log)?.state.held ?? [];
    const missing = subtract(ranges, held).filter((range) => !machine.wasDamaged(log, range));
    this.#hold(
      2,
      covers(held, ranges) || missing.length === 0,
      () => `${machine.name} ${how} what its disk does not hold`,
    );
    const vouched = this.#vouched.get(machine) ?? new Map<LogId, Ranges>();
    this.#vouched.set(machine, vouched);
    vouched.set(log, union(vouched.get(log) ?? [], ranges));
  }

  /**
   * 2: what a device has said that it holds stays on its disk, whether its program runs or not. So what r devices have acknowledged lies
   * on r disks, and the loss of all but one of them leaves it.
   */
  checkVouched(): void {
    for (const [machine, vouched] of this.#vouched)
      for (const [log, ranges] of vouched) {
        const held = machine.disk?.state.logs.get(log)?.state.held ?? [];
        if (covers(held, ranges)) continue;
        const missing = subtract(ranges, held).filter((range) => !machine.wasDamaged(log, range));
        this.#hold(2, missing.length === 0, () => `${machine.name} lost what others count on it for`);
      }
  }

  /** A device that has two lives, or begins again from an old one: its own logs may contradict each other, and it may hear again. */
  forgive(machine: Machine, logs: readonly LogId[]): void {
    for (const log of logs) this.forked.add(log);
    this.#told.delete(machine);
    this.#vouched.delete(machine);
    for (const [id, promised] of this.promised) if (promised.machine === machine) this.promised.delete(id);
  }

  /**
   * 9: an application hears of a message once, whatever was cut and however often the program ran. But where the place at which it stood
   * was damaged, it may have been forgotten: it is news once it is back, and once it is taken in again and stands elsewhere. The latter holds
   * as well where its text was on another device while the view was built again.
   */
  messageEvent(machine: Machine, id: MessageId): void {
    const told = this.#told.get(machine) ?? new Map<MessageId, readonly (EntryPlace | null)[]>();
    this.#told.set(machine, told);
    const before = told.get(id) ?? [];
    const now = standsAt(machine, id);
    const wasDamaged = (place: EntryPlace | null): boolean =>
      place !== null && machine.wasDamaged(place.log, { from: place.position, to: place.position + 1 });
    const wasTakenInAgain = (place: EntryPlace | null): boolean =>
      place !== null && !isSamePlace(place, now) && this.keeping.wasUnfolded(machine, place);
    this.#hold(
      9,
      before.every((place) => wasDamaged(place ?? now) || wasTakenInAgain(place)),
      () => `${machine.name} told of one message twice`,
    );
    told.set(id, [...before, now]);
  }

  /** 4: a person has been told that a log was written in two ways, with what proves it to a second program; never of an honest log. */
  forkTold(machine: Machine, evidence: ForkEvidence): void {
    const { account, device, log, heads, nodes } = evidence;
    this.#hold(4, this.forked.has(log), () => `${machine.name} was told of a fork of an honest log`);
    this.#hold(
      4,
      device !== null && checkEvidence({ account, device, log, heads, nodes }),
      () => `${machine.name} was told of a fork without evidence for it`,
    );
    const told = this.forksTold.get(machine) ?? new Set<string>();
    this.forksTold.set(machine, told.add(log));
  }

  /** What was promised since this was asked last. */
  takeFresh(): readonly Promised[] {
    return this.#fresh.splice(0);
  }

  promise(promised: Promised): void {
    this.#fresh.push(promised);
    this.#hold(9, !this.promised.has(promised.id), () => "two messages have one id");
    this.promised.set(promised.id, promised);
    this.#count("messages promised");
  }
}

/** Which entry the view of a machine has of a message; null where it has none. */
function standsAt({ disk }: Machine, id: MessageId): EntryPlace | null {
  const row = disk?.state.rows.get(messageRowKey(id));
  const content = row === undefined ? null : decodeMessageRow(row).content;
  const log = content === null ? undefined : disk?.state.logOf(content.place.logNumber);
  return content === null || log === undefined ? null : { log, position: content.place.position };
}

function isSamePlace(a: EntryPlace, b: EntryPlace | null): boolean {
  return a.log === b?.log && a.position === b.position;
}

/** For traces: which logs and rows, and what is in them. */
function digestOf(commit: Commit): string {
  const digest = createHash("sha256");
  for (const { state, from, entries } of commit.logs) {
    digest.update(`${state.head.log} ${state.head.length} ${from}`).update(state.head.signature);
    for (const { bytes } of entries) digest.update(bytes);
  }
  for (const [key, row] of commit.puts) digest.update(key).update(row);
  for (const [name, value] of commit.meta) digest.update(name).update(value ?? "");
  return digest.digest("hex").slice(0, 16);
}
