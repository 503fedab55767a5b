/**
 * Looks for damage of the store before anybody reads it: all of it once a day while the node runs, slowly, and at once where the store says
 * when it is opened that it is not what it was. What is found is told as an alarm and fetched again from siblings.
 * Rules: docs/spec/storage.md, "Opening" and "Scrubbing". Tests: test/integration/app/damage.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { DeviceId } from "../../core/base/ids.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { openNextIncarnation, openOwnLogs } from "../replica/founding.ts";
import type { Replica } from "../replica/replica.ts";
import { ForkMemory } from "./fork-memory.ts";
import { InboxReader } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";
import { PeerMemory } from "./peer-memory.ts";
import type { StoredWhere, VerifyResult } from "./types.ts";
import { takeAway, takeAwayAtOnce, verifyAll, type VerifyOptions } from "./verifying.ts";

/** Not while a device starts and meets its siblings. */
const FIRST_AFTER_MS = 600_000;
const AGAIN_AFTER_MS = 86_400_000;
/** The files alone are looked at when the start is over: before LevelDB has written much of them anew, and with it what is damaged. */
const FILES_AFTER_MS = 5_000;
/** After reading has met damage: what else it meets in the same moment is found by the same look. */
const SOON_MS = 1_000;
/** Rest between two chunks of a few hundred kilobytes: a hundredth of the machine's time. */
const REST_MS = 200;

const NOWHERE_ELSE: StoredWhere = { here: true, devices: [], cloud: null };
const SET_RIGHT =
  "the store was not as this device had left it: what is missing is fetched again from your other devices";
const LOST =
  "what says which devices the account has is damaged here: this device writes nothing until another of your devices has brought it again";
const FOUND_AGAIN = "what says which devices the account has is whole again, and this device writes again";

/** What every start reads of the view and beside it. */
interface ReadAtStart {
  readonly memory: PeerMemory;
  readonly forks: ForkMemory;
  readonly names: ReadonlyMap<DeviceId, string>;
}

/** What opening has found, and what it has read on its way. */
export interface Settled extends ReadAtStart {
  /** What was wrong with the store and has been set right, for the alarm; null for nothing. */
  readonly damage: string | null;
}

/**
 * Makes a store that is not what it was one that can be relied on: what is not proved is forgotten, the view is built again, and where
 * logs of this device may be longer than they seem it goes on in new ones. Before anything is written.
 *
 * @throws EngineError `STORE_DAMAGED` where it is beyond repair.
 */
export async function settleDamage(replica: Replica): Promise<Settled> {
  const { ledger, ports } = replica;
  ledger.isUnsettled = ports.store.isSuspect();
  const isWhole = !ledger.isUnsettled && !replica.isDoubtful;
  const read = isWhole ? await readable(() => readAtStart(replica)) : undefined;
  if (read !== undefined) return { damage: ledger.lost.size > 0 ? LOST : null, ...read };
  await takeAway(replica);
  await settleLogs(replica);
  return { damage: ledger.lost.size > 0 ? LOST : SET_RIGHT, ...(await readAtStart(replica)) };
}

/** Which logs this device goes on in. It cannot know while an incarnation of it may be among the entries that are lost. */
async function settleLogs(replica: Replica): Promise<void> {
  const { ledger, ports } = replica;
  if (!ledger.isUnsettled || ledger.lost.size > 0) return;
  await openNextIncarnation(replica);
  await ports.store.trust();
  ledger.isUnsettled = false;
}

async function readAtStart(replica: Replica): Promise<ReadAtStart> {
  const memory = await PeerMemory.open(replica);
  const forks = await ForkMemory.open(replica);
  return { memory, forks, names: await new InboxReader(replica, () => NOWHERE_ELSE).deviceNames() };
}

async function readable<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    return undefined;
  }
}

export class DamageWatch {
  readonly #replica: Replica;
  readonly #network: NodeNetwork | null;
  readonly #alarm: (text: string) => void;
  readonly #onFoundAgain: () => Promise<void>;
  #finding: Promise<void> | null = null;
  #cancel: CancelTimer | null = null;
  /** Looks that have not ended. */
  #looks = 0;
  #running: Promise<void> | null = null;
  #cancelFiles: CancelTimer | null = null;
  #runningFiles: Promise<void> | null = null;
  /** The look at the files, which is done once; null before it, and after one that failed. */
  #lookingAtFiles: Promise<void> | null = null;
  /** Somebody waits for it. */
  #isAwaited = false;
  /** Damage was met and has not been taken away. */
  #isDoubtful = false;
  #settingRight: Promise<void> | null = null;
  #isStarted = false;
  #closed = false;

