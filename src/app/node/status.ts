/** What `status` says: this device, its peers, whether all is the same, and what is wrong. */
import type { DeviceId } from "../../core/base/ids.ts";
import { countOf } from "../../core/log/ranges.ts";
import { purgedPlaces } from "../../core/sync/erased.ts";
import { countIn, without } from "../../core/sync/promises.ts";
import type { Replica } from "../replica/replica.ts";
import type { MessageIndex } from "../search/message-index.ts";
import { type InboxReader, timeText } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { PeerMemory } from "./peer-memory.ts";
import type { Alarm } from "./alarm-types.ts";
import type { PeerStatus, Status } from "./types.ts";

export async function describeStatus(input: {
  readonly replica: Replica;
  readonly inbox: InboxReader;
  readonly network: NodeNetwork | null;
  readonly memory: PeerMemory;
  readonly name: string;
  readonly nameOf: (device: DeviceId) => string;
  readonly recovery: Status["recovery"];
  readonly protection: Status["protection"];
  readonly alarms: readonly Alarm[];
  readonly version: string;
  readonly index: MessageIndex;
}): Promise<Status> {
  const { replica, network, memory } = input;
  const totals = await input.inbox.totals();
  const inSync = network?.inSync() ?? isAlone(replica);
  const nowMs = replica.ports.clock.wallMs();
  const lastInSyncMs = inSync ? nowMs : memory.lastInSyncMs;
  return {
    account: replica.account,
    device: replica.self,
    name: input.name,
    fingerprint: replica.fingerprint(),
    entries: contentEntries(replica),
    messages: await replica.purged.count(totals),
    conversations: totals.conversations,
    logs: replica.frontier.size,
    inSync,
    lastInSync: lastInSyncMs === null ? null : timeText(lastInSyncMs),
    evicted: countIn(without(replica.evicted, purgedPlaces(replica.members))),
    peers: network?.status() ?? peersOffline(input),
    cloud: null,
    unknownKinds: replica.ledger.counts.unknown,
    view: replica.stored.building.covered(),
    search: await input.index.covered(),
    attachments: null,
    recovery: input.recovery,
    protection: input.protection,
    alarms: input.alarms,
    version: input.version,
  };
}

/** Positions taken in of state and messages logs. */
function contentEntries(replica: Replica): number {
  let entries = 0;
  for (const [log, { held }] of replica.frontier) {
    if (replica.members.logs.get(log)?.logClass !== "control") entries += countOf(held);
  }
  return entries;
}

function isAlone(replica: Replica): boolean {
  const devices = [...replica.members.devices.values()];
  return devices.every(({ device, state }) => device === replica.self || state !== "active");
}

function peersOffline(input: Parameters<typeof describeStatus>[0]): readonly PeerStatus[] {
  return [...input.replica.members.devices.values()]
    .filter(({ device, state }) => device !== input.replica.self && state === "active")
    .map(({ device }) => ({
      device,
      name: input.nameOf(device),
      online: false,
      via: null,
      inSync: false,
      missingHere: null,
      missingThere: null,
    }));
}
