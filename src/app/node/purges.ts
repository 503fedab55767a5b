/**
 * What people see of purges and decide about them: which there are, that another device's is right, that one is not to be.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/purging.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import type { Replica } from "../replica/replica.ts";
import type { DeviceNames } from "./device-names.ts";
import type { Eraser, KnownPurge } from "./eraser.ts";
import { timeText } from "./inbox-reader.ts";
import type { Purge, Purges as PublicPurges } from "./purge-types.ts";

type Done = { readonly done: number };

const STATES = { open: "open", approved: "approved", void: "stopped" } as const;

export class Purges implements PublicPurges {
  readonly #replica: Replica;
  readonly #eraser: Pick<Eraser, "list">;
  readonly #names: Pick<DeviceNames, "of">;

  constructor(replica: Replica, eraser: Pick<Eraser, "list">, names: Pick<DeviceNames, "of">) {
    this.#replica = replica;
    this.#eraser = eraser;
    this.#names = names;
  }

  list(): Promise<readonly Purge[]> {
    const described = this.#eraser.list().map(({ id, author, entries, state, learnedAtMs, done }): Purge => ({
      id,
      by: this.#names.of(author),
      entries,
      state: STATES[state],
      since: learnedAtMs === null ? null : timeText(learnedAtMs),
      done,
    }));
    return Promise.resolve(described);
  }

  async approve(argument: string): Promise<Done> {
    const { id, state, author } = this.#find(argument);
    if (state === "approved") return { done: 0 };
    if (state === "void") throw settled("it was stopped");
    if (author === this.#replica.self)
      throw new EngineError("NOT_YOURS", "a device does not approve what it wrote itself", {
        remedy: "Run `kinlog purges approve` on another device of yours.",
      });
    await this.#replica.approvePurge(id);
    return { done: 1 };
  }

  async stop(argument: string): Promise<Done> {
    const { id, state } = this.#find(argument);
    if (state === "void") return { done: 0 };
    if (state === "approved") throw settled("it was approved");
    await this.#replica.stopPurge(id);
    // An approval that came while the stop was written is in its past, or knows nothing of it.
    if (this.#find(id).state === "approved") throw settled("it was approved at the same time");
    return { done: 1 };
  }

  #find(argument: string): KnownPurge {
    const digits = argument.toLowerCase();
    const isId = /^[0-9a-f]{6,64}$/.test(digits);
    const found = isId ? this.#eraser.list().filter(({ id }) => id.startsWith(digits)) : [];
    if (found.length > 1) {
      const candidates = found.map(({ id }) => id).join(", ");
      throw new EngineError("AMBIGUOUS", `several purges begin with that: ${candidates}`);
    }
    const [only] = found;
    if (only !== undefined) return only;
    throw new EngineError("NOT_FOUND", "there is no such purge", {
      remedy: "`kinlog purges` lists them; the first six digits of an id or more will do.",
    });
  }
}

function settled(how: string): EngineError {
  return new EngineError("PURGE_SETTLED", `this purge can be changed no more: ${how}`);
}
