/** The part of the store's contract about writing: overlapping commits, what reads see of them, and what a failed write leaves. */
import { deepEqual, equal } from "node:assert/strict";
import { rangeOf } from "../../src/core/log/ranges.ts";
import { perfectNodes } from "../../src/core/log/tree.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";
import { TestLog } from "../support/logs.ts";
import { commitOf, requireHeld, requireNodes, rowKey, serve, Taking } from "../support/store-steps.ts";
import type { Bench } from "./store-bench.ts";

export function describeWrites(bench: () => Bench): void {
  it("shows a commit to every read from the call on, before it is durable", async () => {
    const { store } = bench();
    const log = new TestLog({ length: 600 });
    const taking = new Taking(log);
    const number = store.numberOf(log.id);
    await store.commit(commitOf({ puts: [["a", byte(1)]], meta: [["m", byte(1)]] }));
    const first = store.commit({
      ...commitOf({ puts: [["b", byte(2)]], dels: ["a"], meta: [["m", byte(2)]] }),
      logs: [taking.write(0, 200, 200)],
    });
    const second = store.commit({
      ...commitOf({ puts: [["b", byte(3)]], meta: [["m", null]] }),
      logs: [taking.write(200, 600, 600)],
    });
    const reads = [
      store.rows([rowKey("a"), rowKey("b")]),
      store.meta("m"),
      store.entriesAt([{ logNumber: number, position: 599 }]),
      store.entries(log.id, 198, 202),
      store.nodes(log.id, perfectNodes(0, 600)),
    ] as const;
    const [rows, meta, at, entries, nodes] = await Promise.all(reads);
    deepEqual(rows, [undefined, byte(3)]);
    equal(meta, undefined);
    deepEqual(at[0]?.entry, log.entries[599]);
    deepEqual(
      entries.map(({ entry }) => entry),
      log.entries.slice(198, 202),
    );
    deepEqual(nodes, log.peaks());
    await Promise.all([first, second]);
    deepEqual(await store.rows([rowKey("a"), rowKey("b")]), [undefined, byte(3)]);
    await requireNodes(store, log, perfectNodes(0, 600));
  });

  it("tells peers nothing that is not durable", async () => {
    const { store } = bench();
    const log = new TestLog({ length: 40 });
    const taking = new Taking(log);
    await store.commit(taking.commit(0, 20, 20));
    const inFlight = store.commit(taking.commit(20, 40, 40));
    const early = serve(store, { log, length: 40, ranges: rangeOf(0, 40) });
    deepEqual((await store.logs())[0]?.state.head.length, 20);
    deepEqual(await early, []);
    await inFlight;
    await requireHeld(store, log, rangeOf(0, 40));
  });

  it("makes overlapping commits durable in the order of the calls", async () => {
    const { store } = bench();
    const log = new TestLog({ length: 640 });
    const taking = new Taking(log);
    const order: number[] = [];
    const done: Promise<void>[] = [];
    for (let at = 0; at < 64; at++) {
      const commit = {
        ...commitOf({ puts: [["last", byte(at)]] }),
        logs: [taking.write(at * 10, at * 10 + 10, at * 10 + 10)],
      };
      done.push(store.commit(commit).then(() => void order.push(at)));
    }
    await Promise.all(done);
    deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
    await bench().crash();
    deepEqual(await bench().store.rows([rowKey("last")]), [byte(63)]);
    await requireHeld(bench().store, log, rangeOf(0, 640));
  });

  it("leaves after a crash all of a commit or nothing, and no later one without the earlier", async () => {
    const log = new TestLog({ length: 500 });
    const taking = new Taking(log);
    const done: Promise<unknown>[] = [];
    let acknowledged = 0;
    for (let at = 0; at < 50; at++) {
      const write = taking.write(at * 10, at * 10 + 10, at * 10 + 10);
      const commit = { ...commitOf({ puts: [[`row ${at}`, byte(at)]] }), logs: [write] };
      done.push(
        bench()
          .store.commit(commit)
          .then(() => acknowledged++, String),
      );
    }
    await done[20];
    const sure = acknowledged;
    await bench().crash();
    const { store } = bench();
    const [known] = await store.logs();
    const length = known?.state.head.length ?? 0;
    equal(length % 10, 0);
    equal(length >= sure * 10, true);
    await requireHeld(store, log, rangeOf(0, length));
    const rows = await store.rows(Array.from({ length: 50 }, (_, at) => rowKey(`row ${at}`)));
    deepEqual(
      rows.map((row) => row !== undefined),
      rows.map((_, at) => at < length / 10),
    );
  });

  for (const [cause, code] of [
    ["full", "DISK_FULL"],
    ["other", "STORE_POISONED"],
  ] as const) {
    it(`S3, S4: refuses everything after a failed write (${code}) until it was reopened, and takes the same commits then`, async () => {
      const { store, failNextWrite } = bench();
      const log = new TestLog({ length: 90 });
      const taking = new Taking(log);
      await store.commit(commitOf({ logs: [taking.write(0, 30, 30)], puts: [["a", byte(1)]] }));
      const later = [
        commitOf({ logs: [taking.write(30, 60, 60)], puts: [["a", byte(2)]], dels: ["b"] }),
        commitOf({ logs: [taking.write(60, 90, 90)], puts: [["b", byte(3)]] }),
      ];
      failNextWrite(cause);
      const refused = later.map((commit) => assertRejectsWithCode(store.commit(commit), code));
      await Promise.all(refused);
      await assertRejectsWithCode(store.commit(commitOf({})), code);
      await assertRejectsWithCode(store.rows([rowKey("a")]), code);
      await assertRejectsWithCode(store.logs(), code);
      await assertRejectsWithCode(store.entries(log.id, 0, 1), code);
      await assertRejectsWithCode(serve(store, { log, length: 30, ranges: rangeOf(0, 30) }), code);
      await store.reopen();
      deepEqual(await store.rows([rowKey("a")]), [byte(1)]);
      equal((await store.logs())[0]?.state.head.length, 30);
      for (const commit of later) await store.commit(commit);
      await bench().crash();
      deepEqual(await bench().store.rows([rowKey("a"), rowKey("b")]), [byte(2), byte(3)]);
      await requireHeld(bench().store, log, rangeOf(0, 90));
    });
  }

  it("S4: gives a log the same number again that it had when the write failed", async () => {
    const { store, failNextWrite } = bench();
    const logs = [1, 2, 3].map((number) => new TestLog({ length: 2, number }));
    const numbers = logs.map((log) => store.numberOf(log.id));
    const commit = new Taking(logs[1]!).commit(0, 2);
    failNextWrite("other");
    await assertRejectsWithCode(store.commit(commit), "STORE_POISONED");
    await store.reopen();
    deepEqual(
      logs.map((log) => store.numberOf(log.id)),
      numbers,
    );
    await store.commit(commit);
    await bench().crash();
    deepEqual(
      logs.map((log) => bench().store.numberOf(log.id)),
      numbers,
    );
  });

  it("S9: is what it was left as after a crash: not suspect, nothing to scrub, also once it was trusted", async () => {
    const log = new TestLog({ length: 300 });
    const taking = new Taking(log);
    await bench().store.commit(taking.commit(0, 200, 200));
    await bench().store.commit(commitOf({ logs: [taking.write(200, 300)], puts: [["a", byte(1)]] }));
    for (let round = 0; round < 2; round++) {
      await bench().crash();
      const { store } = bench();
      equal(store.isSuspect(), false);
      let told = 0;
      const found = await store.scrub({ repair: true, onProgress: (checked) => (told = checked) });
      deepEqual([found.damaged, found.rows], [0, told]);
      await store.trust();
      await requireHeld(store, log, rangeOf(0, 300));
    }
  });

  it("does nothing on `reopen` while nothing has failed", async () => {
    await bench().store.commit(commitOf({ puts: [["a", byte(1)]] }));
    await bench().store.reopen();
    deepEqual(await bench().store.rows([rowKey("a")]), [byte(1)]);
  });
}

function byte(value: number): Uint8Array {
  return Uint8Array.of(value);
}
