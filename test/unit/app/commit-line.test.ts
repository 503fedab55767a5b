/** Commits in flight over the store's double, whose disk fails when it is told to. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { EngineError } from "../../../src/core/base/errors.ts";
import type { Commit, Store } from "../../../src/core/sync/ports.ts";
import { CommitLine } from "../../../src/app/replica/commit-line.ts";
import { MemoryDisk } from "../../../simulations/doubles/memory-disk.ts";
import { openMemoryStore } from "../../../simulations/doubles/memory-store.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

interface Setting {
  readonly disk: MemoryDisk;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly line: CommitLine;
  readonly halts: (string | null)[];
  readonly durable: number[];
  /** Every commit that reached the store, in order, as it was given. */
  readonly written: Commit[];
  readonly submit: (number: number) => Promise<void>;
  readonly sync: () => Promise<void>;
}

/** The disk syncs when the test says so, all that waits together. */
function set(): Setting {
  const disk = new MemoryDisk();
  const waiting: (() => void)[] = [];
  const memory = openMemoryStore({ disk, sync: (synced) => waiting.push(synced) });
  const written: Commit[] = [];
  const store: Store = {
    ...memory,
    commit: (commit) => {
      written.push(commit);
      return memory.commit(commit);
    },
  };
  const clock = new ManualClock();
  const halts: (string | null)[] = [];
  const durable: number[] = [];
  const line = new CommitLine({ store, clock, onHalt: (code) => halts.push(code) });
  const submit = (number: number): Promise<void> =>
    line.submit(commitOf(number), () => {
      durable.push(number);
    });
  const sync = async (): Promise<void> => {
    await settle();
    for (const synced of waiting.splice(0)) synced();
    await settle();
  };
  return { disk, store, clock, line, halts, durable, written, submit, sync };
}

function commitOf(number: number): Commit {
  return {
    logs: [],
    puts: new Map(),
    dels: new Set(),
    meta: new Map([[`value ${number}`, Uint8Array.of(number)]]),
  };
}

describe("The line of commits", () => {
  it("publishes in the order of the calls, each before its caller hears of it", async () => {
    const { line, submit, sync, durable } = set();
    const heard: number[] = [];
    const all = [1, 2, 3].map((number) =>
      submit(number).then(() => {
        ok(durable.includes(number));
        heard.push(number);
      }),
    );
    equal(line.inFlight, 3);
    await sync();
    await Promise.all(all);
    deepEqual(durable, [1, 2, 3]);
    deepEqual(heard, [1, 2, 3]);
    equal(line.inFlight, 0);
  });

  it("S4: writes the same bytes again at once, in order, so that a passing fault costs its callers nothing", async () => {
    const { disk, line, submit, sync, durable, halts, written } = set();
    disk.failNextWrite("other");
    const all = [1, 2, 3].map(submit);
    await sync();
    deepEqual(halts, ["STORE_POISONED"]);
    deepEqual(durable, []);
    await sync();
    await Promise.all(all);
    deepEqual(durable, [1, 2, 3]);
    deepEqual(halts, ["STORE_POISONED", null]);
    equal(line.halted, null);
    equal(line.halts, 1);
    for (const [at, commit] of written.slice(0, 3).entries()) equal(written[at + 3], commit);
  });

  it("S4: tells the callers that the disk is full, keeps the bytes, and writes them once there is room", async () => {
    const { disk, clock, line, submit, sync, durable, halts, written } = set();
    disk.setFull(true);
    const all = [1, 2].map(submit).map((each) => assertRejectsWithCode(each, "DISK_FULL"));
    await sync();
    await Promise.all(all);
    equal(line.halted?.code, "DISK_FULL");
    deepEqual(halts, ["DISK_FULL"]);

    clock.advance(5_000);
    await sync();
    deepEqual(durable, [], "the disk is still full");

    disk.setFull(false);
    clock.advance(5_000);
    await sync();
    deepEqual(durable, [1, 2]);
    deepEqual(halts, ["DISK_FULL", null]);
    deepEqual(new Set(written).size, 2, "nothing but the two kept commits was ever given to the store");
    const after = submit(3);
    await sync();
    await after;
    deepEqual(durable, [1, 2, 3]);
  });

  it("keeps also what is submitted while writing has stopped, and refuses its caller", async () => {
    const { disk, clock, submit, sync, durable } = set();
    disk.setFull(true);
    const first = assertRejectsWithCode(submit(1), "DISK_FULL");
    await sync();
    await first;
    await assertRejectsWithCode(submit(2), "DISK_FULL");
    disk.setFull(false);
    clock.advance(5_000);
    await sync();
    await sync();
    deepEqual(durable, [1, 2]);
  });

  it("shows readers all that is kept as soon as the store is open again", async () => {
    const { disk, store, submit, sync } = set();
    disk.failNextWrite("other");
    const all = [1, 2, 3].map(submit);
    await sync();
    // Nothing of it is durable yet.
    deepEqual(await store.meta("value 3"), Uint8Array.of(3));
    await sync();
    await Promise.all(all);
  });

  it("stops again where the disk fails during the recovery, and goes on later", async () => {
    const { disk, clock, submit, sync, durable, halts } = set();
    disk.failNextWrite("other");
    const all = [1, 2].map(submit).map((each) => assertRejectsWithCode(each, "DISK_FULL"));
    await sync();
    disk.failNextWrite("full");
    await sync();
    await Promise.all(all);
    deepEqual(durable, []);
    clock.advance(5_000);
    await sync();
    await sync();
    deepEqual(durable, [1, 2]);
    deepEqual(halts, ["STORE_POISONED", null]);
  });

  it("waits for what is in flight now, and not for what comes later", async () => {
    const { line, submit, sync } = set();
    const first = submit(1);
    let drained = false;
    const draining = line.drained().then(() => (drained = true));
    await sync();
    const second = submit(2);
    await first;
    await draining;
    ok(drained);
    await sync();
    await second;
  });

  it("tells those who wait when it is closed before their bytes were written, and tries no more", async () => {
    const { disk, clock, line, submit, sync } = set();
    disk.failNextWrite("other");
    const refused = assertRejectsWithCode(submit(1), "STORE_POISONED");
    await sync();
    line.close();
    await refused;
    await sync();
    equal(clock.pending, 0);
  });

  it("calls a fault that is no operating error by a code as well", async () => {
    const { store, clock } = set();
    const cause = new TypeError("of the database");
    const broken: Store = {
      ...store,
      commit: () => Promise.reject(cause),
      reopen: () => Promise.reject(new EngineError("STORE_DAMAGED", "acknowledged entries are gone")),
    };
    const codes: (string | null)[] = [];
    const line = new CommitLine({ store: broken, clock, onHalt: (code) => codes.push(code) });
    await assertRejectsWithCode(
      line.submit(commitOf(1), () => undefined),
      "STORE_DAMAGED",
    );
    deepEqual(codes, ["UNEXPECTED"]);
    line.close();
  });
});
