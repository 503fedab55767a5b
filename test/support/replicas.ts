/** Replicas of one account over stores without a disk, and what passes between them without a network. */
import { equalBytes } from "../../src/core/base/bytes.ts";
import { bytesToId } from "../../src/core/base/ids.ts";
import type { DeviceId, LogId, MessageId } from "../../src/core/base/ids.ts";
import type { Clock, Entropy } from "../../src/core/base/ports.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import { decodeBatch, verifyBatch } from "../../src/core/log/batch.ts";
import { extendFromBatch, verifyExtension } from "../../src/core/log/extension.ts";
import { keepInto } from "../../src/core/log/tiles.ts";
import { perfectNodes, placed } from "../../src/core/log/tree.ts";
import type { Batch, Head, KnownNode, LogClass, LogState } from "../../src/core/log/types.ts";
import type { Draft, OperationBody } from "../../src/core/inbox/types.ts";
import type { Commit, DeviceSecrets, Store } from "../../src/core/sync/ports.ts";
import type { Admission } from "../../src/app/link/link-joiner.ts";
import { takeAdmission } from "../../src/app/link/take-admission.ts";
import { machineWorkers } from "../../src/app/node/platform.ts";
import { readLines } from "../../src/app/node/conversation-lines.ts";
import { InboxReader } from "../../src/app/node/inbox-reader.ts";
import {
  createDeviceKeys,
  foundAccount,
  openOwnLogs,
  writeDeviceName,
  writeFounding,
} from "../../src/app/replica/founding.ts";
import { Replica } from "../../src/app/replica/replica.ts";
import type { ViewOptions } from "../../src/app/replica/view-progress.ts";
import { MemoryDisk } from "../../simulations/doubles/memory-disk.ts";
import { type MemoryStore, openMemoryStore } from "../../simulations/doubles/memory-store.ts";
import { testBytes } from "./logs.ts";

/** Different bytes at each call, the same in each run. */
export function entropyFrom(seed: number): Entropy {
  let calls = 0;
  return { bytes: (size) => testBytes(seed * 100_003 + ++calls, size) };
}

/** Fails where one log is given two different heads of one length. */
export class SignedHeads {
  readonly #roots = new Map<string, Uint8Array>();

  take({ logs }: Commit): void {
    for (const { state } of logs) {
      const { log, length, root } = state.head;
      const known = this.#roots.get(`${log}/${length}`);
      if (known !== undefined && !equalBytes(known, root)) throw new Error("two heads of one length");
      this.#roots.set(`${log}/${length}`, root);
    }
  }

  get count(): number {
    return this.#roots.size;
  }
}

/** One device: its disk outlives its store, as a machine's does a process. */
export class TestDevice {
  readonly secrets: DeviceSecrets;
  disk = new MemoryDisk();
  /** Of a program that is newer, where it is set. */
  view: ViewOptions | null = null;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Of all that this device's own writer gave to the store. */
  readonly heads = new SignedHeads();
  replica!: Replica;
  /** What it was linked with, to link it once more. */
  linked: Parameters<(typeof TestDevice)["join"]>[0] | null = null;
  /** What is written waits for the disk. */
  isHeld = false;
  #store!: MemoryStore;

  constructor(secrets: DeviceSecrets, clock: Clock, entropy: Entropy) {
    this.secrets = secrets;
    this.clock = clock;
    this.entropy = entropy;
  }

  static async found(clock: Clock, seed = 1): Promise<TestDevice> {
    const entropy = entropyFrom(seed);
    const founding = await foundAccount({ entropy, workers: machineWorkers });
    const device = new TestDevice(founding.secrets, clock, entropy);
    await device.open();
    await writeFounding(device.replica, founding, "laptop");
    return device;
  }

