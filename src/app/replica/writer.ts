/**
 * The single writer: everything that changes the store goes through its turns, one after the other. A turn numbers, seals and signs
 * (or takes in what a peer sent), reads the rows that the fold needs, applies, and submits one atomic commit; the next turn
 * does not wait for the disk. Only what is durable is published. Rules: ARCHITECTURE.md, "The life of one message".
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { LogId, MessageId } from "../../core/base/ids.ts";
import { assert, EngineError, isEngineError } from "../../core/base/errors.ts";
import type { Draft } from "../../core/inbox/types.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import type { VerifiedBatch } from "../../core/log/types.ts";
import type { ControlBody, PurgeView } from "../../core/membership/types.ts";
import type { Commit } from "../../core/sync/ports.ts";
import type { Adoption } from "../../core/sync/types.ts";
import type { CommitLine } from "./commit-line.ts";
import { prepareErase } from "./erase-turn.ts";
import type { TurnContext } from "./turn-context.ts";
import { prepareControl } from "./control-turns.ts";
import { readOwnSpots, type Spot } from "./message-spots.ts";
import { makePurge, type Purged, type PurgeWish, readForPurge } from "./purge-turn.ts";
import { makeAppend, readForAppend } from "./own-turns.ts";
import { type AppendResult, type Published, quietTurn, type Turn } from "./turn.ts";
import type { Prepared } from "./keep-turns.ts";
import { prepareAdoption, prepareIngest, prepareUnlock } from "./taken-turns.ts";

/** Operations of callers that one turn takes together: group commit without a long wait for the first of them. */
const OPERATIONS_PER_TURN_MAX = 2_000;
/** Commits on their way to the disk before the next turn waits: enough to overlap, few enough to bound memory. */
const COMMITS_IN_FLIGHT_MAX = 4;

/** A row that what is derived starts from. */
export interface Ground {
  readonly key: RowKey;
  /** Null: there is none. */
  readonly row: Row | null;
}

interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface AppendJob {
  readonly kind: "append";
  readonly drafts: readonly Draft[];
  readonly resolve: (results: readonly AppendResult[]) => void;
  readonly reject: (error: unknown) => void;
}

type Job = AppendJob | (Settle & { readonly kind: "turn"; readonly prepare: () => Promise<Turn | null> });

