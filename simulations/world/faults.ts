/** What goes wrong, step by step. Each fault ends by itself; `mend` ends all of them. */
import { equalBytes } from "../../src/core/base/bytes.ts";
import type { LogId } from "../../src/core/base/ids.ts";
import { contains } from "../../src/core/log/ranges.ts";
import type { MemoryHub } from "../doubles/memory-net.ts";
import { hasPromised } from "./keeping-witness.ts";
import type { Machine } from "./machine.ts";
import type { Witness } from "./witness.ts";
import type { FaultStep } from "./steps.ts";

export interface FaultsWorld {
  readonly witness: Witness;
  readonly machines: readonly Machine[];
  readonly hub: MemoryHub;
  readonly count: (path: string) => void;
  readonly after: (delayMs: number, work: () => void) => void;
  readonly powerOn: (machine: Machine) => void;
  readonly strangers: {
    readonly come: (how: Extract<FaultStep, { kind: "stranger" }>["how"], machine: Machine) => void;
  };
}

const STARTS_AGAIN_MS = 2_000;
const YEAR_MS = 365 * 86_400_000;
/** Pieces below are greetings and acknowledgements. */
const CORRUPT_FROM_BYTES = 100;

export class Faults {
  readonly #world: FaultsWorld;
  /** Whose next piece is changed on its way, and where. */
  readonly #corrupt = new Map<string, number>();
  readonly #syncMs: readonly number[];
  #isOver = false;

  constructor(world: FaultsWorld) {
    this.#world = world;
    this.#syncMs = world.machines.map((machine) => machine.syncMsMax);
  }

  do(step: FaultStep): void {
    const { machines, hub, count, after } = this.#world;
    count(`fault ${step.kind}`);
    if (step.kind === "loss") {
      hub.options.lossPer10000 = step.per10000;
      return after(step.forMs, () => {
        hub.options.lossPer10000 = 0;
      });
    }
    const machine = machines[step.device]!;
    switch (step.kind) {
      case "crash":
        return this.#crash(machine, step);
      case "cut":
      case "slow-link":
      case "break":
        return this.#disturb(machine, machines[step.other]!, step);
      case "isolate":
        for (const other of machines) if (other !== machine) hub.partition(machine, other);
        return after(step.forMs, () => {
          for (const other of machines) this.#join(machine, other);
        });
      case "corrupt":
        this.#corrupt.set(machine.name, step.where);
        return;
      case "move":
        if (machine.running !== null) hub.moveHost(machine.running.net);
        return;
      case "disk-full":
      case "failed-write":
      case "slow-disk":
      case "bit-flip":
        return this.#harmDisk(machine, step);
      case "clock":
        this.#setClock(machine, step.offMs);
        if (Math.abs(step.offMs) > YEAR_MS) {
          count("clock ten years off");
          this.#world.witness.purges.haveClocksJumped = true;
        }
        return;
      case "frozen-clock":
        machine.frozenAtMs = machine.wallMs();
        return after(step.forMs, () => {
          machine.frozenAtMs = null;
        });
      case "stranger":
        return this.#world.strangers.come(step.how, machine);
    }
  }

  /** A piece on its way from a host. */
  alter(piece: Uint8Array, from: string): Uint8Array {
    const where = this.#corrupt.get(from);
    if (where === undefined || piece.length < CORRUPT_FROM_BYTES) return piece;
    this.#corrupt.delete(from);
    this.#world.count("piece corrupted");
    const changed = piece.slice();
    changed[where % changed.length]! ^= 1 + (where % 255);
    return changed;
  }

  mend(): void {
    this.#isOver = true;
    const { machines, hub } = this.#world;
    hub.heal();
    hub.options.lossPer10000 = 0;
    this.#corrupt.clear();
    for (const [at, machine] of machines.entries()) {
      this.#setClock(machine, 0);
      machine.frozenAtMs = null;
      machine.syncMsMax = this.#syncMs[at]!;
      for (const disk of machine.shelf.disks.values()) disk.setFull(false);
    }
  }

