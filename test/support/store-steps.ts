/** Steps that tests of stores share: making commits, taking a log in, and judging what is served as a peer would. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { TreeHash } from "../../src/core/base/ids.ts";
import { decodeBatch, verifyBatch } from "../../src/core/log/batch.ts";
import { countOf, rangeOf, type Ranges, union } from "../../src/core/log/ranges.ts";
import type { Row, RowKey, ViewArea } from "../../src/core/log/rows.ts";
import type { LogState, TreeNode, VerifiedBatch } from "../../src/core/log/types.ts";
import type { Commit, LogWrite, Store } from "../../src/core/sync/ports.ts";
import { type TestLog, testAuthorship } from "./logs.ts";

export const rowKey = (name: string): RowKey => name as RowKey;

export function commitOf(parts: {
  readonly logs?: readonly LogWrite[];
  readonly puts?: readonly (readonly [string, Row])[];
  readonly dels?: readonly string[];
  readonly meta?: readonly (readonly [string, Uint8Array | null])[];
  readonly bodiless?: NonNullable<Commit["bodiless"]>;
  readonly area?: ViewArea;
  readonly serves?: ViewArea;
}): Commit {
  return {
    logs: parts.logs ?? [],
    puts: new Map(parts.puts?.map(([name, value]) => [rowKey(name), value])),
    dels: new Set(parts.dels?.map(rowKey)),
    meta: new Map(parts.meta),
    ...(parts.bodiless === undefined ? {} : { bodiless: parts.bodiless }),
    ...(parts.area === undefined ? {} : { area: parts.area }),
    ...(parts.serves === undefined ? {} : { serves: parts.serves }),
  };
}

/** Takes parts of one log in, and keeps its state as a device would. */
export class Taking {
  state: LogState | undefined;
  readonly log: TestLog;

  constructor(log: TestLog, state?: LogState) {
    this.log = log;
    this.state = state;
  }

  write(from: number, to: number, length: number = this.log.length): LogWrite {
    const write = this.log.write(this.state, from, to, length);
    this.state = write.state;
    return write;
  }

  commit(from: number, to: number, length?: number): Commit {
    return commitOf({ logs: [this.write(from, to, length)] });
  }

  /** The commit that only adopts a longer head. */
  adopt(length: number): Commit {
    ok(this.state !== undefined, "something of the log is known");
    const write = this.log.adoption(this.state, length);
    this.state = write.state;
    return commitOf({ logs: [write] });
  }
}

export interface Wanted {
  readonly log: TestLog;
  readonly length?: number;
  readonly ranges: Ranges;
  readonly bytesMax?: number;
  readonly newestFirst?: boolean;
}

/** What the store serves; each batch has proved itself and carries what the log has there. */
export async function serve(store: Store, wanted: Wanted): Promise<readonly VerifiedBatch[]> {
  const { log, length, ranges, bytesMax = 128 * 1024, newestFirst = false } = wanted;
  const served: VerifiedBatch[] = [];
  const head = log.head(length);
  for await (const encoded of store.batches({ head, ranges, bytesMax, newestFirst })) {
    const verified = verifyBatch(decodeBatch(encoded.bytes), { ...testAuthorship, knownHead: head });
    ok(verified !== undefined, "a served batch proves itself");
    const { from, entries } = verified;
    deepEqual([encoded.log, encoded.from, encoded.to], [log.id, from, from + entries.length]);
    deepEqual(entries, log.entries.slice(from, from + entries.length));
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
    ok(entries.length === 1 || bytes <= bytesMax, "a batch keeps its size");
    served.push(verified);
  }
  return served;
}

/** The positions that batches carry; none may come twice. */
export function positionsOf(batches: readonly VerifiedBatch[]): Ranges {
  let all: Ranges = [];
  for (const { from, entries } of batches) all = union(all, rangeOf(from, from + entries.length));
  const count = batches.reduce((sum, { entries }) => sum + entries.length, 0);
  equal(countOf(all), count, "no position is served twice");
  return all;
}

/** The store holds exactly `held` of the log, and serves all of it. */
export async function requireHeld(store: Store, log: TestLog, held: Ranges): Promise<void> {
  await requireEntries(store, log, held);
  const [length] = (await store.logs()).flatMap(({ state: { head } }) =>
    head.log === log.id ? [head.length] : [],
  );
  deepEqual(positionsOf(await serve(store, { log, length: length!, ranges: rangeOf(0, log.length) })), held);
}

/** The store holds exactly `held` of the log. */
export async function requireEntries(store: Store, log: TestLog, held: Ranges): Promise<void> {
  const { state } = (await store.logs()).find((known) => known.state.head.log === log.id)!;
  deepEqual(state.held, held);
  const entries = await store.entries(log.id, 0, log.length);
  const expected = held.flatMap(({ from, to }) =>
    log.entries.slice(from, to).map((entry, at) => ({ log: log.id, position: from + at, entry })),
  );
  deepEqual(entries, expected);
}

/** Every perfect node below `length`. */
export function nodesBelow(length: number): readonly TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let level = 0; 2 ** level <= length; level++) {
    for (let index = 0; (index + 1) * 2 ** level <= length; index++) nodes.push({ level, index });
  }
  return nodes;
}

export async function requireNodes(store: Store, log: TestLog, nodes: readonly TreeNode[]): Promise<void> {
  const hashes: readonly TreeHash[] | undefined = await store.nodes(log.id, nodes);
  ok(hashes !== undefined, "the nodes can be computed");
  const expected = nodes.map((node) => log.node(node));
  deepEqual(hashes, expected);
}
