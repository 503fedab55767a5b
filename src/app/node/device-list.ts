/** The account's devices as people see them: who they are, since when, and how far behind. */
import type { DeviceId } from "../../core/base/ids.ts";
import type { Replica } from "../replica/replica.ts";
import { timeText } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { PeerMemory } from "./peer-memory.ts";
import type { Device } from "./types.ts";

export function listDevices(node: {
  readonly replica: Replica;
  readonly network: NodeNetwork | null;
  readonly memory: PeerMemory;
  readonly nameOf: (device: DeviceId) => string;
}): readonly Device[] {
  const { replica, network, memory, nameOf } = node;
  return [...replica.members.devices.values()].map(({ device, state, admittedBy }): Device => {
    const self = device === replica.self;
    const { lastSeenMs: seenMs, sinceMs } = memory.of(device);
    const online = self ? network !== null : network?.peers.session(device) !== undefined;
    const lastSeenMs = self || online ? replica.ports.clock.wallMs() : seenMs;
    return {
      device,
      name: nameOf(device),
      self,
      state,
      since: sinceMs === null ? null : timeText(sinceMs),
      admittedBy: admittedBy === null ? null : nameOf(admittedBy),
      online,
      lastSeen: lastSeenMs === null ? null : timeText(lastSeenMs),
      missing: self ? 0 : (network?.missingThere(device) ?? null),
    };
  });
}
