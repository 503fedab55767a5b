/**
 * A device of the simulation: a model store with a slow disk, the real planner, and a session per peer. The shell of
 * src/app/sessions without its waiting.
 */
import type { DeviceId, LogId } from "../../src/core/base/ids.ts";
import type { Ranges } from "../../src/core/log/ranges.ts";
import { isComplete } from "../../src/core/log/state.ts";
import type { Head, LogClass, VerifiedBatch } from "../../src/core/log/types.ts";
import type { MemberView } from "../../src/core/membership/types.ts";
import { createPlanner } from "../../src/core/sync/planner.ts";
import { possessionDigest } from "../../src/core/sync/possession.ts";
import type { Adoption, Assignment, Planner, RangesByLog, SessionView } from "../../src/core/sync/types.ts";
import { memberViewOf, type ModelAccount, type ModelDevice } from "./model-account.ts";
import { ModelStore } from "./model-store.ts";
import type { OpenSession, Surroundings } from "./surroundings.ts";

export class SimDevice implements SessionView {
  readonly world: Surroundings;
  readonly account: ModelAccount;
  readonly model: ModelDevice;
  readonly store: ModelStore;
  readonly planner: Planner;
  readonly sessions = new Map<DeviceId, OpenSession>();
  members: MemberView;
  readonly evicted: RangesByLog = new Map();
  readonly wantedBack: RangesByLog = new Map();
  #digest: Uint8Array | undefined;
  readonly #waiting: (() => void)[] = [];
  #isWriting = false;
  #plannerWakesAt = Infinity;

  constructor(world: Surroundings, account: ModelAccount, model: ModelDevice) {
    this.world = world;
    this.account = account;
    this.model = model;
    this.store = new ModelStore(account.account, world.options.entriesPerBatch);
    this.members = memberViewOf(account);
    this.planner = createPlanner({ view: this });
  }

  get frontier(): ModelStore["frontier"] {
    return this.store.frontier;
  }

  digest(): Uint8Array {
    const { account, frontier, members } = this;
    return (this.#digest ??= possessionDigest({ account: account.account, frontier, members }));
  }

  complete(): boolean {
    return [...this.frontier.values()].every(isComplete);
  }

  setMembers(members: MemberView): void {
    this.members = members;
    this.#digest = undefined;
    for (const session of this.sessions.values()) session.feed({ kind: "members" });
  }

  /** Writes entries of its own; they are durable after a while. */
  write(logClass: LogClass, payloads: readonly Uint8Array[]): void {
    this.#onDisk(() => {
      const head = this.store.append(this.model, logClass, payloads);
      const ranges = new Map([[head.log, [{ from: head.length - payloads.length, to: head.length }]]]);
      this.#digest = undefined;
      this.assign(this.planner.held(null, { heads: [head], ranges }, this.world.queue.now));
      for (const session of this.sessions.values()) {
        session.feed({ kind: "grown", own: [head], others: [] });
      }
    });
  }

  commit(
    session: OpenSession,
    batch: VerifiedBatch,
    adoption: Adoption | null,
    done: (ok: boolean) => void,
  ): void {
    this.#onDisk(() => {
      if (this.world.isDiskFull(this.model.device)) return done(false);
      const fresh = this.store.ingest(batch, adoption);
      if (fresh === undefined) return done(false);
      this.#took(session, batch.head.log, fresh, batch.entries.length, done);
    });
  }

  adopt(session: OpenSession, adoption: Adoption, done: (ok: boolean) => void): void {
    this.#onDisk(() => {
      if (this.world.isDiskFull(this.model.device)) return done(false);
      this.store.adopt(adoption);
      this.#took(session, adoption.head.log, [], 0, done);
    });
  }

  assign(assignments: readonly Assignment[]): void {
    for (const { peer, log, ranges, wanted } of assignments) {
      if (!wanted) this.world.count("takenBack");
      this.sessions.get(peer)?.feed({ kind: wanted ? "assigned" : "unassigned", log, ranges });
    }
    this.#schedulePlanner();
  }

  #took(
    session: OpenSession,
    log: LogId,
    fresh: Ranges,
    entryCount: number,
    done: (ok: boolean) => void,
  ): void {
    const head: Head = this.frontier.get(log)!.head;
    const freshCount = fresh.reduce((sum, { from, to }) => sum + to - from, 0);
    this.world.count("entriesTaken", freshCount);
    this.world.count("entriesTwice", entryCount - freshCount);
    this.#digest = undefined;
    const delta = { heads: [head], ranges: new Map([[log, fresh]]) };
    this.assign(this.planner.held(session.peer, delta, this.world.queue.now));
    done(true);
    for (const other of this.sessions.values()) {
      // The session that brought it may be told as well, or not.
      if (other !== session || this.world.random.chance(50)) {
        other.feed({ kind: "grown", own: [], others: [head] });
      }
    }
  }

  /** In the order of the calls; what waits when a write ends shares the next one. */
  #onDisk(run: () => void): void {
    this.#waiting.push(run);
    if (!this.#isWriting) this.#writeWaiting();
  }

  #writeWaiting(): void {
    const { queue, random, options } = this.world;
    const runs = this.#waiting.splice(0);
    this.#isWriting = runs.length > 0;
    if (!this.#isWriting) return;
    queue.after(random.between(0, options.diskMsMax), () => {
      for (const run of runs) run();
      this.#writeWaiting();
    });
  }

  #schedulePlanner(): void {
    const { wakeAt } = this.planner;
    if (wakeAt >= this.#plannerWakesAt) return;
    this.#plannerWakesAt = wakeAt;
    this.world.queue.after(wakeAt - this.world.queue.now, () => {
      this.#plannerWakesAt = Infinity;
      this.assign(this.planner.woken(this.world.queue.now));
    });
  }
}