  constructor(input: {
    readonly replica: Replica;
    readonly network: NodeNetwork | null;
    readonly alarm: (text: string) => void;
    /** Control entries that were lost are back, and the view has been built again. */
    readonly onFoundAgain: () => Promise<void>;
  }) {
    this.#replica = input.replica;
    this.#network = input.network;
    this.#alarm = input.alarm;
    this.#onFoundAgain = input.onFoundAgain;
    this.#replica.onDamage(() => {
      this.#isDoubtful = true;
      if (this.#isStarted) this.#lookSoon();
    });
    this.#replica.subscribe(() => {
      if (!this.#replica.ledger.isFoundAgain || this.#closed) return;
      this.#finding ??= this.#foundAgain().finally(() => {
        this.#finding = null;
      });
    });
  }

  /** From now on by itself. */
  start(): void {
    this.#isStarted = true;
    this.#schedule(FIRST_AFTER_MS);
    this.#cancelFiles = this.#replica.ports.clock.after(FILES_AFTER_MS, () => {
      this.#runningFiles = this.#lookAtFilesUnasked();
    });
  }

  /**
   * Resolves once the files that were there at the start have been looked at, and what was found damaged since has been taken away and
   * the view built again: before that, what is not found may be hidden by a flipped bit. Looks at once and without a rest.
   *
   * @throws EngineError where that cannot be done: `STORE_DAMAGED`, `STORE_POISONED`, `DISK_FULL`, `NODE_CLOSED`.
   */
  async beCertain(): Promise<void> {
    this.#isAwaited = true;
    await this.#lookAtFiles();
    if (!this.#isDoubtful) return;
    this.#settingRight ??= this.#setRight().finally(() => {
      this.#settingRight = null;
    });
    await this.#settingRight;
  }

  async verify(options: VerifyOptions): Promise<VerifyResult> {
    const result = await verifyAll(this.#replica, this.#network, options);
    if (options.repair) this.#isDoubtful = false;
    if (result.bad > 0) this.#alarm(textOf(result, options.repair));
    return result;
  }

  /** What runs ends at its next rest. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#cancelFiles?.();
    await this.#running;
    await this.#runningFiles;
    await this.#lookingAtFiles?.catch(() => undefined);
    await this.#settingRight?.catch(() => undefined);
    await this.#finding;
  }

  /** The members are known again: what was taken in without some of them is folded once more, and this device writes again. */
  async #foundAgain(): Promise<void> {
    try {
      await this.#replica.repair(() => Promise.resolve({ rebuildView: true }));
      await settleLogs(this.#replica);
      await openOwnLogs(this.#replica);
      await this.#onFoundAgain();
      this.#alarm(FOUND_AGAIN);
    } catch (error) {
      // The next start does it: until the view has been built it has no version.
      if (!isEngineError(error)) throw error;
    }
  }

  #schedule(afterMs: number): void {
    this.#cancel?.();
    this.#cancel = this.#replica.ports.clock.after(afterMs, () => {
      this.#running = this.#look().then(() => {
        if (!this.#closed) this.#schedule(AGAIN_AFTER_MS);
      });
    });
  }

  #lookSoon(): void {
    if (this.#looks === 0 && !this.#closed) this.#schedule(SOON_MS);
  }

  async #lookAtFilesUnasked(): Promise<void> {
    await this.#tryTo(() => this.#lookAtFiles());
    if (this.#isDoubtful) this.#lookSoon();
  }

  #lookAtFiles(): Promise<void> {
    this.#lookingAtFiles ??= this.#checkFiles().finally(() => {
      this.#isAwaited = false;
    });
    return this.#lookingAtFiles;
  }

  async #checkFiles(): Promise<void> {
    const pace = async (): Promise<void> => {
      this.#requireOpen();
      if (!this.#isAwaited) await this.#rest();
    };
    try {
      if ((await this.#replica.ports.store.checkFiles({ pace })) > 0) this.#isDoubtful = true;
    } catch (error) {
      this.#lookingAtFiles = null;
      throw error;
    }
  }

  /** For somebody who waits: what siblings are to bring again is not waited for. */
  async #setRight(): Promise<void> {
    this.#looks++;
    try {
      const result = await takeAwayAtOnce(this.#replica, this.#network);
      this.#isDoubtful = false;
      if (result.bad > 0) this.#alarm(textOf(result, true));
    } finally {
      this.#looks--;
    }
  }

  async #look(): Promise<void> {
    await this.#tryTo(async () => {
      await this.verify({ repair: true, onProgress: undefined, pace: () => this.#rest() });
    });
  }

  async #tryTo(look: () => Promise<void>): Promise<void> {
    this.#looks++;
    try {
      await look();
    } catch (error) {
      if (!isEngineError(error)) throw error;
      if (!this.#closed) this.#alarm(`what is stored here cannot be read: ${error.code}`);
    } finally {
      this.#looks--;
    }
  }

  async #rest(): Promise<void> {
    this.#requireOpen();
    await new Promise<void>((resolve) => this.#replica.ports.clock.after(REST_MS, resolve));
  }

  #requireOpen(): void {
    if (this.#closed) throw new EngineError("NODE_CLOSED", "the node is closing");
  }
}

function textOf({ bad, repaired, lost }: VerifyResult, repair: boolean): string {
  const found = `${bad} stored here ${bad === 1 ? "is" : "are"} not what was written`;
  if (!repair) return `${found}: run \`kinlog verify --repair\``;
  return lost === 0
    ? `${found}, and repaired`
    : `${found}: ${repaired} repaired, ${lost} wait for a device that has them`;
}
