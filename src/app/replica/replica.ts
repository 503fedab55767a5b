/**
 * A device's own part of the account, opened: its logs, its keys, the members as it knows them, and the one writer. Knows no
 * network: sessions, linking and the library stand on it. What becomes durable is told to subscribers, in order.
 */
import type { AccountId, ControlId, DeviceId, LogId } from "../../core/base/ids.ts";
import { bytesToId } from "../../core/base/ids.ts";
import { EngineError, type ErrorCode, isEngineError } from "../../core/base/errors.ts";
import type { Clock, Entropy, Workers } from "../../core/base/ports.ts";
import { createSigningKey, type SigningKey } from "../../core/crypto/sign.ts";
import { createFold } from "../../core/inbox/fold.ts";
import type { Fold } from "../../core/inbox/types.ts";
import type { Ranges } from "../../core/log/ranges.ts";
import type { Frontier } from "../../core/log/types.ts";
import type { MemberView } from "../../core/membership/types.ts";
import { fingerprint, possessionDigest, isNothingMissing } from "../../core/sync/possession.ts";
import type { DeviceSecrets, Store } from "../../core/sync/ports.ts";
import { unite } from "../../core/sync/promises.ts";
import type { RangesByLog, SessionView } from "../../core/sync/types.ts";
import { CommitLine } from "./commit-line.ts";
import type { ControlBook } from "./control-book.ts";
import { loadBook, loadFolded, loadPromises } from "./load-ledger.ts";
import { ErasedPlaces } from "./erased-places.ts";
import { KeyRing } from "./key-ring.ts";
import { encodePlaces, Ledger, unitePlaces } from "./ledger.ts";
import { META } from "./meta-names.ts";
import { ownersMeta, requireWhole } from "./own-turns.ts";
import { Sealer } from "./sealing.ts";
import { StartMemory } from "./start-memory.ts";
import { PurgedMessages } from "./purged-messages.ts";
import type { TurnContext } from "./turn-context.ts";
import type { Published } from "./turn.ts";
import { StoredView } from "./stored-view.ts";
import { VIEW, type ViewOptions } from "./view-progress.ts";
import { countWrongRows } from "./view-check.ts";
import { Writer } from "./writer.ts";

export interface ReplicaPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly workers: Workers;
  /** Default: `VIEW`. */
  readonly view?: ViewOptions;
}

export class Replica implements SessionView {
  readonly account: AccountId;
  readonly self: DeviceId;
  readonly signingKey: SigningKey;
  readonly keys: KeyRing;
  readonly book: ControlBook;
  readonly ledger: Ledger;
  readonly writer: Writer;
  readonly purged: PurgedMessages;
  readonly ports: ReplicaPorts;
  readonly erased = new ErasedPlaces();
  readonly stored: StoredView;
  readonly #context: TurnContext;
  readonly #subscribers = new Set<(published: Published) => void>();
  readonly #haltListeners = new Set<(code: ErrorCode | null) => void>();
  #digest: Uint8Array | null = null;
  #fold: Fold | null = null;
  #isDoubtful = false;
  readonly #damageListeners = new Set<() => void>();

