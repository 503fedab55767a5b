/**
 * The library's node: one device of an account, opened. Each method checks what it was given, drafts operations or reads the inbox,
 * and waits until what it promised is durable. Public types: types.ts. Made by open-node.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import { entropyToPhrase } from "../../core/crypto/phrase.ts";
import { validateName } from "../../core/inbox/address.ts";
import type { ImportFormat } from "../../core/inbox/import-types.ts";
import type { Place } from "../../core/log/rows.ts";
import type { DeviceSecrets, Secrets } from "../../core/sync/ports.ts";
import { writeDeviceName } from "../replica/founding.ts";
import type { Replica } from "../replica/replica.ts";
import { MessageIndex } from "../search/message-index.ts";
import { Alarms } from "./alarms.ts";
import { DamageWatch, type Settled } from "./damage-watch.ts";
import { listDevices } from "./device-list.ts";
import { DeviceNames } from "./device-names.ts";
import { examine, type MachineInterface } from "./doctor.ts";
import type { EvictResult, RetentionResult } from "./evict-types.ts";
import { EventHub } from "./event-hub.ts";
import { brokenText, Evicting, tellNotHere, readRetention } from "./evicting.ts";
import { exportLines } from "./exporting.ts";
import { fetchMessages } from "./fetching.ts";
import type { ForkMemory } from "./fork-memory.ts";
import { InboxReader, timeText } from "./inbox-reader.ts";
import { InboxWriting } from "./inbox-writing.ts";
import { linkIsOpen, openLink } from "./linking.ts";
import { isHere, NodeNetwork } from "./node-network.ts";
import { currentTexts, MessageSearch } from "./message-search.ts";
import type { PeerMemory } from "./peer-memory.ts";
import { PurgeWork } from "./purge-work.ts";
import { Settings } from "./settings.ts";
import { buildView } from "./view-upkeep.ts";
import { SettingsReader } from "./settings-reader.ts";
import { describeStatus } from "./status.ts";
import { importFile, type OpenImport } from "./transferring.ts";
import { tellChanges } from "./turn-events.ts";
import type {
  EventKind,
  Finding,
  ImportResult,
  KinlogEvent,
  KinlogNode,
  LinkAttempt,
  OnProgress,
  Status,
  StoredWhere,
  VerifyResult,
} from "./types.ts";
import type { Discovery, Net } from "../../core/sync/ports.ts";

const SYNC_DEFAULT_MS = 60_000;
const CONNECT_MS = 10_000;

export interface NodeParts {
  readonly replica: Replica;
  readonly secrets: Secrets;
  readonly deviceSecrets: DeviceSecrets;
  readonly net: Net | null;
  readonly discovery: Discovery | null;
  readonly openImport: OpenImport;
  readonly interfaces: () => readonly MachineInterface[];
  /** The name given at the start, until the account knows one. */
  readonly fallbackName: string;
  readonly version: string;
  /** What opening has found of the store, and read on its way. */
  readonly settled: Settled;
}

export class DeviceNode implements KinlogNode {
  readonly account: string;
  readonly device: string;
  readonly messages: KinlogNode["messages"];
  readonly #parts: NodeParts;
  readonly #replica: Replica;
  readonly #inbox: InboxReader;
  readonly #writing: InboxWriting;
  readonly #index: MessageIndex;
  readonly #settings: Settings;
  readonly #names: DeviceNames;
  readonly #hub: EventHub;
  readonly #memory: PeerMemory;
  readonly #forks: ForkMemory;
  readonly #network: NodeNetwork | null;
  readonly #damage: DamageWatch;
  readonly #evicting: Evicting;
  readonly #alarms: Alarms;
  readonly #purgeWork: PurgeWork;
  #unseenPhrase: Uint8Array | null;
  #link: ReturnType<typeof openLink> | null = null;
  #closing: Promise<void> | null = null;

