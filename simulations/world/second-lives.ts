/**
 * Devices with two lives: an old copy of a disk is put back, a disk is cloned, a disk is lost. What the program must do of it comes with
 * incarnations; until then the judge forgives the device its own logs and holds everything else.
 */
import { idBytes } from "../../src/core/base/ids.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import { bytesToId } from "../../src/core/base/ids.ts";
import type { MemoryDisk } from "../doubles/memory-disk.ts";
import type { Machine } from "./machine.ts";
import type { SecondLifeStep } from "./steps.ts";
import type { Witness } from "./witness.ts";

interface Kept {
  readonly disk: MemoryDisk;
  readonly key: Uint8Array;
}

export class SecondLives {
  /** Whose logs may contradict each other from now on. */
  readonly touched = new Set<Machine>();
  readonly #kept = new Map<Machine, Kept>();
  readonly #witness: Witness;
  readonly #powerOn: (machine: Machine) => void;
  readonly #createClone: () => Machine;

  constructor(input: {
    readonly witness: Witness;
    readonly powerOn: (machine: Machine) => void;
    readonly createClone: () => Machine;
  }) {
    this.#witness = input.witness;
    this.#powerOn = input.powerOn;
    this.#createClone = input.createClone;
  }

  do(step: SecondLifeStep, machine: Machine): void {
    const { disk, keyPlace } = machine;
    switch (step.kind) {
      case "copy-kept":
        if (disk !== undefined && keyPlace.bytes !== null)
          this.#kept.set(machine, { disk: disk.copy(), key: keyPlace.bytes });
        return;
      case "copy-put-back":
      case "clone": {
        const kept = this.#kept.get(machine);
        if (kept !== undefined)
          this.#begin(step.kind === "clone" ? this.#createClone() : machine, machine, kept);
        return;
      }
      case "disk-lost":
        this.#forgive(machine);
        machine.kill("silent");
        machine.shelf.clear();
        keyPlace.bytes = null;
    }
  }

  #begin(body: Machine, soul: Machine, { disk, key }: Kept): void {
    this.#forgive(soul);
    body.kill("silent");
    body.shelf.put("db", disk.copy());
    body.keyPlace.bytes = key;
    this.#powerOn(body);
  }

  #forgive(machine: Machine): void {
    const { running, device } = machine;
    if (running === null || device === null) return;
    this.touched.add(machine);
    const { account } = running.replica;
    const logs = (["control", "state", "messages"] as const).map((logClass) =>
      logIdOf({ account: bytesToId(idBytes(account)), device, incarnation: 0, logClass }),
    );
    this.#witness.forgive(machine, logs);
  }
}