export class Writer {
  readonly #context: TurnContext;
  readonly #line: CommitLine;
  readonly #publish: (published: Published) => void;
  readonly #jobs: Job[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(input: {
    readonly context: TurnContext;
    readonly line: CommitLine;
    readonly publish: (published: Published) => void;
  }) {
    this.#context = input.context;
    this.#line = input.line;
    this.#publish = input.publish;
  }

  /**
   * Operations of this device, durable when it resolves. Those whose id is here already are left out.
   *
   * @throws EngineError `DISK_FULL`, `STORE_POISONED`, `NODE_CLOSED`.
   */
  append(drafts: readonly Draft[]): Promise<readonly AppendResult[]> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: "append", drafts, resolve, reject }));
  }

  /** Control operations of this device, made one after the other, durable when it resolves. */
  appendControl(bodies: readonly ControlBody[]): Promise<void> {
    return this.#turn(() => prepareControl(this.#context, bodies));
  }

  /** See `readOwnSpots`. Waits for no turn. */
  ownSpots(id: MessageId, row: Row): Promise<readonly Spot[]> {
    return readOwnSpots(this.#context, id, row);
  }

  /**
   * Deletes, tombstones and the purge that names what is here of these messages: one turn, durable when it resolves. What one purge has no
   * room for is left for the next.
   *
   * @throws EngineError `STORE_DAMAGED` while control entries are lost here, `EPOCH_KEY_MISSING`, `DISK_FULL`, `STORE_POISONED`, `NODE_CLOSED`.
   */
  async purge(wish: PurgeWish): Promise<Purged> {
    let purged: Purged = { id: null, entries: [], targets: [], done: [] };
    await this.#turn(async () => {
      const ground = await this.#groundOf(() => readForPurge(this.#context, wish));
      ({ purged } = ground);
      return makePurge(this.#context, ground);
    });
    return purged;
  }

  /** What a session verified: durable when it resolves. What is held already is not written again. */
  ingest(batch: VerifiedBatch, adoption: Adoption | null): Promise<void> {
    return this.#turn(() => prepareIngest(this.#context, batch, adoption));
  }

  /** A longer head without entries yet. */
  adopt(adoption: Adoption): Promise<void> {
    return this.#turn(() => prepareAdoption(this.#context, adoption));
  }

  /** Folds what waited for keys that have come by now, in turns that others may come between. */
  async unlock(log: LogId): Promise<void> {
    for (let from: number | null = 0; from !== null;) from = await this.#unlockFrom(log, from);
  }

  /** Takes the payloads off the disk that a purge names, in turns that others may come between. What is gone already is passed over. */
  async erase(entries: PurgeView["entries"]): Promise<void> {
    for (let from: number | null = 0; from !== null;) {
      const at: number = from;
      await this.#turn(async () => {
        const step = await prepareErase(this.#context, entries, at);
        from = step.next;
        return step.turn;
      });
    }
  }

  /** A turn that others make (keep-turns.ts, view-building.ts): what it comes to, once it is durable. */
  async keep<Result>(
    prepare: (context: TurnContext) => Prepared<Result> | Promise<Prepared<Result>>,
  ): Promise<Result> {
    let prepared: Prepared<Result> | undefined;
    await this.#turn(async () => {
      prepared = await prepare(this.#context);
      return prepared.turn;
    });
    return prepared!.result;
  }

  /** Small named values beside the logs: nobody is told of them. */
  remember(meta: Commit["meta"]): Promise<void> {
    return this.#turn(() => Promise.resolve(quietTurn({ meta })));
  }

  /**
   * Rows beside those of the fold, made of the same logs: nobody is told of them. Resolves with false, and nothing is written, where one of
   * `grounds` is not the row that stands under its key.
   *
   * @throws EngineError `DISK_FULL`, `STORE_POISONED`, `NODE_CLOSED`.
   */
  async derive(rows: Pick<Commit, "puts" | "dels">, grounds: readonly Ground[]): Promise<boolean> {
    let stands = false;
    await this.#turn(async () => {
      stands = await this.#stand(grounds);
      return stands ? quietTurn({ puts: rows.puts, dels: rows.dels }) : null;
    });
    return stands;
  }

  /** Runs alone: after everything enqueued before is durable, and before anything enqueued later. */
  exclusive<Result>(run: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const prepare = async (): Promise<null> => {
        await this.#line.drained();
        const done = run();
        done.then(resolve, reject);
        // Its caller hears of a failure; the next turn begins all the same.
        await done.catch(() => undefined);
        return null;
      };
      this.#enqueue({ kind: "turn", prepare, resolve: () => undefined, reject });
    });
  }

  /** Somebody's turn is under way, or waits. */
  get isBusy(): boolean {
    return this.#running !== null;
  }

  /** Waits for what was enqueued, then takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#line.drained();
    this.#line.close();
  }

  async #unlockFrom(log: LogId, from: number): Promise<number | null> {
    let next: number | null = null;
    await this.#turn(async () => {
      const unlocking = await prepareUnlock(this.#context, log, from);
      ({ next } = unlocking);
      return unlocking.turn;
    });
    return next;
  }

  async #stand(grounds: readonly Ground[]): Promise<boolean> {
    const rows = await this.#context.store.rows(grounds.map(({ key }) => key));
    return grounds.every(({ row }, at) => {
      const found = rows[at];
      if (found === undefined || row === null) return found === undefined && row === null;
      return equalBytes(found, row);
    });
  }

  #turn(prepare: () => Promise<Turn | null>): Promise<void> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: "turn", prepare, resolve, reject }));
  }

  #enqueue(job: Job): void {
    if (this.#closed) {
      job.reject(new EngineError("NODE_CLOSED", "the node is closing"));
      return;
    }
    this.#jobs.push(job);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Whoever comes from here on, until the last line, finds it running.
    await Promise.resolve();
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      while (this.#line.inFlight >= COMMITS_IN_FLIGHT_MAX && this.#line.halted === null)
        await this.#line.oldest();
      if (this.#line.halted !== null) {
        job.reject(this.#line.halted);
        continue;
      }
      try {
        if (job.kind === "append") await this.#appendTurn([job, ...this.#appendsBehind(job)]);
        else {
          const { halts } = this.#line;
          this.#submit(await job.prepare(), halts, job);
        }
      } catch (error) {
        this.#reject(job, error);
      }
    }
    // In one step with finding no further job: a job that came in between would wait for the one after it.
    this.#running = null;
  }

  /**
   * What is refused for want of a proof is judged by heads that may be on their way to the disk still. Told before they can be seen, a
   * session would ask for the same again, as fast as the peer answers, until they are durable.
   */
  #reject(job: Job, error: unknown): void {
    if (isEngineError(error, "HEAD_UNPROVEN"))
      void this.#line.drained().then(() => job.reject(this.#line.halted ?? error));
    else job.reject(error);
  }

  /** Takes along the appends that wait behind the first, up to a bound. */
  #appendsBehind(first: AppendJob): readonly AppendJob[] {
    const jobs: AppendJob[] = [];
    let count = first.drafts.length;
    for (let next = this.#jobs[0]; next?.kind === "append"; next = this.#jobs[0]) {
      count += next.drafts.length;
      if (count > OPERATIONS_PER_TURN_MAX) break;
      jobs.push(next);
      this.#jobs.shift();
    }
    return jobs;
  }

  async #appendTurn(jobs: readonly AppendJob[]): Promise<void> {
    const drafts = jobs.flatMap((job) => job.drafts);
    let made: ReturnType<typeof makeAppend>;
    try {
      const ground = await this.#groundOf(() => readForAppend(this.#context, drafts));
      // From here to the submission nothing is waited for.
      made = makeAppend(this.#context, drafts, ground);
    } catch (error) {
      // What one caller asked for must not fail the others that happened to share its turn.
      if (jobs.length === 1) jobs[0]!.reject(error);
      else for (const job of jobs) await this.#appendTurn([job]);
      return;
    }
    const { turn, results } = made;
    const { halts } = this.#line;
    this.#submit(turn, halts, {
      resolve: () => {
        let at = 0;
        for (const job of jobs) {
          job.resolve(results.slice(at, at + job.drafts.length));
          at += job.drafts.length;
        }
        assert(at === results.length, "every draft has its result");
      },
      reject: (error) => {
        for (const job of jobs) job.reject(error);
      },
    });
  }

  /** Rows as they are once every commit that is kept can be seen: across a stop they may lack some, and are read again. */
  async #groundOf<Read>(read: () => Promise<Read>): Promise<Read> {
    for (;;) {
      const { halts } = this.#line;
      const ground = await read();
      if (this.#line.halted !== null) throw this.#line.halted;
      if (halts === this.#line.halts) return ground;
    }
  }

  /** `halts` as it was before the turn was prepared. */
  #submit(turn: Turn | null, halts: number, { resolve, reject }: Settle): void {
    if (turn === null) {
      // Nothing new; but what it relied on may still be on its way to the disk.
      this.#line
        .drained()
        .then(() => (this.#line.halted === null ? resolve() : reject(this.#line.halted)), reject);
      return;
    }
    if (halts !== this.#line.halts && !turn.members) {
      // Rows that it started from may have lacked commits that are kept. Nothing was signed for it: appends are made without waiting.
      reject(this.#line.halted ?? new EngineError("STORE_POISONED", "writing stopped meanwhile"));
      return;
    }
    const { commit, apply, ...published } = turn;
    apply();
    for (const state of turn.states) this.#context.ledger.advance(state);
    const onDurable = (): void => {
      for (const state of turn.states) this.#context.ledger.frontier.set(state.head.log, state);
      if (!isQuiet(turn)) this.#publish({ ...published, rows: commit.puts });
    };
    this.#line.submit(commit, onDurable).then(resolve, reject);
  }
}

/** Nothing in it that anybody would look at. */
function isQuiet({ states, operations, changes, members }: Turn): boolean {
  return states.length === 0 && operations.length === 0 && changes.length === 0 && !members;
}