  private constructor(
    input: Pick<Replica, "keys" | "ledger" | "book" | "ports"> & { readonly secrets: DeviceSecrets },
  ) {
    const { secrets, keys, ledger, book, ports } = input;
    this.account = bytesToId(secrets.account);
    this.self = secrets.device;
    this.signingKey = createSigningKey(secrets.signSeed);
    this.keys = keys;
    this.book = book;
    this.ledger = ledger;
    this.ports = ports;
    this.purged = new PurgedMessages(this);
    this.#context = {
      account: this.account,
      self: this.self,
      signingKey: this.signingKey,
      ...ports,
      ledger,
      book,
      keys,
      sealer: new Sealer(ports.entropy),
      erased: this.erased,
      fold: () => this.fold,
    };
    const line = new CommitLine({ ...ports, onHalt: (code) => this.#halted(code) });
    this.writer = new Writer({
      context: this.#context,
      line,
      publish: (published) => this.#publish(published),
    });
    this.stored = new StoredView({
      context: this.#context,
      writer: this.writer,
      options: ports.view ?? VIEW,
      isDoubtful: () => this.#isDoubtful,
    });
  }

  /**
   * Reads states and control entries; nothing that grows with history. Builds the view again where its version changed and the older one cannot
   * serve meanwhile. Around what is damaged of it: `isDoubtful` says so, and `ledger.lost` which control entries that costs.
   *
   * @throws EngineError `STORE_DAMAGED` where what is lost is what this device has its keys from.
   */
  static async open(secrets: DeviceSecrets, ports: ReplicaPorts): Promise<Replica> {
    const { store } = ports;
    const ledger = new Ledger((await store.logs()).map((log) => log.state));
    let replica: Replica | null = null;
    store.onDamage(() => {
      if (replica !== null) replica.#metDamage();
    });
    const memory = new StartMemory(store);
    await loadFolded(ledger, memory);
    const book = await loadBook(bytesToId(secrets.account), ledger, memory);
    await loadPromises(ledger, book, memory);
    const keys = await KeyRing.open(secrets.device, secrets.openSeed, ports.workers);
    replica = new Replica({ secrets, keys, ledger, book, ports });
    try {
      if (ledger.tips.size > 0) {
        await keys.absorb(book.view);
        // Nor where nothing says any more which logs are control logs.
        const isLost = ledger.lost.size > 0 || ![...ledger.tips.keys()].some((log) => book.owns(log));
        if (keys.indexKey === null && isLost)
          throw new EngineError("STORE_DAMAGED", "the entries that hold this device's keys are damaged");
        const version = await memory.read(META.viewVersion, (bytes) => bytes[0]);
        replica.#isDoubtful = store.hasMetDamage();
        // What is damaged is set right before the view is built from it.
        if (!replica.#isDoubtful) await replica.stored.settle(version, memory);
        await replica.unlockAll();
      }
    } catch (error) {
      // The store is the caller's to close; the writer must not go on trying to write to it.
      await replica.writer.close();
      throw error;
    }
    return replica;
  }

  /** How often the stored view was built again or what is stored was repaired: what was read before says nothing any more. */
  get viewsBuilt(): number {
    return this.stored.built;
  }

  /** Something that is not what was written was met, at the start or since, and has not been taken away. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** The stored view, to be read. */
  get view(): StoredView["rows"] {
    return this.stored.rows;
  }

  get frontier(): Frontier {
    return this.ledger.frontier;
  }

  get evicted(): RangesByLog {
    return this.ledger.evicted;
  }

  /** Asked for by somebody, or missing in the view. */
  get wantedBack(): RangesByLog {
    return unite(this.ledger.wantedBack, this.ledger.unfolded);
  }

  get members(): MemberView {
    return this.book.view;
  }

  /** Null until the index key is here. */
  get fold(): Fold | null {
    const { indexKey } = this.keys;
    if (this.#fold === null && indexKey !== null) this.#fold = createFold({ indexKey });
    return this.#fold;
  }

  digest(): Uint8Array {
    this.#digest ??= possessionDigest({
      account: this.account,
      frontier: this.frontier,
      members: this.members,
    });
    return this.#digest;
  }

  /** True where no position that is wanted is missing here below a known head. */
  complete(): boolean {
    return isNothingMissing(this);
  }

  fingerprint(): string {
    return fingerprint({ account: this.account, frontier: this.frontier, members: this.members });
  }

  /** Told of every turn once it is durable. Returns how to end it. */
  subscribe(subscriber: (published: Published) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Told when writing stops, with the code, and when it goes on, with null. */
  onHalt(listener: (code: ErrorCode | null) => void): void {
    this.#haltListeners.add(listener);
  }

  /** Told when reading meets damage. */
  onDamage(listener: () => void): void {
    this.#damageListeners.add(listener);
  }

  /** Folds what waited for keys. Called when keys have come. */
  async unlockAll(): Promise<void> {
    for (const log of Array.from(this.ledger.locked.keys())) await this.writer.unlock(log);
  }

  /**
   * Runs `repair` while nothing else is written, and then takes what it left: the states of all logs are read again, since positions may
   * be gone, and the stored view is built again where it says so.
   */
  repair<Result extends { readonly rebuildView: boolean }>(repair: () => Promise<Result>): Promise<Result> {
    return this.writer.exclusive(async () => {
      const result = await repair();
      for (const { state } of await this.ports.store.logs()) this.ledger.restore(state);
      this.#digest = null;
      await this.#commitMeta(ownersMeta(this.#context));
      this.stored.changed();
      if (result.rebuildView) await this.stored.rebuild();
      this.#isDoubtful = false;
      return result;
    });
  }

  /** @throws EngineError `STORE_DAMAGED` while this device writes nothing, since control entries are lost here. */
  requireWhole(): void {
    requireWhole(this, false);
  }

  /** Control entries that are about to be forgotten: durable before they are, so that no start takes the members that are left for all. */
  async noteLost(log: LogId, ranges: Ranges): Promise<void> {
    this.ledger.lost = unitePlaces(this.ledger.lost, new Map([[log, ranges]]));
    await this.#commitMeta(new Map([[META.lost, encodePlaces(this.ledger.lost)]]));
  }

  /** How many rows of the stored view do not say what the logs say. Of a view of an older version nobody can tell. */
  countWrongRows(pace?: () => Promise<void>): Promise<number> {
    return this.stored.building.isNeeded ? Promise.resolve(0) : countWrongRows(this.#context, pace);
  }

  /** Agrees to what another device purged; its author's own word changes nothing. */
  approvePurge(purge: ControlId): Promise<void> {
    return this.writer.appendControl([{ kind: "countersign", operation: purge }]);
  }

  /** Nothing of it that is not erased yet is erased, unless another device has agreed to it or does so without knowing of this. */
  stopPurge(purge: ControlId): Promise<void> {
    return this.writer.appendControl([{ kind: "void", operation: purge }]);
  }

  /** Finishes what it was given before, and takes nothing from now on. */
  async close(): Promise<void> {
    // Neither waits for the other to begin: what came between would still be taken.
    await Promise.all([this.stored.building.close(), this.writer.close()]);
    await this.ports.store.close();
  }

  #publish(published: Published): void {
    this.#digest = null;
    for (const subscriber of this.#subscribers) subscriber(published);
    if (published.members) this.#unlockLater();
  }

  /** A turn that waits in line like any other. What cannot be written now stays locked until the next chance. */
  #unlockLater(): void {
    if (this.ledger.locked.size === 0) return;
    this.unlockAll().catch((error: unknown) => {
      if (!isEngineError(error)) throw error;
    });
  }

  #metDamage(): void {
    this.#isDoubtful = true;
    for (const listener of this.#damageListeners) listener();
  }

  #halted(code: ErrorCode | null): void {
    for (const listener of this.#haltListeners) listener(code);
    if (code === null) this.#unlockLater();
  }

  #commitMeta(meta: ReadonlyMap<string, Uint8Array>): Promise<void> {
    return this.ports.store.commit({ logs: [], puts: new Map(), dels: new Set(), meta });
  }
}
