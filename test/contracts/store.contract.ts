/**
 * What every Store must do: run by the LevelDB store and by the double of the simulations, each of which adds what is its own.
 * Served batches are judged by core/log, as a peer would.
 */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { TreeHash } from "../../src/core/base/ids.ts";
import { decodeBatch, verifyBatch } from "../../src/core/log/batch.ts";
import { countOf, rangeOf, type Ranges, union } from "../../src/core/log/ranges.ts";
import type { Row, RowKey } from "../../src/core/log/rows.ts";
import { perfectNodes } from "../../src/core/log/tree.ts";
import type { LogState, TreeNode, VerifiedBatch } from "../../src/core/log/types.ts";
import type { Commit, LogWrite, Store } from "../../src/core/sync/ports.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";
import { TestLog, testAuthorship } from "../support/logs.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** The process dies at this moment and another one opens what is on the disk. */
  readonly reopenAfterCrash: () => Promise<Store>;
  /** The next write fails, as on a full disk or with another error, and so do those after it until the store is reopened. */
  readonly failNextWrite: (cause: "full" | "other") => void;
  readonly cleanup: () => Promise<void>;
}

const key = (name: string): RowKey => name as RowKey;
const row = (...bytes: readonly number[]): Row => Uint8Array.from(bytes);

export function commitOf(parts: {
  readonly logs?: readonly LogWrite[];
  readonly puts?: readonly (readonly [string, Row])[];
  readonly dels?: readonly string[];
  readonly meta?: readonly (readonly [string, Uint8Array | null])[];
}): Commit {
  return {
    logs: parts.logs ?? [],
    puts: new Map(parts.puts?.map(([name, value]) => [key(name), value])),
    dels: new Set(parts.dels?.map(key)),
    meta: new Map(parts.meta),
  };
}

/** Takes batches of one log in, one commit each, and keeps the state as a device would. */
export class Taking {
  state: LogState | undefined;
  readonly #log: TestLog;

  constructor(log: TestLog, state?: LogState) {
    this.#log = log;
    this.state = state;
  }

  write(from: number, to: number, length: number = this.#log.length): LogWrite {
    const write = this.#log.write(this.state, from, to, length);
    this.state = write.state;
    return write;
  }

  commit(from: number, to: number, length?: number): Commit {
    return commitOf({ logs: [this.write(from, to, length)] });
  }
}

export async function serve(
  store: Store,
  want: {
    readonly log: TestLog;
    readonly length?: number;
    readonly ranges: Ranges;
    readonly bytesMax?: number;
    readonly newestFirst?: boolean;
  },
): Promise<readonly VerifiedBatch[]> {
  const { log, length, ranges, bytesMax = 128 * 1024, newestFirst = false } = want;
  const served: VerifiedBatch[] = [];
  for await (const encoded of store.batches({ head: log.head(length), ranges, bytesMax, newestFirst })) {
    const verified = verifyBatch(decodeBatch(encoded.bytes), testAuthorship);
    ok(verified !== undefined, "a served batch proves itself");
    deepEqual(
      [encoded.log, encoded.from, encoded.to],
      [log.id, verified.from, verified.from + verified.entries.length],
    );
    deepEqual(verified.entries, log.entries.slice(encoded.from, encoded.to));
    served.push(verified);
  }
  return served;
}

export function positionsOf(batches: readonly VerifiedBatch[]): Ranges {
  let all: Ranges = [];
  for (const { from, entries } of batches) all = union(all, rangeOf(from, from + entries.length));
  equal(
    countOf(all),
    batches.reduce((sum, { entries }) => sum + entries.length, 0),
    "no position is served twice",
  );
  return all;
}

/** Every node of the tree that lies below `length`. */
function nodesBelow(length: number): readonly TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let level = 0; 2 ** level <= length; level++) {
    for (let index = 0; (index + 1) * 2 ** level <= length; index++) nodes.push({ level, index });
  }
  return nodes;
}

async function requireNodes(store: Store, log: TestLog, nodes: readonly TreeNode[]): Promise<void> {
  const hashes: readonly TreeHash[] | undefined = await store.nodes(log.id, nodes);
  ok(hashes !== undefined, "the nodes can be computed");
  deepEqual(
    hashes,
    nodes.map((node) => log.node(node)),
  );
}

