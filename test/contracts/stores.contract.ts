/** What every Stores of a device's directory must do: run by the machine's disk and by the double. */
import { deepEqual, equal } from "node:assert/strict";
import type { Stores } from "../../src/app/node/device-directory.ts";
import { assertRejectsWithCode } from "../support/assert-code.ts";

export interface StoresUnderTest {
  readonly stores: Stores;
  readonly cleanup: () => Promise<void>;
}

const MARK = { logs: [], puts: new Map(), dels: new Set<never>() };

export function describeStores(name: string, prepare: () => Promise<StoresUnderTest>): void {
  describe(`${name} holds Stores`, () => {
    let tested: StoresUnderTest;
    beforeEach(async () => {
      tested = await prepare();
    });
    afterEach(() => tested.cleanup());

    async function write(storeName: string, value: number): Promise<void> {
      const store = await tested.stores.open(storeName);
      await store.commit({ ...MARK, meta: new Map([["mark", Uint8Array.of(value)]]) });
      await store.close();
    }

    async function read(storeName: string): Promise<number | undefined> {
      const store = await tested.stores.open(storeName);
      const mark = await store.meta("mark");
      await store.close();
      return mark?.[0];
    }

    it("has no names before the directory is there, and none in an empty one", async () => {
      deepEqual(await tested.stores.names(), []);
      await tested.stores.prepare();
      await tested.stores.prepare();
      deepEqual(await tested.stores.names(), []);
    });

    it("makes a store where there is none, and finds it again under its name", async () => {
      await tested.stores.prepare();
      await write("db", 1);
      await write("db.next", 2);
      await tested.stores.sync();
      deepEqual([...(await tested.stores.names())].toSorted(), ["db", "db.next"]);
      equal(await read("db"), 1);
      equal(await read("db.next"), 2);
    });

    it("gives a store another name, in place of one that was removed", async () => {
      await tested.stores.prepare();
      await write("db", 1);
      await write("db.next", 2);
      await tested.stores.remove("db");
      await tested.stores.rename("db.next", "db");
      await tested.stores.sync();
      deepEqual(await tested.stores.names(), ["db"]);
      equal(await read("db"), 2);
    });

    it("removes what is not there without a word", async () => {
      await tested.stores.prepare();
      await tested.stores.remove("db");
      deepEqual(await tested.stores.names(), []);
    });

    it("S15: opens a store once at a time", async () => {
      await tested.stores.prepare();
      const store = await tested.stores.open("db");
      await assertRejectsWithCode(tested.stores.open("db"), "STORE_BUSY");
      await store.close();
    });
  });
}
