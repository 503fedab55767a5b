/** People who have messages erased, agree to what others want erased, and stop it: the steps of purge-plan.ts. */
import type { MessageId } from "../../src/core/base/ids.ts";
import { messageOfKey } from "../../src/core/inbox/row-keys.ts";
import { messageIsHere } from "../../src/core/inbox/view.ts";
import type { InboxPeople } from "./inbox-people.ts";
import type { Machine } from "./machine.ts";
import type { People } from "./people.ts";
import { CONVERSATIONS } from "./plan.ts";
import type { PurgeStep } from "./purge-plan.ts";
import type { Witness } from "./witness.ts";
import type { Subject } from "./words.ts";

export interface PurgePeoplesWorld {
  readonly machines: readonly Machine[];
  readonly witness: Witness;
  readonly people: People;
  readonly inboxPeople: InboxPeople;
  readonly count: (path: string) => void;
  readonly begin: (work: Promise<unknown>, name: string) => void;
}

/** From so many entries on a purge waits for somebody. */
const LARGE = 100;

export class PurgePeople {
  readonly #world: PurgePeoplesWorld;

  constructor(world: PurgePeoplesWorld) {
    this.#world = world;
  }

  do(step: PurgeStep): void {
    const { begin, machines } = this.#world;
    const inTurn = machines.map((_, at) => machines[(step.device + at) % machines.length]!);
    const able = inTurn.filter((each) => each.running !== null && !each.isOlder);
    const [machine] = able;
    if (machine === undefined) return;
    switch (step.kind) {
      case "purge":
        if (machine !== machines[step.device]) return;
        return begin(this.#purge(machine, this.#picked(machine, step)), "purge");
      case "purge-many":
        return begin(this.#purgeMany(machine, step.count), "purge of many");
      case "purge-approve":
      case "purge-stop":
        for (const each of able) begin(this.#answer(each, step.kind), step.kind);
    }
  }

  #picked(
    machine: Machine,
    { pick, count, of }: Extract<PurgeStep, { kind: "purge" }>,
  ): readonly MessageId[] {
    if (of === "sent") {
      const { inboxPeople } = this.#world;
      const picked = Array.from({ length: count }, (_, at) => inboxPeople.picked(pick + 2 * at)?.id);
      return [...new Set(picked.filter((id) => id !== undefined))];
    }
    const { promised } = this.#world.witness;
    const taken = [...machine.disk!.state.rows]
      .filter(([key, row]) => key.startsWith("m") && messageIsHere(row))
      .map(([key]) => messageOfKey(key))
      .filter((id) => !promised.has(id))
      .toSorted();
    const from = taken.length === 0 ? 0 : pick % taken.length;
    return taken.slice(from, from + count);
  }

  async #purgeMany(machine: Machine, count: number): Promise<void> {
    const conversation = CONVERSATIONS - 1;
    const sent = Array.from({ length: count }, () => this.#world.people.send(machine, conversation, false));
    const ids = await Promise.all(sent);
    const found = ids.filter((id) => id !== null);
    if (machine.running !== null) await this.#purge(machine, found);
  }

  async #purge(machine: Machine, ids: readonly MessageId[]): Promise<void> {
    if (ids.length === 0) return;
    const { witness, count } = this.#world;
    witness.purges.want(machine, ids);
    const subjects = ids.map((message): Subject => ({ of: "bin", message }));
    const { messages } = machine.running!.node;
    await witness.words.say(subjects, machine, { what: "purge", value: "bin" }, () =>
      messages.purge(ids, { confirmed: true }),
    );
    count("purge");
  }

  /** Everybody agrees to whatever waits, however small: what is gone everywhere else can be had from nobody. */
  agreeToAll(): void {
    const { begin, machines } = this.#world;
    for (const machine of machines) {
      if (machine.running !== null && !machine.isOlder)
        begin(this.#answer(machine, "purge-approve", 1), "purge-approve");
    }
  }

  async #answer(machine: Machine, kind: "purge-approve" | "purge-stop", least = LARGE): Promise<void> {
    const { witness, count } = this.#world;
    const { purges } = machine.running!.node;
    const open = (await purges.list()).filter(
      ({ state, done, entries }) => state === "open" && !done && entries >= least,
    );
    for (const { id } of open) {
      if (kind === "purge-approve") {
        const isOwn = witness.purges
          .known(machine)
          .some((purge) => purge.id === id && purge.author === machine.device);
        if (isOwn) continue;
        witness.purges.release(id);
        await purges.approve(id);
        if (least === LARGE) count("large purge approved by another device");
      } else {
        await purges.stop(id);
        count("large purge stopped");
      }
    }
  }
}
