/**
 * One side of a sync session without a shell: a model store, a member view, and a machine that is fed by hand. Commits are
 * durable when the test says so.
 */
import { deepEqual, ok } from "node:assert/strict";
import type { LogId } from "../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../src/core/base/ports.ts";
import { decodeBatch } from "../../src/core/log/batch.ts";
import { isComplete } from "../../src/core/log/state.ts";
import type { Ranges } from "../../src/core/log/ranges.ts";
import { perfectNodes } from "../../src/core/log/tree.ts";
import type { Head, LogClass } from "../../src/core/log/types.ts";
import type { MemberView } from "../../src/core/membership/types.ts";
import { possessionDigest } from "../../src/core/sync/possession.ts";
import { SyncSession } from "../../src/core/sync/session.ts";
import type { Input, Output, RangesByLog, SessionView } from "../../src/core/sync/types.ts";
import type { SessionFrame } from "../../src/core/wire/frames.ts";
import {
  createModelAccount,
  memberViewOf,
  type ModelDevice,
} from "../../simulations/sessions/model-account.ts";
import { ModelStore } from "../../simulations/sessions/model-store.ts";
import { Random } from "../../simulations/doubles/random.ts";

/** Three members and one who is none. */
export const syncAccount = createModelAccount(new Random(1), 4);
export const [ann, ben, cat, stranger] = syncAccount.devices as [
  ModelDevice,
  ModelDevice,
  ModelDevice,
  ModelDevice,
];
export const members = [ann, ben, cat];

export class SyncSide implements SessionView {
  readonly self: ModelDevice;
  readonly store: ModelStore;
  readonly session: SyncSession;
  members: MemberView;
  evicted: RangesByLog = new Map();
  wantedBack: RangesByLog = new Map();
  now = 0;

  constructor(
    self: ModelDevice,
    peer: ModelDevice,
    options: { members?: MemberView; initiator?: boolean } = {},
  ) {
    this.self = self;
    this.store = new ModelStore(syncAccount.account, 100);
    this.members = options.members ?? memberViewOf(syncAccount, members);
    this.session = new SyncSession({
      self: self.device,
      peer: peer.device,
      initiator: options.initiator ?? true,
      account: syncAccount.account,
      view: this,
      now: 0 as MonotonicMs,
    });
  }

  get frontier(): ModelStore["frontier"] {
    return this.store.frontier;
  }

  digest(): Uint8Array {
    const { frontier, members: view } = this;
    return possessionDigest({ account: syncAccount.account, frontier, members: view });
  }

  complete(): boolean {
    return [...this.frontier.values()].every(isComplete);
  }

  feed(...inputs: readonly Input[]): readonly Output[] {
    return this.session.handleAll(inputs, this.now as MonotonicMs);
  }

  receive(...frames: readonly SessionFrame[]): readonly Output[] {
    return this.feed(...frames.map((frame) => ({ kind: "received", frame }) as const));
  }

  after(ms: number): readonly Output[] {
    this.now += ms;
    return this.feed({ kind: "woken" });
  }

  /** Both have said what they hold: this side what it has, the peer nothing, or what `frontier` says. */
  open(frontier: SessionFrame = { kind: "frontier", last: true, logs: [] }): readonly Output[] {
    const held: SessionFrame = { kind: "held", digest: new Uint8Array(32), complete: true };
    return [...this.feed({ kind: "opened" }), ...this.receive(held, frontier)];
  }

  /** Makes every commit among the outputs durable, and tells the session. */
  commit(outputs: readonly Output[]): readonly Output[] {
    const inputs: Input[] = [];
    for (const output of outputs) {
      if (output.kind === "commit") this.store.ingest(output.batch, output.adoption);
      if (output.kind === "adopt") this.store.adopt(output.adoption);
      if (output.kind === "commit" || output.kind === "adopt") {
        inputs.push({ kind: "committed", ticket: output.ticket });
      }
    }
    return this.feed(...inputs);
  }

