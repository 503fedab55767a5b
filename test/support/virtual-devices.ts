/** Replicas of one account with their sides towards each other, over a network in virtual time: no disk, no sockets, no waiting. */
import type { DeviceId } from "../../src/core/base/ids.ts";
import type { Net } from "../../src/core/sync/ports.ts";
import type { NewEvent } from "../../src/app/node/event-hub.ts";
import { NodeNetwork } from "../../src/app/node/node-network.ts";
import { PeerMemory } from "../../src/app/node/peer-memory.ts";
import { MemoryHub, type MemoryNet } from "../../simulations/doubles/memory-net.ts";
import { Random } from "../../simulations/doubles/random.ts";
import { createVirtualClock, type VirtualClock } from "../../simulations/doubles/virtual-clock.ts";
import { batchesOf, TestDevice } from "./replicas.ts";

export const SECOND_MS = 1_000;

export interface Running {
  readonly device: TestDevice;
  readonly net: MemoryNet;
  readonly network: NodeNetwork;
  readonly events: NewEvent[];
  /** Promises that this device was told to be broken: by whom, and how many entries. */
  readonly broken: { readonly device: DeviceId; readonly entries: number }[];
  mayPromise: boolean;
}

export class VirtualDevices {
  readonly clock: VirtualClock = createVirtualClock();
  readonly hub = new MemoryHub({
    clock: this.clock,
    random: new Random(7),
    delayMsMax: 40,
    pieceBytesMax: 20_000,
    lossPer10000: 0,
  });
  running: readonly Running[] = [];

  /** The laptop that founds the account and a phone that it has admitted, both running and not connected. */
  async pair(): Promise<{ readonly laptop: Running; readonly phone: Running }> {
    const first = await TestDevice.found(this.clock);
    const second = await first.admit("phone", 2);
    await first.ingest(await batchesOf(second.replica), second.replica);
    return { laptop: await this.start(first), phone: await this.start(second) };
  }

  async start(device: TestDevice, alter: (net: MemoryNet) => Net = (net) => net): Promise<Running> {
    const net = this.hub.createNet();
    const events: Running["events"] = [];
    const broken: Running["broken"] = [];
    const made: Running = {
      device,
      net,
      events,
      broken,
      mayPromise: true,
      network: new NodeNetwork({
        replica: device.replica,
        memory: await PeerMemory.open(device.replica),
        net: alter(net),
        discovery: null,
        emit: (event) => events.push(event),
        nameOf: (id) => id.slice(0, 8),
        onTaken: () => undefined,
        onFork: () => undefined,
        onBroken: (peer, entries) => broken.push({ device: peer, entries }),
        mayPromise: (): boolean => made.mayPromise,
      }),
    };
    await made.network.start();
    this.running = [...this.running, made];
    return made;
  }

  /** From here on it is for the caller to close it. */
  forget(gone: Running): void {
    this.running = this.running.filter((each) => each !== gone);
  }

  /** As the same device after its end. */
  async again(old: Running): Promise<Running> {
    await this.clock.run(old.network.close());
    await old.device.restart();
    this.forget(old);
    return this.start(old.device);
  }

  connect(from: Running, to: Running): Promise<unknown> {
    return this.clock.run(from.network.meeting.connect(to.net.addresses()[0]!, 10 * SECOND_MS));
  }

  async cleanup(): Promise<void> {
    for (const { network, device } of this.running) {
      await this.clock.run(network.close());
      await this.clock.run(device.replica.close());
    }
  }
}
