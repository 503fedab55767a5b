/**
 * One machine: its disk, its key file, its clock and its place on the network outlive the program that runs on it. The program is the
 * real node of src/app; how it is put together here follows open-node.ts.
 */
import { isEngineError } from "../../src/core/base/errors.ts";
import type { DeviceId, LogId } from "../../src/core/base/ids.ts";
import type { Range } from "../../src/core/log/ranges.ts";
import type { WallMs } from "../../src/core/base/ports.ts";
import type { DeviceDirectory } from "../../src/app/node/device-directory.ts";
import { openReplica } from "../../src/app/node/device-directory.ts";
import { INDEX_STATE_KEY } from "../../src/core/search/index-state.ts";
import { META } from "../../src/app/replica/meta-names.ts";
import { settleDamage } from "../../src/app/node/damage-watch.ts";
import { DeviceNode } from "../../src/app/node/device-node.ts";
import { foundDevice } from "../../src/app/node/found-device.ts";
import { joinDevice, type JoinRequest } from "../../src/app/node/join-device.ts";
import { openOwnLogs } from "../../src/app/replica/founding.ts";
import type { Replica } from "../../src/app/replica/replica.ts";
import { VIEW } from "../../src/app/replica/view-progress.ts";
import type { MemoryDisk } from "../doubles/memory-disk.ts";
import type { MemoryLan } from "../doubles/memory-discovery.ts";
import type { MemoryHub, MemoryNet } from "../doubles/memory-net.ts";
import { type KeyPlace, memorySecrets } from "../doubles/memory-secrets.ts";
import { type MemoryStore, openMemoryStore } from "../doubles/memory-store.ts";
import { MemoryShelf, memoryStores } from "../doubles/memory-stores.ts";
import type { Random } from "../doubles/random.ts";
import { Life } from "./life.ts";
import {
  mortalClock,
  mortalDiscovery,
  mortalEntropy,
  mortalNet,
  mortalSecrets,
  mortalStore,
  mortalWorkers,
  type Pace,
  slowly,
} from "./mortal-ports.ts";
import type { Backups } from "./backups.ts";
import { foldAsOlder, OLDER_INDEX_STATE, OLDER_VIEW_VERSION } from "./older-version.ts";
import type { WorldTime } from "./time.ts";

/** Entries folded in one turn into a view that is built beside another: few, so that much comes in between. */
const VIEW_STEP = 2;

export interface Surroundings {
  readonly time: WorldTime;
  readonly hub: MemoryHub;
  readonly lan: MemoryLan;
  readonly backups: Backups;
  readonly count: (path: string) => void;
  readonly trace: (line: () => string) => void;
  readonly opened: (machine: Machine, disk: MemoryDisk) => void;
  readonly ended: (machine: Machine) => void;
}

/** What runs on a machine now. */
export interface Running {
  readonly life: Life;
  readonly node: DeviceNode;
  readonly replica: Replica;
  readonly net: MemoryNet;
}

export class Machine {
  readonly index: number;
  readonly name: string;
  readonly shelf = new MemoryShelf();
  readonly keyPlace: KeyPlace = { bytes: null };
  readonly pace: Pace;
  /** A sync of its disk takes this long at most. */
  syncMsMax: number;
  /** How far its clock is off; where it stands still, it shows `frozenAtMs`. */
  clockOffMs = 0;
  frozenAtMs: number | null = null;
  running: Running | null = null;
  /** Entries are being forgotten and fetched again. */
  isRepairing = false;
  /** It runs the version of the program before this one. */
  isOlder: boolean;
  /** Operations that the older version did not know. */
  passedOver = 0;
  /** Known once it has been a device. */
  device: DeviceId | null = null;
  readonly #batchBytesMax: number;
  readonly #damaged = new Set<string>();
  readonly #surroundings: Surroundings;
  readonly #random: Random;
  /** A program has been begun and has neither died nor ended. */
  #life: Life | null = null;
  #stores: MemoryStore[] = [];
  #nets: MemoryNet[] = [];
  #discoveries: { readonly close: () => Promise<void> }[] = [];

  constructor(
    surroundings: Surroundings,
    input: {
      readonly index: number;
      readonly name: string;
      readonly random: Random;
      readonly pace: Pace;
      readonly syncMsMax: number;
      readonly batchBytesMax: number;
      readonly isOlder: boolean;
    },
  ) {
    this.#surroundings = surroundings;
    this.index = input.index;
    this.name = input.name;
    this.#random = input.random;
    this.pace = input.pace;
    this.syncMsMax = input.syncMsMax;
    this.#batchBytesMax = input.batchBytesMax;
    this.isOlder = input.isOlder;
  }