  private constructor(parts: NodeParts, retentionDays: number | null) {
    const { replica, settled } = parts;
    const { memory, forks } = settled;
    this.#parts = parts;
    this.#replica = replica;
    this.#memory = memory;
    this.#forks = forks;
    this.#names = new DeviceNames(memory.nameHints());
    this.#names.set(settled.names);
    this.#unseenPhrase = parts.deviceSecrets.unseenPhrase;
    this.account = replica.account;
    this.device = replica.self;
    this.#hub = new EventHub(() => timeText(replica.ports.clock.wallMs()));
    this.#alarms = new Alarms({ hub: this.#hub, forks, nowMs: () => replica.ports.clock.wallMs() });
    this.#inbox = new InboxReader(replica, this.#storedWhere, () => this.#damage.beCertain());
    this.#index = new MessageIndex({
      replica,
      current: currentTexts(this.#inbox),
      tell: (covered) => this.#hub.emit({ event: "progress", what: "search", ...covered }),
    });
    const search = new MessageSearch({
      inbox: this.#inbox,
      index: this.#index,
      isBuilding: parts.net !== null,
    });
    this.#writing = new InboxWriting(replica, this.#inbox);
    this.#purgeWork = this.#createPurgeWork();
    const { purge } = this.#purgeWork;
    this.messages = {
      ...this.#writing.messages,
      search: search.search,
      purge,
      fetch: async (ids) => {
        const network = this.#needNetwork();
        const onBack = this.#index.forget.bind(this.#index);
        return { done: await fetchMessages({ replica, inbox: this.#inbox, network, onBack }, ids) };
      },
    };
    this.#settings = new Settings(replica, new SettingsReader(replica, this.#inbox.opener));
    this.#network = parts.net === null ? null : this.#openNetwork(parts, parts.net);
    const keeping = this.#network?.keeping ?? null;
    this.#evicting = new Evicting({ replica, inbox: this.#inbox, keeping, retentionDays });
    tellChanges({
      replica,
      hub: this.#hub,
      inbox: this.#inbox,
      names: this.#names,
      isCatchingUp: () => this.#network?.isCatchingUp() ?? false,
      alarm: (code, text, evidence) => this.#alarms.raise(code, text, evidence),
    });
    const noteDevices = (): void =>
      memory.noteDevices(replica.members.devices.keys(), replica.ports.clock.wallMs());
    noteDevices();
    replica.subscribe(({ members }) => {
      if (members) noteDevices();
    });
    this.#damage = new DamageWatch({
      replica,
      network: this.#network,
      alarm: (text) => this.#alarms.raise("damage", text),
      onFoundAgain: async () => this.#names.set(await this.#inbox.deviceNames()),
    });
    if (settled.damage !== null) this.#alarms.raise("damage", settled.damage);
    replica.onHalt((code) => {
      if (code !== null) this.#alarms.raise("disk", `nothing can be written: ${code}`);
    });
  }

