/**
 * A store as sync sees it, without a disk: logs, entries and tree nodes in maps, every call done at once. A slow and obvious
 * model, not the double that the application runs with (simulations/doubles/memory-store.ts).
 */
import { equalBytes } from "../../src/core/base/bytes.ts";
import { assert } from "../../src/core/base/errors.ts";
import type { AccountId, LogId, TreeHash } from "../../src/core/base/ids.ts";
import { LogAppender } from "../../src/core/log/appender.ts";
import { encodeBatch } from "../../src/core/log/batch.ts";
import { extendFromBatch } from "../../src/core/log/extension.ts";
import { signHead } from "../../src/core/log/head.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import { contains, intersect, type Ranges, rangeOf, subtract } from "../../src/core/log/ranges.ts";
import { adopt, prefixLengthWith, withHeld } from "../../src/core/log/state.ts";
import { nodeHash, perfectNodes, rootOf } from "../../src/core/log/tree.ts";
import type {
  BatchEntry,
  Head,
  KnownNode,
  LogClass,
  LogState,
  TreeNode,
  VerifiedBatch,
} from "../../src/core/log/types.ts";
import type { EncodedBatch } from "../../src/core/sync/ports.ts";
import type { Adoption } from "../../src/core/sync/types.ts";
import type { ModelDevice } from "./model-account.ts";

interface ModelLog {
  readonly entries: Map<number, BatchEntry>;
  readonly leaves: Map<number, TreeHash>;
  readonly nodes: Map<string, TreeHash>;
}

const CLEAR = { version: 1, flags: 1, epoch: null } as const;

export class ModelStore {
  readonly frontier = new Map<LogId, LogState>();
  readonly #logs = new Map<LogId, ModelLog>();
  readonly #account: AccountId;
  readonly #entriesPerBatch: number;

  constructor(account: AccountId, entriesPerBatch: number) {
    this.#account = account;
    this.#entriesPerBatch = entriesPerBatch;
  }