  write(logClass: LogClass, count: number, mark = 0): Head {
    const payloads = Array.from({ length: count }, (_, n) => Uint8Array.of(mark, n % 256, n >> 8));
    return this.store.append(this.self, logClass, payloads);
  }

  /** As a BatchSource gives it, in one batch. */
  batch(log: LogId, from: number, to: number): Extract<SessionFrame, { kind: "batch" }> {
    const { head } = this.frontier.get(log)!;
    const [encoded] = [...this.store.batches(head, [{ from, to }], false)];
    return { kind: "batch", batch: decodeBatch(encoded!.bytes), size: encoded!.bytes.length };
  }

  extension(log: LogId, from: number): Extract<SessionFrame, { kind: "extension" }> {
    const { head } = this.frontier.get(log)!;
    const nodes = this.store.hashes(log, perfectNodes(from, head.length))!;
    return { kind: "extension", from, head, nodes };
  }

  frontierFrame(last = true): Extract<SessionFrame, { kind: "frontier" }> {
    const logs = [...this.frontier].map(([log, { head, held }]) => ({
      log,
      length: head.length,
      root: head.root,
      held,
    }));
    return { kind: "frontier", last, logs };
  }
}

export const kindsOf = (outputs: readonly Output[]): readonly string[] =>
  outputs.map((output) => (output.kind === "send" ? `send ${output.frame.kind}` : output.kind));

export const framesIn = (outputs: readonly Output[]): readonly SessionFrame[] =>
  outputs.flatMap((output) => (output.kind === "send" ? [output.frame] : []));

export function frameIn<Kind extends SessionFrame["kind"]>(
  outputs: readonly Output[],
  kind: Kind,
): Extract<SessionFrame, { kind: Kind }> | undefined {
  return framesIn(outputs).find(
    (frame): frame is Extract<SessionFrame, { kind: Kind }> => frame.kind === kind,
  );
}

export function outputIn<Kind extends Output["kind"]>(
  outputs: readonly Output[],
  kind: Kind,
): Extract<Output, { kind: Kind }> | undefined {
  return outputs.find((output): output is Extract<Output, { kind: Kind }> => output.kind === kind);
}

export const closeReasonIn = (outputs: readonly Output[]): string | undefined =>
  outputIn(outputs, "close")?.reason;

export const range = (from: number, to: number): Ranges => [{ from, to }];

/** What `commit` would be given for entries of `side`'s own log. */
export function verifiedFrom(
  side: SyncSide,
  log: LogId,
  from: number,
  to: number,
): Parameters<ModelStore["ingest"]> {
  const reader = new SyncSide(side.self === ann ? ben : ann, side.self);
  const state = side.frontier.get(log)!;
  reader.open(side.frontierFrame());
  const outputs = reader.receive(side.batch(log, from, to));
  const { batch } = outputIn(outputs, "commit")!;
  return [batch, { from, head: state.head, peaks: state.peaks, nodes: [] }];
}

/** Ann in a session with Ben, who has written 40 messages and said so. */
export function sides(): { side: SyncSide; other: SyncSide; log: LogId } {
  const side = new SyncSide(ann, ben);
  const other = new SyncSide(ben, ann);
  const { log } = other.write("messages", 40);
  side.open(other.frontierFrame());
  return { side, other, log };
}

/** The session asked Ben for these of his log. */
export function asked(from: number, to: number): ReturnType<typeof sides> {
  const all = sides();
  all.side.feed({ kind: "assigned", log: all.log, ranges: range(from, to) });
  return all;
}

/** A fault ends the session with a reason, is the last thing said, and leaves everything as it was. */
export function assertFault(side: SyncSide, outputs: readonly Output[], reason: string): void {
  deepEqual(outputs.at(-1), { kind: "close", reason, byPeer: false });
  deepEqual(framesIn(outputs).at(-1), { kind: "close", reason });
  ok(!outputs.some((output) => output.kind === "commit" || output.kind === "adopt"));
  deepEqual(side.receive({ kind: "beat", digest: new Uint8Array(32), answerWanted: true }), []);
}