  async open(): Promise<Replica> {
    this.#store = openMemoryStore({
      disk: this.disk,
      sync: (synced) => {
        if (!this.isHeld) synced();
      },
    });
    const store: Store = {
      ...this.#store,
      commit: (commit) => {
        this.heads.take(commit);
        return this.#store.commit(commit);
      },
    };
    const { clock, entropy } = this;
    this.replica = await Replica.open(this.secrets, {
      store,
      clock,
      entropy,
      workers: machineWorkers,
      ...(this.view === null ? {} : { view: this.view }),
    });
    return this.replica;
  }

  /** Commits that wait for the disk. */
  get inFlight(): number {
    return this.#store.inFlight();
  }

  /** The process ends without a word and starts again; the first `survivors` of what was in flight have reached the disk. */
  async restart(survivors = 0): Promise<Replica> {
    this.#store.crash(survivors);
    this.isHeld = false;
    return this.open();
  }

  /** Admits a new device and gives it what a member gives while linking. */
  async admit(name: string, seed: number): Promise<TestDevice> {
    const { replica } = this;
    const entropy = entropyFrom(seed);
    const { device, openKey, signSeed, openSeed } = await createDeviceKeys({
      entropy,
      workers: machineWorkers,
    });
    const wraps = await replica.keys.wrapAllFor({ device, openKey }, replica.members, entropy);
    await replica.writer.appendControl([
      { kind: "admit", device, openKey, wraps, epochs: wraps.map(({ epoch }) => epoch) },
    ]);
    await writeDeviceName(replica, device, name);
    const admission: Admission = {
      account: replica.account,
      linkedBy: { device: replica.self, name: "laptop" },
      name,
      control: await batchesOf(replica, { logClass: "control" }),
    };
    const secrets = { signSeed, openSeed, device, account: this.secrets.account, unseenPhrase: null };
    return TestDevice.join({ secrets, admission, seed }, this.clock);
  }

  /** A device as it stands after linking; as often as one likes. */
  static async join(
    linked: { readonly secrets: DeviceSecrets; readonly admission: Admission; readonly seed: number },
    clock: Clock,
  ): Promise<TestDevice> {
    const made = new TestDevice(linked.secrets, clock, entropyFrom(linked.seed + 500));
    made.linked = linked;
    await made.open();
    await takeAdmission(made.replica, linked.admission);
    await openOwnLogs(made.replica);
    return made;
  }

  /**
   * Takes in batches that `source` serves, in this order, and asks it for the proof where a head needs one, as a session does. Those
   * of logs that nobody here knows yet are returned.
   */
  async ingest(batches: readonly Batch[], source: Replica): Promise<readonly Batch[]> {
    const unknown: Batch[] = [];
    for (const batch of batches) {
      const { account, members, writer, frontier } = this.replica;
      const owner = members.logs.get(batch.head.log);
      const verified =
        owner === undefined ? undefined : verifyBatch(batch, { account, author: owner.device });
      if (verified === undefined) {
        unknown.push(batch);
        continue;
      }
      let known = frontier.get(batch.head.log);
      let verdict = extendFromBatch({ known, batch: verified });
      if (verdict.kind === "needs-proof") {
        // Under a shorter head than the known one: the same entries come under the longer one.
        if (known === undefined || verdict.shorter !== known.head) continue;
        await this.#adopt(known, verdict.longer, source);
        known = frontier.get(batch.head.log);
        verdict = extendFromBatch({ known, batch: verified });
      }
      if (verdict.kind !== "longer" && verdict.kind !== "known")
        throw new Error(`not joined: ${verdict.kind}`);
      const adoption =
        verdict.kind === "known"
          ? null
          : { from: known?.head.length ?? 0, head: batch.head, peaks: verdict.peaks, nodes: [] };
      await writer.ingest(verified, adoption);
    }
    return unknown;
  }

  async #adopt(known: LogState, head: Head, source: Replica): Promise<void> {
    const m = known.head.length;
    const hashes = await source.ports.store.nodes(head.log, perfectNodes(m, head.length));
    if (hashes === undefined) throw new Error("the source can prove its own heads");
    const completed: KnownNode[] = [];
    const peaks = verifyExtension({ knownPeaks: known.peaks, m, nodes: hashes, head }, keepInto(completed));
    if (peaks === undefined) throw new Error("a head continues the one before it");
    const nodes = [...placed({ from: m, to: head.length, hashes }), ...completed];
    await this.replica.writer.adopt({ from: m, head, peaks, nodes });
  }
}