  /** Appends entries of the device's own, signed once. */
  append(author: ModelDevice, logClass: LogClass, payloads: readonly Uint8Array[]): Head {
    const log = author.logs[logClass];
    const known = this.frontier.get(log);
    const entries = payloads.map((bytes): BatchEntry => ({
      kind: CLEAR,
      state: "present",
      payloadLength: bytes.length,
      bytes,
    }));
    const appended = LogAppender.at(known).append(leavesOf(entries));
    const { length, root, peaks } = appended.next;
    const head = signHead(author.key, { account: this.#account, log, length, root });
    this.#put(log, appended.from, entries, appended.leaves);
    this.frontier.set(log, this.#withHeld(adopt(known, head, peaks), rangeOf(appended.from, length)));
    return head;
  }

  /** Takes in what is not here yet, and returns it. Undefined where the head cannot be placed any more. */
  ingest(batch: VerifiedBatch, adoption: Adoption | null): Ranges | undefined {
    const { log } = batch.head;
    const known = this.frontier.get(log);
    const state = this.#place(known, batch, adoption);
    if (state === undefined) return undefined;
    const range = rangeOf(batch.from, batch.from + batch.entries.length);
    const fresh = subtract(range, state.held);
    this.#keep(log, batch.nodes);
    this.#put(log, batch.from, batch.entries, batch.leaves);
    this.frontier.set(log, this.#withHeld(state, range));
    return fresh;
  }

  adopt(adoption: Adoption): void {
    const known = this.frontier.get(adoption.head.log);
    if ((known?.head.length ?? 0) !== adoption.from) return;
    this.#keep(adoption.head.log, adoption.nodes);
    this.frontier.set(adoption.head.log, adopt(known, adoption.head, adoption.peaks));
  }

  /** Encoded batches one after the other, as a BatchSource gives them. */
  *batches(head: Head, ranges: Ranges, newestFirst: boolean): Generator<EncodedBatch> {
    for (const { from, to } of newestFirst ? ranges.toReversed() : ranges) {
      const count = Math.ceil((to - from) / this.#entriesPerBatch);
      for (let n = 0; n < count; n++) {
        const at = from + (newestFirst ? count - 1 - n : n) * this.#entriesPerBatch;
        yield* this.#batch(head, at, Math.min(at + this.#entriesPerBatch, to));
      }
    }
  }

  hashes(log: LogId, nodes: readonly TreeNode[]): readonly TreeHash[] | undefined {
    const hashes: TreeHash[] = [];
    for (const node of nodes) {
      const hash = this.#hash(log, node);
      if (hash === undefined) return undefined;
      hashes.push(hash);
    }
    return hashes;
  }

  leafAt(log: LogId, position: number): TreeHash | undefined {
    return this.#logs.get(log)?.leaves.get(position);
  }

  /** Throws where what is stored is not what the head says. */
  audit(): void {
    for (const [log, state] of this.frontier) {
      const prefix = this.hashes(log, perfectNodes(0, state.prefix.length));
      assert(prefix !== undefined, "a prefix has its nodes");
      assert(equalBytes(rootOf(prefix, state.prefix.length), state.prefix.root), "the prefix root is right");
      const leaves = this.#logs.get(log)?.leaves ?? new Map<number, TreeHash>();
      for (const position of leaves.keys()) assert(contains(state.held, position), "what is stored is held");
      assert(equalBytes(rootOf(state.peaks, state.head.length), state.head.root), "the peaks are the head's");
    }
  }

  #place(known: LogState | undefined, batch: VerifiedBatch, adoption: Adoption | null): LogState | undefined {
    if (adoption === null && known !== undefined && batch.head.length <= known.head.length) return known;
    if (adoption !== null && (known?.head.length ?? 0) === adoption.from) {
      return adopt(known, adoption.head, adoption.peaks);
    }
    const verdict = extendFromBatch({ known, batch });
    if (verdict.kind === "longer") return adopt(known, batch.head, verdict.peaks);
    return verdict.kind === "known" ? known : undefined;
  }

  #withHeld(state: LogState, added: Ranges): LogState {
    const length = prefixLengthWith(state, added);
    const peaks = this.hashes(state.head.log, perfectNodes(0, length));
    assert(peaks !== undefined, "what is held without a hole can be hashed");
    return withHeld(state, added, rootOf(peaks, length));
  }

  *#batch(head: Head, from: number, to: number): Generator<EncodedBatch> {
    const state = this.frontier.get(head.log);
    const held = intersect(state?.held ?? [], rangeOf(from, to));
    if (state === undefined || head.length > state.head.length) return;
    for (const range of held) {
      const left = this.hashes(head.log, perfectNodes(0, range.from));
      const right = this.hashes(head.log, perfectNodes(range.to, head.length));
      if (left === undefined || right === undefined) continue;
      const log = this.#logs.get(head.log)!;
      const entries: BatchEntry[] = [];
      for (let at = range.from; at < range.to; at++) entries.push(log.entries.get(at)!);
      const bytes = encodeBatch({ head, from: range.from, entries, left, right });
      yield { bytes, log: head.log, from: range.from, to: range.to };
    }
  }

  #put(log: LogId, from: number, entries: readonly BatchEntry[], leaves: readonly TreeHash[]): void {
    const model = this.#logOf(log);
    for (const [at, entry] of entries.entries()) {
      const before = model.leaves.get(from + at);
      assert(before === undefined || equalBytes(before, leaves[at]!), "a position never changes its entry");
      model.entries.set(from + at, entry);
      model.leaves.set(from + at, leaves[at]!);
    }
  }

  #keep(log: LogId, nodes: readonly KnownNode[]): void {
    const model = this.#logOf(log);
    for (const [node, hash] of nodes) model.nodes.set(nameOf(node), hash);
  }

  #hash(log: LogId, node: TreeNode): TreeHash | undefined {
    const model = this.#logs.get(log);
    const known = node.level === 0 ? model?.leaves.get(node.index) : undefined;
    const stored = known ?? model?.nodes.get(nameOf(node));
    if (stored !== undefined || node.level === 0) return stored;
    const left = this.#hash(log, { level: node.level - 1, index: 2 * node.index });
    const right = left && this.#hash(log, { level: node.level - 1, index: 2 * node.index + 1 });
    if (left === undefined || right === undefined) return undefined;
    const hash = nodeHash(left, right);
    model!.nodes.set(nameOf(node), hash);
    return hash;
  }

  #logOf(log: LogId): ModelLog {
    let model = this.#logs.get(log);
    if (model === undefined) {
      model = { entries: new Map(), leaves: new Map(), nodes: new Map() };
      this.#logs.set(log, model);
    }
    return model;
  }
}

function nameOf({ level, index }: TreeNode): string {
  return `${level}/${index}`;
}
