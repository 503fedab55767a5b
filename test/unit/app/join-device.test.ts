/** Joining where nobody answers, in virtual time: what the person is told. Joining that works: test/integration/app/link.test.ts. */
import { ok, rejects } from "node:assert/strict";
import { EngineError } from "../../../src/core/base/errors.ts";
import type { MachineInterface } from "../../../src/app/node/doctor.ts";
import { joinDevice } from "../../../src/app/node/join-device.ts";
import { MemoryLan } from "../../../simulations/doubles/memory-discovery.ts";
import { MemoryHub } from "../../../simulations/doubles/memory-net.ts";
import { memorySecrets } from "../../../simulations/doubles/memory-secrets.ts";
import { openMemoryStore } from "../../../simulations/doubles/memory-store.ts";
import { MemoryShelf, memoryStores } from "../../../simulations/doubles/memory-stores.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { createVirtualClock } from "../../../simulations/doubles/virtual-clock.ts";
import { entropyFrom } from "../../support/replicas.ts";

const WIFI: MachineInterface = { name: "wlan0", address: "10.0.0.5", family: "IPv4", internal: false };
const TUNNEL: MachineInterface = { name: "wg0", address: "10.8.0.2", family: "IPv4", internal: false };
const LOOPBACK: MachineInterface = { name: "lo", address: "127.0.0.1", family: "IPv4", internal: true };

/** The remedy of the error after the half minute in which nobody answers. */
async function remedyWith(interfaces: readonly MachineInterface[]): Promise<string> {
  const clock = createVirtualClock();
  const random = new Random(1);
  const hub = new MemoryHub({ clock, random, delayMsMax: 5, pieceBytesMax: 1_000, lossPer10000: 0 });
  const lan = new MemoryLan({ hub, clock, random, delayMsMax: 5, lossPercent: 0 });
  const net = hub.createNet();
  // Keys are made on threads, for which virtual time does not wait.
  const keys = Promise.withResolvers<void>();
  const joining = joinDevice(
    {
      secrets: memorySecrets({ bytes: null }),
      stores: memoryStores(new MemoryShelf(), (disk) => openMemoryStore({ disk })),
      clock,
      entropy: entropyFrom(1),
      workers: {
        run: async (job) => {
          const made = await job();
          keys.resolve();
          return made;
        },
      },
    },
    {
      createNet: () => Promise.resolve(net),
      createDiscovery: () => Promise.resolve(lan.createDiscovery(net)),
      interfaces: () => interfaces,
    },
    { code: "42-ocean-violin", name: "phone" },
  );
  joining.catch(() => undefined);
  await keys.promise;
  let remedy = "";
  await clock.run(
    rejects(joining, (error) => {
      ok(error instanceof EngineError && error.code === "NO_PEER_FOUND");
      remedy = error.remedy ?? "";
      return true;
    }),
  );
  return remedy;
}

describe("Joining where nobody answers", () => {
  it("ends after half a minute with what doctor would say", async () => {
    const remedy = await remedyWith([LOOPBACK, WIFI]);
    ok(remedy.includes("`kinlog link`") && remedy.includes("no packet of anybody ever came"), remedy);
    ok(!remedy.includes("VPN or tunnel is up") && !remedy.includes("no network but itself"), remedy);
  });

  it("names the VPN, and a machine that has no network at all", async () => {
    ok((await remedyWith([LOOPBACK, WIFI, TUNNEL])).includes("A VPN or tunnel is up: wg0"));
    ok((await remedyWith([LOOPBACK])).includes("no network but itself"));
  });
});
