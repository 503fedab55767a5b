/** The search index over replicas without a disk: what it finds, held against looking at every message; crashes, damage, erasing. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { textOf } from "../../../src/app/node/read-message.ts";
import type { Covered } from "../../../src/app/search/index-building.ts";
import type { MessageId } from "../../../src/core/base/ids.ts";
import type { OrderKey } from "../../../src/core/inbox/types.ts";
import { messageRowKey, readMessageRow } from "../../../src/core/inbox/view.ts";
import type { Row } from "../../../src/core/log/rows.ts";
import { INDEX_STATE_KEY } from "../../../src/core/search/index-state.ts";
import { draftOf, messageBody } from "../../support/replicas.ts";
import { Life, named, QUERIES, SMALL } from "../../support/search-life.ts";

describe("The search index", function () {
  this.timeout(120_000);

  it("finds what looking at every message finds, whatever happened to them and however much is built", async () => {
    for (let seed = 0; seed < 8; seed++) {
      const life = await Life.begin(seed);
      for (let step = 0; step < 120; step++) {
        await life.write();
        if (step % 40 === 17) await life.crash();
        if (life.random.below(12) === 0) await life.index.complete(() => undefined);
      }
      await life.index.complete(() => undefined);
      await life.check(`seed ${seed}`);
      const { segments } = await life.state();
      ok(segments.length >= 3, "there is more than one segment");
      const { done, total } = await life.index.covered();
      equal(done, total);
    }
  });

  it("finds in one conversation, and page by page the same as at once", async () => {
    const life = await Life.begin(100);
    for (let step = 0; step < 150; step++) await life.write();
    await life.index.complete(() => undefined);
    const asked = QUERIES.find(({ text }) => text === "KIN*")!;
    const conversation = await life.inbox.findConversation("Bea");
    const here = await life.search(asked, { conversation });
    deepEqual(
      here.found.map(({ id }) => id),
      await life.looked(asked, conversation),
    );
    const paged: MessageId[] = [];
    let before: OrderKey | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<Life["search"]>> = await life.search(asked, { limit: 7, before });
      paged.push(...page.found.map(({ id }) => id));
      before = page.next;
      pages++;
    } while (before !== null);
    deepEqual(paged, await life.looked(asked));
    ok(pages > 3);
  });

  it("goes on after a crash in the middle of building, and leaves nothing behind that no state names", async () => {
    let halfDone = 0;
    for (let commits = 1; commits < 30; commits++) {
      const life = await Life.begin(200);
      for (let step = 0; step < 90; step++) await life.write();
      let left = commits;
      const { writer } = life.device.replica;
      const derive = writer.derive.bind(writer);
      const cut = new Promise<void>((resolve) => {
        writer.derive = (...args) => {
          if (left-- > 0) return derive(...args);
          resolve();
          return new Promise(() => undefined);
        };
      });
      const whole = life.index.complete(() => undefined).then(() => "whole");
      const end = await Promise.race([whole, cut.then(() => "cut")]);
      if (end === "whole") break;
      const before = await life.rows();
      if (before.length > (await named(life)).size) halfDone++;
      await life.crash();
      await life.index.complete(() => undefined);
      await life.check(`after ${commits} commits`);
      deepEqual(new Set((await life.rows()).map(([key]) => key)), await named(life));
    }
    ok(halfDone > 3, `${halfDone} crashes left half a segment`);
  });

  it("deletes what a crash left of a large segment, also where the next one is small", async () => {
    const life = await Life.begin(250);
    life.open({ ...SMALL, positionsMax: 4_096 });
    const drafts = Array.from({ length: 1_200 }, (_, n) =>
      draftOf(life.device, messageBody(`word${n} x${n}y`)),
    );
    await life.device.replica.writer.append(drafts);
    const { writer } = life.device.replica;
    const derive = writer.derive.bind(writer);
    let states = 0;
    const cut = new Promise<void>((resolve) => {
      writer.derive = (rows, ground) => {
        // The first state names no segment yet, the second the one that is being built.
        if (!rows.puts.has(INDEX_STATE_KEY) || states++ === 0) return derive(rows, ground);
        resolve();
        return new Promise(() => undefined);
      };
    });
    void life.index.complete(() => undefined);
    await cut;
    const left = (await life.rows()).length;
    ok(left > 8, `${left} rows`);
    await life.crash();
    life.open({ ...SMALL, positionsMax: 16 });
    await life.index.complete(() => undefined);
    deepEqual(new Set((await life.rows()).map(([key]) => key)), await named(life));
  });

  it("builds on nothing that was cleared with the view meanwhile", async () => {
    for (let commits = 0; commits < 12; commits++) {
      const life = await Life.begin(800);
      for (let step = 0; step < 60; step++) await life.write();
      const { writer, ports } = life.device.replica;
      const derive = writer.derive.bind(writer);
      let left = commits;
      writer.derive = async (...args) => {
        if (left-- === 0) for (const [key] of await life.rows()) await life.put(key, null);
        return derive(...args);
      };
      await life.index.complete(() => undefined);
      await life.check(`cleared after ${commits} commits`);
      deepEqual(new Set((await life.rows()).map(([key]) => key)), await named(life));
      ok(!ports.store.isSuspect());
    }
  });

  it("gives up a search that opens thousands for nothing, and goes on from there", async () => {
    const life = await Life.begin(900);
    life.open({ pendingMin: 3, positionsMax: 16_384, commitBytes: 100_000 });
    // Seven letters are asked for and six are listed, so each of these is opened.
    const texts = Array.from({ length: 4_600 }, (_, n) => (n < 3 ? "kinlogs" : "kinlogx"));
    const drafts = texts.map((text) => draftOf(life.device, messageBody(text)));
    for (let at = 0; at < drafts.length; at += 100) {
      await life.device.replica.writer.append(drafts.slice(at, at + 100));
      life.clock.pass(200);
    }
    await life.index.complete(() => undefined);
    const asked = { text: "kinlogs*", answers: () => true };
    const first = await life.search(asked);
    deepEqual(first.found, []);
    notEqual(first.next, null);
    const second = await life.search(asked, { before: first.next });
    deepEqual(
      second.found.map(({ id }) => id),
      drafts
        .slice(0, 3)
        .map(({ id }) => id)
        .toReversed(),
    );
    equal(second.next, null);
  });

  it("is as it was after a restart, without building anything", async () => {
    const life = await Life.begin(300);
    for (let step = 0; step < 60; step++) await life.write();
    await life.index.complete(() => undefined);
    const before = await life.rows();
    await life.crash();
    await life.check("after a restart");
    await life.index.complete(() => undefined);
    deepEqual(await life.rows(), before);
  });

  it("gives up a segment with a row that is gone, changed, or of another place, and builds it again", async () => {
    const changes: readonly ((row: Row) => Row | null)[] = [
      () => null,
      (row) => row.map((byte, at) => (at === row.length - 3 ? byte ^ 1 : byte)),
      (row) => row.slice(0, 20),
    ];
    for (const [at, change] of changes.entries()) {
      for (const letter of ["b", "d"]) {
        const life = await Life.begin(400 + at);
        for (let step = 0; step < 60; step++) await life.write();
        await life.index.complete(() => undefined);
        for (const [key, row] of await life.rows()) if (key[1] === letter) await life.put(key, change(row));
        for (const asked of QUERIES) await life.search(asked);
        const { done, total } = await life.index.covered();
        ok(done < total, "it says what cannot be found just now");
        await life.index.complete(() => undefined);
        await life.check(`with other ${letter} rows`);
        deepEqual(new Set((await life.rows()).map(([key]) => key)), await named(life));
      }
    }
  });

  it("begins anew where its state cannot be read, is of another version, or was cleared with the view", async () => {
    for (const change of [
      (row: Row) => row.slice(0, -1),
      (row: Row) => Uint8Array.of(99, ...row.subarray(1)),
      () => null,
    ]) {
      const life = await Life.begin(500);
      for (let step = 0; step < 60; step++) await life.write();
      await life.index.complete(() => undefined);
      const [row] = await life.device.replica.ports.store.rows([INDEX_STATE_KEY]);
      const changed = change(row!);
      if (changed === null) await life.device.replica.ports.store.clearRows();
      else await life.put(INDEX_STATE_KEY, changed);
      equal((await life.index.covered()).done, 0);
      if (changed === null) continue;
      await life.index.complete(() => undefined);
      await life.check("after its state was lost");
      deepEqual(new Set((await life.rows()).map(([key]) => key)), await named(life));
    }
  });

  it("lists nothing of a message any more once it was forgotten", async () => {
    const life = await Life.begin(600);
    for (let step = 0; step < 60; step++) await life.write();
    const [id] = await life.looked(QUERIES.find(({ text }) => text === "train")!);
    await life.index.complete(() => undefined);
    const [row] = await life.device.replica.ports.store.rows([messageRowKey(id!)]);
    const { place } = readMessageRow(id!, row!)!;
    // As if its entry were erased.
    const { store } = life.device.replica.ports;
    const { entries } = store;
    const log = store.logOf(place.logNumber);
    Object.assign(store, {
      entries: async (...asked: Parameters<typeof entries>) =>
        (await entries(...asked)).filter((entry) => entry.log !== log || entry.position !== place.position),
    });
    const documents = async (): Promise<number> =>
      (await life.state()).segments.reduce((sum, segment) => sum + segment.documents, 0);
    const [before, numbers] = [await documents(), (await life.state()).segments.map(({ number }) => number)];
    await life.index.forget([place]);
    equal((await life.state()).segments.filter(({ again }) => again).length, 1);
    await life.index.complete(() => undefined);
    const { segments } = await life.state();
    equal(segments.filter(({ again }) => again).length, 0);
    notEqual(segments.at(-1)!.number, numbers.at(-1));
    ok((await documents()) < before);
    deepEqual(new Set((await life.rows()).map(([key]) => key)), await named(life));
  });

  it("tells how far it has come where that takes long", async () => {
    const life = await Life.begin(700);
    life.open({ pendingMin: 3, positionsMax: 512, commitBytes: 100_000 });
    const drafts = Array.from({ length: 5_000 }, (_, n) => draftOf(life.device, messageBody(`number ${n}`)));
    for (let at = 0; at < drafts.length; at += 1_000)
      await life.device.replica.writer.append(drafts.slice(at, at + 1_000));
    const told: Covered[] = [];
    await life.index.complete((covered) => {
      told.push(covered);
      life.clock.pass(1_000);
    });
    const { total } = await life.index.covered();
    deepEqual(told.at(-1), { done: total, total });
    ok(told.length > 3);
    deepEqual(
      told.map(({ done }) => done),
      told.map(({ done }) => done).toSorted((a, b) => a - b),
    );
    const { found } = await life.search({ text: "number 4321", answers: () => true });
    equal(found.length, 1);
    equal(textOf((await life.inbox.open(found))[0]!), "number 4321");
  });
});
