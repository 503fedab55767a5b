/** People who free space on their devices and want messages back: the steps of keeping-plan.ts. */
import { isEngineError } from "../../src/core/base/errors.ts";
import type { MessageId } from "../../src/core/base/ids.ts";
import type { KeepingStep } from "./keeping-plan.ts";
import { evictedMessages } from "./keeping-witness.ts";
import type { Machine, Running } from "./machine.ts";
import { shownText } from "./seen.ts";
import { hold } from "./violation.ts";
import type { Witness } from "./witness.ts";

export interface KeepingPeoplesWorld {
  readonly machines: readonly Machine[];
  readonly witness: Witness;
  readonly count: (path: string) => void;
  /** Something that nobody waits for. What is not an error of everyday life fails the run. */
  readonly begin: (work: Promise<unknown>, name: string) => void;
}

export class KeepingPeople {
  readonly #world: KeepingPeoplesWorld;
  /** What frees space now, by the program that does: one that dies ends nothing. */
  readonly #evicting = new Map<object, { readonly machine: Machine; readonly running: Running }>();
  /** In this world somebody frees space, or tries to. */
  isAtWork = false;
  /** Somebody has said of these how long they keep messages. */
  readonly #forAWhile = new Set<Machine>();

  constructor(world: KeepingPeoplesWorld) {
    this.#world = world;
  }

  do(step: KeepingStep): void {
    this.isAtWork = true;
    const { machines, begin } = this.#world;
    const inTurn = machines.map((_, at) => machines[(step.device + at) % machines.length]!);
    const machine = inTurn.find(({ running }) => running !== null);
    if (machine === undefined) return;
    switch (step.kind) {
      case "evict":
        return begin(this.#evict(machine, step.olderThanDays), "evict");
      case "fetch-back": {
        const all = this.#wantable(machine);
        const from = all.length === 0 ? 0 : step.pick % all.length;
        return begin(this.#fetch(machine, all.slice(from, from + step.count)), "fetch");
      }
      case "retention":
        return begin(this.#keepFor(machine, step.days), "retention");
    }
  }

  get isEvicting(): boolean {
    return [...this.#evicting.values()].some(({ machine, running }) => machine.running === running);
  }

  /** In the end everybody keeps messages for ever: a device evicts by itself what is older. */
  keepForEver(): void {
    for (const machine of this.#forAWhile)
      if (machine.running !== null) this.#world.begin(this.#keepForEver(machine), "retention");
  }

  /** As much as others promise to keep. */
  evictAll(machine: Machine): void {
    if (machine.running !== null) this.#world.begin(this.#evict(machine, null), "evict");
  }

  /** Of each device that lacks texts; whatever comes of it is looked at by who asks. */
  fetchAll(): void {
    for (const machine of this.#world.machines) {
      const all = machine.running === null ? [] : this.#wantable(machine);
      if (all.length > 0) this.#world.begin(this.#fetch(machine, all), "fetch");
    }
  }

  /** Messages that a person can ask for: of those that are purged nothing comes any more. */
  #wantable(machine: Machine): readonly MessageId[] {
    const { purges } = this.#world.witness;
    return evictedMessages(machine).filter((id) => !purges.mayBeHidden(machine, id));
  }

  async #evict(machine: Machine, days: number | null): Promise<void> {
    const running = machine.running!;
    const { count } = this.#world;
    const run = {};
    this.#evicting.set(run, { machine, running });
    try {
      const options = days === null ? {} : { olderThanDays: days };
      const { evicted, keptBecause } = await running.node.evict(options);
      if (evicted > 0) count("space freed");
      for (const { reason } of keptBecause) count(`evicting refused ${reason}`);
    } finally {
      this.#evicting.delete(run);
    }
  }

  async #keepFor(machine: Machine, days: number | null): Promise<void> {
    const running = machine.running!;
    const run = {};
    this.#forAWhile.add(machine);
    this.#evicting.set(run, { machine, running });
    try {
      const { evicted } = await running.node.retention({ days });
      this.#world.count(days === null ? "kept for ever again" : "kept for a while only");
      if (evicted > 0) this.#world.count("space freed");
    } finally {
      this.#evicting.delete(run);
    }
  }

  async #keepForEver(machine: Machine): Promise<void> {
    const { node } = machine.running!;
    if ((await node.retention()).days !== null) await this.#keepFor(machine, null);
  }

  async #fetch(machine: Machine, ids: readonly MessageId[]): Promise<void> {
    if (ids.length === 0) return;
    const { witness, count } = this.#world;
    const running = machine.running!;
    const status = await machine.observe(({ node }) => node.status());
    const online = new Set(status?.peers.filter((peer) => peer.online).map(({ device }) => device));
    if (!witness.keeping.isAnyKeptBy(machine, ids, online)) count("fetch while the keeper is away");
    try {
      const { done } = await running.node.messages.fetch(ids);
      if (done > 0) count("fetched back");
    } catch (error) {
      if (isEngineError(error, "PEER_UNREACHABLE")) count("fetch in vain");
      throw error;
    }
    await this.#checkShown(machine, running, ids);
  }

  /** 8: what has come back says what it said, unless it was taken away once more or changed since. */
  async #checkShown(machine: Machine, running: Running, ids: readonly MessageId[]): Promise<void> {
    const { promised, words, purges } = this.#world.witness;
    if (machine.running !== running || !machine.isDiskQuiet || machine.disk!.damagedCount > 0) return;
    const gone = new Set(evictedMessages(machine));
    for (const id of ids) {
      const text = promised.get(id)?.text;
      const isOther = words.about({ of: "text", message: id }).length > 0;
      if (text === undefined || isOther || gone.has(id) || purges.mayBeHidden(machine, id)) continue;
      const shown = await machine.observe((seen) => shownText(seen, id));
      // While this looks, somebody may free space again: what is on its way to the disk is read already.
      if (machine.running !== running || !machine.isDiskQuiet) return;
      hold(8, shown === text, () => `${machine.name} fetched back another text`);
    }
  }
}