  #openNetwork(parts: NodeParts, net: Net): NodeNetwork {
    return new NodeNetwork({
      replica: parts.replica,
      memory: this.#memory,
      net,
      discovery: parts.discovery,
      emit: (event) => this.#hub.emit(event),
      nameOf: (device) => this.#names.of(device),
      onTaken: (entries) => this.#index.giveWay(entries),
      onFork: (fork) => this.#alarms.fork(fork),
      onBroken: (device, entries) =>
        this.#alarms.raise("promise-broken", brokenText(this.#names.of(device), entries)),
      mayPromise: () => this.#evicting.retentionDays === null,
    });
  }

  readonly #storedWhere = ({ place }: { readonly place: Place }): StoredWhere =>
    this.#network?.storedOn(place) ?? { here: isHere(this.#replica, place), devices: [], cloud: null };

  static async open(parts: NodeParts): Promise<DeviceNode> {
    const node = new DeviceNode(parts, await readRetention(parts.replica));
    await node.#purgeWork.load();
    if (node.#network !== null) await node.#purgeWork.start();
    await node.#network?.start();
    // A command that opens the store for a moment has no time for it.
    if (node.#network !== null) {
      node.#damage.start();
      const shown = { inbox: node.#inbox, names: node.#names, hub: node.#hub, alarms: node.#alarms };
      buildView({ replica: parts.replica, network: node.#network, ...shown });
      node.#index.start();
      node.#evicting.start();
    }
    tellNotHere(parts.replica, node.#alarms);
    return node;
  }

  get name(): string {
    return this.#names.known(this.#replica.self) ?? this.#parts.fallbackName;
  }

  get conversations(): KinlogNode["conversations"] {
    return this.#writing.conversations;
  }

  get purges(): KinlogNode["purges"] {
    return this.#purgeWork.purges;
  }

  get settings(): KinlogNode["settings"] {
    return this.#settings;
  }

  readonly devices: KinlogNode["devices"] = {
    list: async () => {
      const parts = { replica: this.#replica, network: this.#network, memory: this.#memory };
      return listDevices({ ...parts, nameOf: (device) => this.#names.of(device) });
    },
    rename: async (argument, name) => {
      validateName(name);
      const device = this.#names.find(argument, this.#replica.members.devices.keys());
      const free = this.#names.free(name.normalize("NFC"), device);
      await writeDeviceName(this.#replica, device, free);
      return { device, name: free };
    },
    link: async (options = {}): Promise<LinkAttempt> => {
      const network = this.#needNetwork();
      this.#replica.requireWhole();
      if (this.#link !== null) throw linkIsOpen();
      const opening = openLink({
        replica: this.#replica,
        network,
        ownName: this.name,
        freeName: async (wanted) => this.#names.free(wanted, null),
        ...(options.timeoutMs === undefined ? {} : { livesMs: options.timeoutMs }),
      });
      this.#link = opening;
      const over = (): void => {
        this.#link = null;
      };
      opening.then(({ done }) => done).then(over, over);
      return (await opening).attempt;
    },
  };

  readonly recovery: KinlogNode["recovery"] = {
    show: async () => {
      const phrase = this.#unseenPhrase;
      if (phrase === null) {
        throw new EngineError("RECOVERY_PHRASE_GONE", "the recovery phrase was shown once and is not kept", {
          remedy: "Use the words that you wrote down then.",
        });
      }
      await this.#parts.secrets.save({ ...this.#parts.deviceSecrets, unseenPhrase: null });
      this.#unseenPhrase = null;
      return { recoveryPhrase: entropyToPhrase(phrase) };
    },
  };

  status(): Promise<Status> {
    tellNotHere(this.#replica, this.#alarms);
    return describeStatus({
      replica: this.#replica,
      inbox: this.#inbox,
      network: this.#network,
      memory: this.#memory,
      name: this.name,
      nameOf: (device) => this.#names.of(device),
      recovery: this.#unseenPhrase === null ? "seen" : "unseen",
      protection: this.#parts.secrets.protection(),
      alarms: this.#alarms.all,
      index: this.#index,
      version: this.#parts.version,
    });
  }

  async sync(
    options: { readonly timeoutMs?: number } = {},
  ): Promise<{ readonly inSync: boolean; readonly fingerprint: string }> {
    const network = this.#needNetwork();
    const { clock } = this.#replica.ports;
    const untilMs = clock.monotonicMs() + (options.timeoutMs ?? SYNC_DEFAULT_MS);
    network.meeting.lookForAll();
    while (!network.inSync() && clock.monotonicMs() < untilMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(Math.max(1, untilMs - clock.monotonicMs()), resolve);
      await Promise.race([network.nextChange(), promise]);
      cancel();
    }
    return { inSync: network.inSync(), fingerprint: this.#replica.fingerprint() };
  }

  verify(
    options: { readonly repair?: boolean; readonly onProgress?: OnProgress } = {},
  ): Promise<VerifyResult> {
    return this.#damage.verify({ repair: options.repair ?? false, onProgress: options.onProgress });
  }

  evict(options: { readonly olderThanDays?: number } = {}): Promise<EvictResult> {
    return this.#evicting.evict(options.olderThanDays ?? null);
  }

  retention(options: { readonly days?: number | null } = {}): Promise<RetentionResult> {
    return this.#evicting.retention(options.days);
  }

  doctor(): Promise<readonly Finding[]> {
    const findings = examine({
      replica: this.#replica,
      network: this.#network,
      interfaces: this.#parts.interfaces(),
      protection: this.#parts.secrets.protection(),
      nameOf: (device) => this.#names.of(device as DeviceId),
      lastSeenMs: (device) => this.#memory.of(device as DeviceId).lastSeenMs,
    });
    return Promise.resolve(findings);
  }

  async connect(address: string): Promise<{ readonly device: string; readonly name: string }> {
    const network = this.#needNetwork();
    const session = await network.meeting.connect(address, CONNECT_MS);
    if (session === null) throw new EngineError("PEER_UNREACHABLE", "the other device closed the connection");
    return { device: session.peer, name: this.#names.of(session.peer) };
  }

  async import(
    path: string,
    options: { readonly format?: string; readonly onProgress?: OnProgress } = {},
  ): Promise<ImportResult> {
    return importFile({
      replica: this.#replica,
      inbox: this.#inbox,
      openImport: this.#parts.openImport,
      path,
      format: options.format as ImportFormat | undefined,
      onProgress: options.onProgress,
    });
  }

  export(options: { readonly onProgress?: OnProgress } = {}): AsyncIterable<string> {
    return exportLines({ replica: this.#replica, inbox: this.#inbox, onProgress: options.onProgress });
  }

  addresses(): readonly string[] {
    return this.#network?.net.addresses() ?? [];
  }

  events(
    options: { readonly kinds?: readonly EventKind[]; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<KinlogEvent> {
    return this.#hub.read(options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#link?.then(
      ({ attempt }) => attempt.cancel(),
      () => undefined,
    );
    await this.#evicting.close();
    await this.#damage.close();
    await this.#index.close();
    await this.#purgeWork.close();
    await this.#network?.close();
    await this.#memory.flush();
    await this.#forks.close();
    await this.#writing.flush();
    await this.#replica.close();
    this.#hub.emit({ event: "stopped" });
    this.#hub.close();
  }

  #createPurgeWork(): PurgeWork {
    return new PurgeWork({
      replica: this.#replica,
      inbox: this.#inbox,
      names: this.#names,
      alarms: this.#alarms,
      forget: (places) => this.#index.forget(places),
    });
  }

  #needNetwork(): NodeNetwork {
    if (this.#network === null) {
      throw new EngineError("NODE_NOT_RUNNING", "this needs a node that runs", {
        remedy: "Run `kinlog start`.",
      });
    }
    return this.#network;
  }
}
