/**
 * Looks for damage of the store before anybody reads it: all of it once a day while the node runs, slowly, and at once where the store says
 * when it is opened that it is not what it was. What is found is told as an alarm and fetched again from siblings.
 * Rules: docs/spec/storage.md, "Opening" and "Scrubbing". Tests: test/integration/app/damage.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { CancelTimer } from "../../core/base/ports.ts";
import { openNextIncarnation } from "../replica/founding.ts";
import type { Replica } from "../replica/replica.ts";
import { InboxReader } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";
import { PeerMemory } from "./peer-memory.ts";
import type { StoredWhere, VerifyResult } from "./types.ts";
import { takeAway, verifyAll, type VerifyOptions } from "./verifying.ts";

/** Not while a device starts and meets its siblings. */
const FIRST_AFTER_MS = 600_000;
const AGAIN_AFTER_MS = 86_400_000;
/** Rest between two chunks of a few hundred kilobytes: a hundredth of the machine's time. */
const REST_MS = 200;

const NOWHERE_ELSE: StoredWhere = { here: true, devices: [], cloud: null };

/**
 * Makes a store that is not what it was one that can be relied on: what is not proved is forgotten, the view is built again, and where
 * logs of this device may be longer than they seem it goes on in new ones. Gives the alarm's text, or null for a store that is what it was.
 * Before anything is written.
 *
 * @throws EngineError `STORE_DAMAGED` where it is beyond repair.
 */
export async function settleDamage(replica: Replica): Promise<string | null> {
  const { store } = replica.ports;
  const isSuspect = store.isSuspect();
  if (!isSuspect && (await isReadable(replica))) return null;
  await takeAway(replica);
  if (isSuspect) {
    await openNextIncarnation(replica);
    await store.trust();
  }
  return "the store was not as this device had left it: what is missing is fetched again from your other devices";
}

/** What every start reads of the view. */
async function isReadable(replica: Replica): Promise<boolean> {
  try {
    await PeerMemory.open(replica);
    await new InboxReader(replica, () => NOWHERE_ELSE).deviceNames();
    return true;
  } catch (error) {
    if (!isEngineError(error, "STORE_DAMAGED")) throw error;
    return false;
  }
}

export class DamageWatch {
  readonly #replica: Replica;
  readonly #network: NodeNetwork | null;
  readonly #alarm: (text: string) => void;
  #cancel: CancelTimer | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(input: {
    readonly replica: Replica;
    readonly network: NodeNetwork | null;
    readonly alarm: (text: string) => void;
  }) {
    this.#replica = input.replica;
    this.#network = input.network;
    this.#alarm = input.alarm;
  }

  /** From now on by itself. */
  start(): void {
    this.#schedule(FIRST_AFTER_MS);
  }

  async verify(options: VerifyOptions): Promise<VerifyResult> {
    const result = await verifyAll(this.#replica, this.#network, options);
    if (result.bad > 0) this.#alarm(textOf(result, options.repair));
    return result;
  }

  /** What runs ends at its next rest. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#running;
  }

  #schedule(afterMs: number): void {
    this.#cancel = this.#replica.ports.clock.after(afterMs, () => {
      this.#running = this.#look().then(() => {
        if (!this.#closed) this.#schedule(AGAIN_AFTER_MS);
      });
    });
  }

  async #look(): Promise<void> {
    try {
      await this.verify({ repair: true, onProgress: undefined, pace: () => this.#rest() });
    } catch (error) {
      if (!isEngineError(error)) throw error;
      if (!this.#closed) this.#alarm(`what is stored here cannot be read: ${error.code}`);
    }
  }

  async #rest(): Promise<void> {
    if (this.#closed) throw new EngineError("NODE_CLOSED", "the node is closing");
    await new Promise<void>((resolve) => this.#replica.ports.clock.after(REST_MS, resolve));
  }
}

function textOf({ bad, repaired, lost }: VerifyResult, repair: boolean): string {
  const found = `${bad} stored here ${bad === 1 ? "is" : "are"} not what was written`;
  if (!repair) return `${found}: run \`kinlog verify --repair\``;
  return lost === 0
    ? `${found}, and repaired`
    : `${found}: ${repaired} repaired, ${lost} wait for a device that has them`;
}
