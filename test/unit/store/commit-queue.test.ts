/** The one queue of writes, over a disk that the test moves by hand. */
import { deepEqual, equal } from "node:assert/strict";
import { CommitQueue } from "../../../src/io/store/commit-queue.ts";
import type { DatabaseBatch } from "../../../src/io/store/level-database.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";

class Disk {
  readonly trace: string[] = [];
  readonly queue: CommitQueue<string>;
  #writing: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor() {
    this.queue = new CommitQueue<string>({
      beginBatch: () => this.batch([]),
      prepare: async (item) => {
        this.trace.push(`prepare ${item}`);
        await Promise.resolve();
      },
      encode: (item, batch) => batch.put(new TextEncoder().encode(item), new Uint8Array()),
      seal: () => undefined,
      written: () => this.trace.push("written"),
      durable: (item) => this.trace.push(`durable ${item}`),
      failed: (error) => this.trace.push(`failed ${error.code}`),
    });
  }

  batch(items: string[]): DatabaseBatch {
    return {
      put: (key) => void items.push(new TextDecoder().decode(key)),
      del: () => undefined,
      write: () => {
        this.trace.push(`write ${items.join("+")}`);
        return new Promise((resolve, reject) => {
          this.#writing = { resolve, reject };
        });
      },
    };
  }

  async finish(error?: Error): Promise<void> {
    await settled();
    const writing = this.#writing!;
    if (error === undefined) writing.resolve();
    else writing.reject(error);
    await settled();
  }
}

/** Everything that can go on without the disk has gone on. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("the queue of commits", () => {
  it("gathers what comes during a write into the next one, and tells in order", async () => {
    const disk = new Disk();
    const done = ["a", "b", "c"].map((item) =>
      disk.queue.push(item).then(() => disk.trace.push(`told ${item}`)),
    );
    await disk.finish();
    await disk.finish();
    await Promise.all(done);
    deepEqual(disk.trace, [
      "prepare a",
      "write a",
      "prepare b",
      "prepare c",
      "written",
      "durable a",
      "write b+c",
      "told a",
      "written",
      "durable b",
      "durable c",
      "told b",
      "told c",
    ]);
  });

  it("S3: refuses all that waits once a write has failed, and writes nothing any more", async () => {
    const disk = new Disk();
    const refused = ["a", "b", "c"].map((item) =>
      assertRejectsWithCode(disk.queue.push(item), "STORE_POISONED"),
    );
    await disk.finish(new Error("IO error: fdatasync: Input/output error"));
    await Promise.all(refused);
    equal(disk.trace.filter((line) => line.startsWith("write ")).length, 1);
    equal(disk.trace.filter((line) => line.startsWith("failed")).length, 1);
    equal(
      disk.trace.some((line) => line.startsWith("durable")),
      false,
    );
    await assertRejectsWithCode(
      disk.queue.alone(() => Promise.resolve()),
      "STORE_POISONED",
    );
  });

  it("runs a job alone: after all that was pushed before, before all that comes later", async () => {
    const disk = new Disk();
    const first = disk.queue.push("a");
    const alone = disk.queue.alone(async (write) => {
      disk.trace.push("alone");
      await write(disk.batch(["own"]));
    });
    const last = disk.queue.push("b");
    for (const done of [first, alone, last]) {
      await disk.finish();
      await done;
    }
    deepEqual(
      disk.trace.filter((line) => !line.startsWith("prepare")),
      ["write a", "written", "durable a", "alone", "write own", "written", "write b", "written", "durable b"],
    );
    equal(disk.trace.indexOf("prepare b") > disk.trace.indexOf("alone"), true);
  });

  it("S3: is poisoned by a job's failed write too, and not by a job's own error", async () => {
    const disk = new Disk();
    await disk.queue.alone(() => Promise.reject(new Error("its own"))).catch(() => undefined);
    const refused = assertRejectsWithCode(
      disk.queue.alone((write) => write(disk.batch(["own"]))),
      "DISK_FULL",
    );
    await disk.finish(new Error("IO error: No space left on device"));
    await refused;
    await assertRejectsWithCode(
      disk.queue.alone(() => Promise.resolve()),
      "DISK_FULL",
    );
  });
});