export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} is a Store`, () => {
    let tested: StoreUnderTest;
    let store: Store;
    const crash = async (): Promise<void> => {
      store = await tested.reopenAfterCrash();
    };

    beforeEach(async () => {
      tested = await open();
      store = tested.store;
    });

    afterEach(async () => {
      await tested.cleanup();
    });

    describeReads();
    describeServing();

    function describeReads(): void {
      it("is empty at first", async () => {
        const log = new TestLog({ length: 3 });
        deepEqual(await store.logs(), []);
        deepEqual(await store.entries(log.id, 0, 10), []);
        deepEqual(await store.entriesAt([{ logNumber: 0, position: 0 }]), [undefined]);
        deepEqual(await store.rows([key("a")]), [undefined]);
        deepEqual(await store.rowRange({ from: key("a"), to: key("z"), reverse: false, limit: 9 }), []);
        equal(await store.meta("cursor"), undefined);
        equal(await store.nodes(log.id, [{ level: 0, index: 0 }]), undefined);
        equal(store.logOf(0), undefined);
        deepEqual(await serve(store, { log, ranges: rangeOf(0, 3) }), []);
      });

      it("gives back what a commit wrote, before and after a crash", async () => {
        const log = new TestLog({ length: 700 });
        const taking = new Taking(log);
        const number = store.numberOf(log.id);
        await store.commit({
          ...commitOf({
            puts: [
              ["a", row(1)],
              ["b", row(2, 3)],
            ],
            meta: [
              ["cursor", row(9)],
              ["none", row()],
            ],
          }),
          logs: [taking.write(0, 700)],
        });
        for (let round = 0; round < 2; round++) {
          deepEqual(await store.logs(), [{ state: taking.state!, number }]);
          equal(store.logOf(number), log.id);
          equal(store.numberOf(log.id), number);
          const entries = await store.entries(log.id, 5, 650);
          deepEqual(
            entries,
            log.entries.slice(5, 650).map((entry, at) => ({ log: log.id, position: 5 + at, entry })),
          );
          const places = [699, 0, 7, 700].map((position) => ({ logNumber: number, position }));
          deepEqual(
            (await store.entriesAt(places)).map((found) => found?.entry),
            [log.entries[699], log.entries[0], log.entries[7], undefined],
          );
          deepEqual(await store.rows([key("b"), key("x"), key("a")]), [row(2, 3), undefined, row(1)]);
          deepEqual(await store.meta("cursor"), row(9));
          deepEqual(await store.meta("none"), row());
          await requireNodes(store, log, nodesBelow(700));
          await crash();
        }
      });
    }

    function describeServing(): void {
      it("serves the whole log in either direction, cut at multiples of 256", async () => {
        const log = new TestLog({ length: 3000 });
        const taking = new Taking(log);
        for (let from = 0; from < 3000; from += 500) await store.commit(taking.commit(from, from + 500));
        for (const newestFirst of [false, true]) {
          const served = await serve(store, { log, ranges: rangeOf(0, 3000), bytesMax: 20_000, newestFirst });
          deepEqual(positionsOf(served), rangeOf(0, 3000));
          const starts = served.map(({ from }) => from);
          deepEqual(
            starts,
            newestFirst ? starts.toSorted((a, b) => b - a) : starts.toSorted((a, b) => a - b),
          );
          for (const from of starts) equal(from % 256, 0);
        }
      });
    }

    it("has nothing to say once it is closed", async () => {
      await store.close();
      await assertRejectsWithCode(store.logs(), "STORE_CLOSED");
      await assertRejectsWithCode(store.commit(commitOf({})), "STORE_CLOSED");
      await assertRejectsWithCode(store.reopen(), "STORE_CLOSED");
      await store.close();
      await rejects(async () => {
        for await (const _batch of store.batches({
          head: new TestLog({ length: 1 }).head(),
          ranges: rangeOf(0, 1),
          bytesMax: 1,
          newestFirst: false,
        }));
      });
    });
    void perfectNodes;
  });
}
