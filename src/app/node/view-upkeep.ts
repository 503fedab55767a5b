/**
 * What a running node does about a stored view of an older version: it has the new one built in the background, tells how far that has come,
 * and reads anew what it keeps of the view once that serves. Tests: test/integration/app/view-building.test.ts, keeping.test.ts.
 */
import type { Replica } from "../replica/replica.ts";
import type { Alarms } from "./alarms.ts";
import type { DeviceNames } from "./device-names.ts";
import type { EventHub } from "./event-hub.ts";
import { tellNotHere } from "./evicting.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";

export function buildView(parts: {
  readonly replica: Replica;
  readonly inbox: InboxReader;
  readonly names: DeviceNames;
  readonly hub: EventHub;
  readonly alarms: Alarms;
  readonly network: NodeNetwork;
}): void {
  const { replica, inbox, names, hub, alarms, network } = parts;
  replica.stored.onBuilt(() => {
    inbox.deviceNames().then(
      (known) => names.set(known),
      // It closes.
      () => undefined,
    );
    tellNotHere(replica, alarms);
    // What is not in it comes with the next session.
    if (replica.ledger.unfolded.size > 0) network.peers.restart();
  });
  replica.stored.building.start((built) => hub.emit({ event: "progress", what: "view", ...built }));
}
