/**
 * The stores of a device's directory without a file system: disks by name. A change of names is durable with the next `sync`; when the
 * program dies before, any beginning of what was changed since may have reached the disk.
 * Tests: test/unit/doubles/memory-stores.test.ts, which runs test/contracts/stores.contract.ts.
 */
import type { Stores } from "../../src/app/node/device-directory.ts";
import { assert } from "../../src/core/base/errors.ts";
import type { Store } from "../../src/core/sync/ports.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** The directory on the disk; it outlives the program. */
export class MemoryShelf {
  #disks = new Map<string, MemoryDisk>();
  #durable = new Map<string, MemoryDisk>();
  /** How names stood after each change since the last sync. */
  #since: Map<string, MemoryDisk>[] = [];

  names(): readonly string[] {
    return [...this.#disks.keys()].toSorted();
  }

  get disks(): ReadonlyMap<string, MemoryDisk> {
    return this.#disks;
  }

  disk(name: string): MemoryDisk | undefined {
    return this.#disks.get(name);
  }

  /** Another disk under this name, at once durable: what a person does to a directory. */
  put(name: string, disk: MemoryDisk): void {
    this.#change((disks) => disks.set(name, disk));
    this.sync();
  }

  clear(): void {
    this.#disks = new Map();
    this.sync();
  }

  open(name: string, make: () => MemoryDisk): MemoryDisk {
    const known = this.#disks.get(name);
    if (known !== undefined) return known;
    const disk = make();
    // A store syncs the directory that it makes.
    this.put(name, disk);
    return disk;
  }

  remove(name: string): void {
    if (this.#disks.has(name)) this.#change((disks) => disks.delete(name));
  }

  rename(from: string, to: string): void {
    const disk = this.#disks.get(from);
    assert(disk !== undefined && !this.#disks.has(to), "a name that is free is given to what is there");
    this.#change((disks) => {
      disks.delete(from);
      disks.set(to, disk);
    });
  }

  sync(): void {
    this.#durable = new Map(this.#disks);
    this.#since = [];
  }

  /** How many changes of names are not durable. */
  get unsynced(): number {
    return this.#since.length;
  }

  crash(survivors = 0): void {
    this.#disks = new Map(this.#since[survivors - 1] ?? this.#durable);
    this.sync();
  }

  #change(change: (disks: Map<string, MemoryDisk>) => void): void {
    const next = new Map(this.#disks);
    change(next);
    this.#disks = next;
    this.#since.push(next);
  }
}

export function memoryStores(shelf: MemoryShelf, openOn: (disk: MemoryDisk) => Store): Stores {
  const later = async <Result>(work: () => Result): Promise<Result> => {
    await Promise.resolve();
    return work();
  };
  return {
    prepare: () => Promise.resolve(),
    names: () => later(() => shelf.names()),
    open: (name) => later(() => openOn(shelf.open(name, () => new MemoryDisk()))),
    remove: (name) => later(() => shelf.remove(name)),
    rename: (from, to) => later(() => shelf.rename(from, to)),
    sync: () => later(() => shelf.sync()),
  };
}
