/** Joining with what this machine has. Part of the composition root. What happens: join-device.ts. */
import "../../promise-with-resolvers.ts";
import { createDiscovery } from "../../io/discovery/create-discovery.ts";
import { createNet } from "../../io/net/create-net.ts";
import { joinDevice, type Joined, type JoinRequest } from "./join-device.ts";
import { deviceDirectory } from "./machine-directory.ts";
import { machineInterfaces } from "./platform.ts";

/** Longer than any joining. */
const STAY_MS = 2 ** 30;

export interface JoinOptions extends JoinRequest {
  readonly dir: string;
}

/** @throws EngineError as `joinDevice` does. */
export async function joinAccount(options: JoinOptions): Promise<Joined> {
  // The ports' own timers keep no process alive, and between two dials there may be nothing else.
  const stay = setInterval(() => undefined, STAY_MS);
  try {
    const network = {
      createNet: () => createNet({ listen: [] }),
      createDiscovery: () => createDiscovery(),
      interfaces: machineInterfaces,
    };
    return await joinDevice(deviceDirectory(options.dir), network, options);
  } finally {
    clearInterval(stay);
  }
}