  /** What it shows was folded by the older version: that runs, or this one has not built its own view yet. */
  get hasOlderView(): boolean {
    return this.isOlder || this.disk?.state.meta.get(META.viewVersion)?.[0] === OLDER_VIEW_VERSION;
  }

  get isOn(): boolean {
    return this.#life !== null;
  }

  get holdsDevice(): boolean {
    return this.keyPlace.bytes !== null;
  }

  get disk(): MemoryDisk | undefined {
    return this.shelf.disk("db");
  }

  /** Nothing is on its way to the disk, and nothing has failed to get there. */
  get isDiskQuiet(): boolean {
    return !this.isDiskRefusing && this.#stores.every((store) => store.inFlight() === 0);
  }

  /** A write has failed, and the program has not opened its store anew: until then whatever asks the store is refused, reading too. */
  get isDiskRefusing(): boolean {
    return this.#stores.some((store) => store.isPoisoned());
  }

  /** Bits of an entry on its disk are not what was written. */
  damage(log: LogId, position: number): void {
    this.disk?.damageEntry(log, position);
    this.#damaged.add(`${log}/${position}`);
  }

  /** Some entry of these has been damaged here at some time. */
  wasDamaged(log: LogId, { from, to }: Range): boolean {
    for (let at = from; at < to; at++) if (this.#damaged.has(`${log}/${at}`)) return true;
    return false;
  }

  wallMs(): WallMs {
    const { time } = this.#surroundings;
    // Whole milliseconds, as machines show them: a slow link delivers in between.
    return (this.frozenAtMs ?? Math.floor(time.wallMs() + this.clockOffMs)) as WallMs;
  }

  /** A new account begins here, and its node runs. */
  async found(name: string): Promise<void> {
    const life = this.#begin();
    await foundDevice(this.#directory(life), name);
    await this.#run(life);
  }

  /** @throws EngineError as `joinDevice` does; then the program has ended. */
  async join(request: JoinRequest): Promise<void> {
    const life = this.#begin();
    try {
      await joinDevice(
        this.#directory(life),
        {
          createNet: () => Promise.resolve(mortalNet(this.#createNet(), life)),
          createDiscovery: () => Promise.resolve(this.#createDiscovery(life)),
          interfaces: () => [],
        },
        request,
      );
    } finally {
      if (life.isAlive) this.#finish(life);
    }
  }

  /** Starts the node on what the disk holds. @throws EngineError where it cannot be opened; then it is off again. */
  async start(): Promise<void> {
    const life = this.#begin();
    await this.#run(life);
  }

  /** Ends the program as a person does. */
  async stop(): Promise<void> {
    const { running } = this;
    if (running === null) return;
    await running.node.close();
    if (running.life.isAlive) this.#finish(running.life);
  }

  /** From its next start it runs this version of the program. It must be off. */
  upgrade(): void {
    this.isOlder = false;
    const state = this.disk?.state;
    state?.changed();
    state?.meta.set(META.viewVersion, Uint8Array.of(OLDER_VIEW_VERSION));
    // What the older version could not read it has not listed either.
    if (state?.index.has(INDEX_STATE_KEY) === true) state.index.set(INDEX_STATE_KEY, OLDER_INDEX_STATE);
  }

  /** Runs `work` as a program of another version: with the device's replica, and without a network. */
  async runOther(work: (replica: Replica) => Promise<void>): Promise<void> {
    const life = this.#begin();
    try {
      const { replica } = await openReplica(this.#directory(life));
      await work(replica);
      await replica.close();
    } finally {
      if (life.isAlive) this.#finish(life);
    }
  }

  /** The program ends at once. What of the disk's last work had reached it, chance decides. */
  kill(how: "told" | "silent"): void {
    const life = this.#life;
    if (life === null) return;
    this.#surroundings.trace(() => `${this.name} dies`);
    life.end();
    const { count } = this.#surroundings;
    if (this.running === null) count(this.holdsDevice ? "crash while starting" : "crash during link");
    if (this.shelf.names().some((name) => name !== "db")) count("crash while a store is begun");
    for (const store of this.#stores) {
      const inFlight = store.inFlight();
      const survivors = this.#random.below(inFlight + 1);
      if (survivors < inFlight) count("commits in flight lost");
      if (survivors > 0) count("commits in flight survived untold");
      store.crash(survivors);
    }
    if (this.shelf.unsynced > 0) count("names of stores unsynced at a crash");
    this.shelf.crash(this.#random.below(this.shelf.unsynced + 1));
    for (const net of this.#nets) net.vanish(how);
    for (const discovery of this.#discoveries) void discovery.close();
    this.#forget();
  }

  /** It dies by itself at the n-th call to the outside from now. */
  killAfter(calls: number): void {
    this.#life?.dieAfter(calls);
  }

  /** Reads what the node shows, outside of time. */
  async observe<Seen>(look: (running: Running) => Promise<Seen>): Promise<Seen | undefined> {
    const { running } = this;
    if (running === null) return undefined;
    running.life.isObserved = true;
    try {
      return await look(running);
    } catch (error) {
      // It ends while it is looked at, and its store has ended already.
      if (isEngineError(error, "STORE_CLOSED")) return undefined;
      throw error;
    } finally {
      running.life.isObserved = false;
    }
  }

  #begin(): Life {
    const life = new Life(() => this.kill("told"));
    this.#life = life;
    return life;
  }

  async #run(life: Life): Promise<void> {
    try {
      await this.#open(life);
    } catch (error) {
      // As a program that ends with an error: what it had open is released.
      if (isEngineError(error)) this.#surroundings.count(`start failed ${error.code}`);
      if (life.isAlive) this.kill("told");
      throw error;
    }
  }

  async #open(life: Life): Promise<void> {
    const { replica, deviceSecrets } = await openReplica(this.#directory(life));
    if (this.isOlder) foldAsOlder(replica, () => this.passedOver++);
    const { count } = this.#surroundings;
    if (replica.stored.building.covered().done > 0 && replica.stored.building.isNeeded)
      count("view building gone on with");
    replica.stored.onBuilt(() => count("view built while the old one served"));
    const settled = await settleDamage(replica);
    await openOwnLogs(replica);
    this.device = replica.self;
    const net = this.#createNet();
    const node = await DeviceNode.open({
      replica,
      secrets: mortalSecrets(memorySecrets(this.keyPlace), life, this.#slow()),
      deviceSecrets,
      net: mortalNet(net, life),
      discovery: this.#createDiscovery(life, net),
      openImport: ({ path, indexKey }) => Promise.resolve(this.#surroundings.backups.open(path, indexKey)),
      interfaces: () => [],
      fallbackName: this.name,
      version: "0.0.0",
      settled,
    });
    // It may have died of a call for which opening did not wait: a program that is dead goes no further.
    if (!life.isAlive) return life.gate(Promise.resolve());
    this.running = { life, node, replica, net };
    this.#surroundings.trace(() => `${this.name} runs`);
  }

  #directory(life: Life): DeviceDirectory {
    const { time } = this.#surroundings;
    const slow = this.#slow();
    const stores = memoryStores(this.shelf, (disk) => {
      const store = openMemoryStore({
        disk,
        batchBytesMax: this.#batchBytesMax,
        sync: (synced) => time.after(this.#random.between(0, this.syncMsMax), synced),
      });
      this.#stores.push(store);
      this.#surroundings.opened(this, disk);
      return mortalStore(store, life, slow);
    });
    return {
      secrets: mortalSecrets(memorySecrets(this.keyPlace), life, slow),
      stores: {
        prepare: () => life.ask(() => stores.prepare()),
        names: () => life.ask(() => stores.names()),
        open: (name) => life.ask(() => stores.open(name)),
        remove: (name) => life.ask(() => stores.remove(name)),
        rename: (from, to) => life.ask(() => stores.rename(from, to)),
        sync: () => life.ask(() => stores.sync()),
      },
      clock: mortalClock(time, life, () => this.wallMs()),
      entropy: mortalEntropy(this.#random),
      workers: mortalWorkers(time, life, this.#random),
      view: { ...VIEW, readableSince: OLDER_VIEW_VERSION, stepEntries: VIEW_STEP },
    };
  }

  #slow(): <Result>(answer: Result) => Promise<Result> {
    return slowly(this.#surroundings.time, this.#random, this.pace);
  }

  #createNet(): MemoryNet {
    const net = this.#surroundings.hub.createNet(this.name);
    this.#nets.push(net);
    return net;
  }

  #createDiscovery(life: Life, net: MemoryNet = this.#nets.at(-1)!): ReturnType<typeof mortalDiscovery> {
    const discovery = this.#surroundings.lan.createDiscovery(net);
    this.#discoveries.push(discovery);
    return mortalDiscovery(discovery, life);
  }

  #finish(life: Life): void {
    life.end();
    for (const net of this.#nets) net.vanish("told");
    for (const discovery of this.#discoveries) void discovery.close();
    for (const store of this.#stores) store.crash();
    this.#forget();
  }

  /** What was signed and never written, for want of room or of time, is gone with the program: the next one may sign another at its length. */
  #forget(): void {
    this.#surroundings.ended(this);
    this.#life = null;
    this.running = null;
    this.#stores = [];
    this.#nets = [];
    this.#discoveries = [];
  }
}