/** What a device serves of its logs, in small batches, each proving itself. */
export async function batchesOf(
  replica: Replica,
  options: {
    readonly logClass?: "control" | "state" | "messages";
    readonly bytesMax?: number;
    readonly of?: DeviceId;
  } = {},
): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for (const [log, { head, held }] of replica.frontier) {
    const owner = replica.members.logs.get(log);
    if (options.logClass !== undefined && owner?.logClass !== options.logClass) continue;
    if (options.of !== undefined && owner?.device !== options.of) continue;
    const want = { head, ranges: held, bytesMax: options.bytesMax ?? 400, newestFirst: true };
    for await (const { bytes } of replica.ports.store.batches(want)) batches.push(decodeBatch(bytes.slice()));
  }
  return batches;
}

export function draftOf(device: TestDevice, body: OperationBody, more: Partial<Draft> = {}): Draft {
  return {
    id: bytesToId<MessageId>(device.entropy.bytes(16)),
    author: device.replica.self,
    stamp: null,
    body,
    ...more,
  };
}

export function messageBody(
  text: string,
  more: Partial<Extract<OperationBody, { kind: "message" }>> = {},
): Extract<OperationBody, { kind: "message" }> {
  return {
    kind: "message",
    conversation: "Zoë",
    direction: "out",
    service: "kinlog",
    sender: null,
    text,
    sentAtMs: 1_750_000_000_000,
    receivedAtMs: null,
    replyTo: null,
    takenIn: false,
    readAtSource: false,
    ...more,
  };
}

/** All that a person could see, in one value: equal inboxes give equal values, whatever numbers their rows bear. */
export async function seenBy(replica: Replica): Promise<unknown> {
  const inbox = new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
  const conversations: unknown[] = [];
  for (const state of await inbox.conversations()) {
    const read = await inbox.messages(state.conversation, { limit: 10_000, before: null, deleted: true });
    conversations.push({
      ...(await readLines(replica, inbox, [state]))[0]!,
      messages: read.map((message) => inbox.message(message, state)),
    });
  }
  const names = await inbox.deviceNames();
  return {
    conversations: conversations.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    names: [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    totals: await inbox.totals(),
  };
}

export function lengthOf(replica: Replica, log: LogId): number {
  return replica.frontier.get(log)?.head.length ?? 0;
}

export async function send(device: TestDevice, ...texts: readonly string[]): Promise<void> {
  await device.replica.writer.append(texts.map((text) => draftOf(device, messageBody(text))));
}

/** Writes a bit of everything that refers to something. */
export async function live(device: TestDevice, name: string): Promise<void> {
  const { replica } = device;
  const drafts = Array.from({ length: 12 }, (_, at) =>
    draftOf(device, messageBody(`${name} ${at}`, { conversation: at % 3 === 0 ? "Ada" : "Zoë" })),
  );
  const results = await replica.writer.append(drafts);
  const conversation = replica.fold!.conversationOf("Zoë");
  await replica.writer.append([
    draftOf(device, { kind: "delete", conversation, messages: [drafts[1]!.id, drafts[2]!.id] }),
    draftOf(device, { kind: "restore", conversation, messages: [drafts[2]!.id] }),
    draftOf(device, { kind: "read", conversation, upTo: results[4]!.order! }),
    draftOf(device, { kind: "title", conversation, title: `Zoë of ${name}` }),
  ]);
}

/** A log of the device itself, of its first incarnation. */
export function ownLog({ account, self }: Replica, logClass: LogClass): LogId {
  return logIdOf({ account, device: self, incarnation: 0, logClass });
}