  #setClock(machine: Machine, offMs: number): void {
    this.#world.witness.purges.clockSet(machine, offMs - machine.clockOffMs);
    machine.clockOffMs = offMs;
  }

  #crash(machine: Machine, { calls, how, downMs, againAtCall }: Extract<FaultStep, { kind: "crash" }>): void {
    const { after, powerOn } = this.#world;
    if (!machine.isOn) return;
    if (calls === 0) machine.kill(how);
    else machine.killAfter(calls);
    after(downMs, () => {
      powerOn(machine);
      if (againAtCall === 0 || !machine.isOn || this.#isOver) return;
      machine.killAfter(againAtCall);
      after(STARTS_AGAIN_MS, () => powerOn(machine));
    });
  }

  #disturb(
    machine: Machine,
    other: Machine,
    step: Extract<FaultStep, { kind: "cut" | "slow-link" | "break" }>,
  ): void {
    const { hub, count, after } = this.#world;
    if (machine === other) return;
    if (step.kind === "break") {
      if (machine.running === null || other.running === null) return;
      hub.breakStreams(machine.running.net, other.running.net, step.ends);
      if (step.ends === "one") count("stream half open");
      return;
    }
    if (step.kind === "cut") {
      hub.setLink(machine, other, { isCut: true });
      if (step.ways === 2) hub.setLink(other, machine, { isCut: true });
      else count("cut in one direction");
    } else hub.setLink(machine, other, { delayMs: step.delayMs, bytesPerSecond: step.bytesPerSecond });
    after(step.forMs, () => this.#join(machine, other));
  }

  #join(machine: Machine, other: Machine): void {
    this.#world.hub.setLink(machine, other, {});
    this.#world.hub.setLink(other, machine, {});
  }

  #harmDisk(
    machine: Machine,
    step: Extract<FaultStep, { kind: "disk-full" | "failed-write" | "slow-disk" | "bit-flip" }>,
  ): void {
    const { count, after } = this.#world;
    const { disk } = machine;
    if (disk === undefined) return;
    switch (step.kind) {
      case "disk-full":
        disk.setFull(true);
        return after(step.forMs, () => disk.setFull(false));
      case "failed-write":
        disk.failNextWrite("other", step.landed);
        if (step.landed > 0) count("failed write landed");
        return;
      case "slow-disk": {
        const before = this.#syncMs[machine.index]!;
        machine.syncMsMax = step.syncMs;
        return after(step.forMs, () => {
          machine.syncMsMax = before;
        });
      }
      case "bit-flip": {
        const place = this.#placeHeldTwice(machine, step.pick);
        if (place === undefined) return;
        machine.damage(place.log, place.position);
        count("entry damaged");
      }
    }
  }

  /**
   * An entry of a message or of a state that a sibling holds too: what only one disk has, no repair can bring back, so also none that a
   * sibling has evicted, and none that this device has promised to keep, since whoever it promised it to may evict it now. Of a log with two
   * histories the sibling may hold another entry at that position, which is none to repair from.
   */
  #placeHeldTwice(
    machine: Machine,
    pick: number,
  ): { readonly log: LogId; readonly position: number } | undefined {
    const owners = machine.running?.replica.members.logs;
    const places: { readonly log: LogId; readonly position: number }[] = [];
    for (const [log, { state }] of machine.disk?.state.logs ?? []) {
      if (owners?.get(log)?.logClass === "control") continue;
      for (const { from, to } of state.held)
        for (let position = from; position < to; position++) places.push({ log, position });
    }
    const twice = places.filter(
      ({ log, position }) =>
        !hasPromised(machine, { log, position }) &&
        this.#world.machines.some(
          (other) =>
            other !== machine &&
            contains(other.disk?.state.logs.get(log)?.state.held ?? [], position) &&
            other.disk?.state.logs.get(log)?.entries.get(position)?.state !== "absent" &&
            other.disk?.isDamaged(log, position) === false &&
            isSameLeaf(machine, other, log, position),
        ),
    );
    return owners === undefined || twice.length === 0 ? undefined : twice[pick % twice.length];
  }
}

function isSameLeaf(machine: Machine, other: Machine, log: LogId, position: number): boolean {
  const [leaf, known] = [machine, other].map(({ disk }) => disk?.state.logs.get(log)?.leaves.get(position));
  return leaf !== undefined && known !== undefined && equalBytes(leaf, known);
}
