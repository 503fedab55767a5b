/**
 * Two to eight devices of one account that run the real program over simulated disks, networks and clocks; people who use them, faults
 * that strike them, and a judge. Everything follows from a plan, and a plan from a seed: plan.ts.
 * Invariants: registers/invariants.ts. Commands: simulations/sim/main.ts. Tests: simulations/world.sim.test.ts.
 */
import { createHash, type Hash } from "node:crypto";
import { isEngineError } from "../../src/core/base/errors.ts";
import type { MessageId } from "../../src/core/base/ids.ts";
import { MemoryLan } from "../doubles/memory-discovery.ts";
import { MemoryHub } from "../doubles/memory-net.ts";
import { Random } from "../doubles/random.ts";
import { Backups } from "./backups.ts";
import { Calm } from "./calm.ts";
import { MARK } from "./canary.ts";
import { tapCrypto } from "./crypto-taps.ts";
import { Faults } from "./faults.ts";
import { HostileDevice } from "./hostile-device.ts";
import { InboxPeople } from "./inbox-people.ts";
import type { ForkEvidence } from "../../src/app/node/alarm-types.ts";
import { Judge } from "./judge.ts";
import { KeepingPeople } from "./keeping-people.ts";
import { Machine, type Surroundings } from "./machine.ts";
import { fillBackups, People } from "./people.ts";
import type { Plan, Step } from "./plan.ts";
import { PurgePeople } from "./purge-people.ts";
import { SecondLives } from "./second-lives.ts";
import { Strangers } from "./strangers.ts";
import { WorldTime } from "./time.ts";
import { hold } from "./violation.ts";
import { Witness } from "./witness.ts";

/** Between two comparisons, in events. */
const COMPARE_SETS_EVERY = 40;
const COMPARE_INBOXES_EVERY = 600;
const BEGIN_MS_MAX = 60_000;
const EVENTS_MAX = 400_000;
const AGAIN_MS = 5_000;

export interface Outcome {
  readonly failure: Error | null;
  readonly trace: string;
  readonly events: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly string[];
}

export class World {
  readonly plan: Plan;
  readonly time = new WorldTime();
  readonly machines: readonly Machine[];
  readonly witness: Witness;
  readonly secondLives: SecondLives;
  readonly counts = new Map<string, number>();
  readonly lines: string[] = [];
  readonly #isRecording: boolean;
  readonly #hash: Hash = createHash("sha256");
  readonly #random: Random;
  readonly #hub: MemoryHub;
  readonly #judge: Judge;
  readonly #people: People;
  readonly #inboxPeople: InboxPeople;
  readonly #purgePeople: PurgePeople;
  readonly #keepingPeople: KeepingPeople;
  readonly #faults: Faults;
  readonly #calm: Calm;
  readonly #hostile: HostileDevice;
  readonly #surroundings: Surroundings;
  readonly #names: ReadonlyMap<string, Machine>;
  #foreigner: Promise<Machine> | null = null;
  #failure: Error | null = null;
  #isOver = false;

  constructor(plan: Plan, options: { readonly isRecording?: boolean } = {}) {
    this.plan = plan;
    this.#isRecording = options.isRecording ?? false;
    // Beside the plan's own chance, so that dropping a step leaves the rest as it is as far as that can be.
    this.#random = new Random(plan.seed + 0x5eed);
    this.witness = new Witness({ count: this.count, trace: this.trace, fail: this.#fail });
    this.#hub = this.#createHub();
    const backups = new Backups();
    fillBackups(backups, this.witness.written, plan.backups);
    const { time, count, trace } = this;
    this.#surroundings = {
      time,
      hub: this.#hub,
      lan: new MemoryLan({
        hub: this.#hub,
        clock: time,
        random: this.#random,
        delayMsMax: plan.delayMsMax,
        lossPercent: plan.discoveryLossPercent,
      }),
      backups,
      count,
      trace,
      opened: (machine, disk) => this.witness.watch(machine, disk),
      ended: (machine) => this.witness.runEnded(machine),
    };
    this.machines = Array.from({ length: plan.devices }, (_, index) => this.#createMachine(index));
    this.#names = new Map(this.machines.map((machine) => [machine.name, machine]));
    this.witness.keeping.machines = this.machines;
    this.#judge = new Judge(this.witness, this.machines, count);
    const shared = {
      machines: this.machines,
      count,
      after: this.#after,
      begin: this.#begin,
      powerOn: this.#powerOn,
    };
    this.#people = new People({ ...shared, witness: this.witness });
    this.#inboxPeople = new InboxPeople({ ...shared, witness: this.witness, words: this.witness.words });
    this.#purgePeople = new PurgePeople({
      ...shared,
      witness: this.witness,
      people: this.#people,
      inboxPeople: this.#inboxPeople,
    });
    this.#keepingPeople = new KeepingPeople({ ...shared, witness: this.witness });
    const strangers = new Strangers({
      hub: this.#hub,
      random: this.#random,
      after: this.#after,
      begin: this.#begin,
      foreigner: () => this.#foreign(),
    });
    this.secondLives = new SecondLives({
      witness: this.witness,
      powerOn: this.#powerOn,
      createClone: () => this.#createMachine(plan.devices + 1),
    });
    this.#faults = new Faults({ ...shared, hub: this.#hub, strangers, witness: this.witness });
    this.#hostile = new HostileDevice({
      ...shared,
      hub: this.#hub,
      random: new Random(plan.seed ^ 0x3a11),
      witness: this.witness,
      createMachines: () => [this.#createMachine(plan.devices + 2), this.#createMachine(plan.devices + 3)],
    });
    this.#calm = new Calm({
      ...shared,
      time,
      trace,
      witness: this.witness,
      judge: this.#judge,
      people: this.#people,
      purgePeople: this.#purgePeople,
      keepingPeople: this.#keepingPeople,
      faults: this.#faults,
      runFor: this.#runFor,
      until: this.#until,
      describe: this.#describe,
    });
  }

  readonly count = (path: string): void => {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
  };

  readonly trace = (line: () => string): void => {
    const text = `${this.time.monotonicMs()} ${line()}`;
    this.#hash.update(text);
    if (this.#isRecording) this.lines.push(text);
  };

  /** Runs the whole plan and judges it. Never rejects. */
  async run(): Promise<Outcome> {
    tapCrypto({
      sealed: (name) => this.witness.sealed(name),
      headSigned: (author, log, length, root) => this.witness.headSigned(author, log, length, root),
    });
    const onUnhandled = (error: unknown): void =>
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    process.on("unhandledRejection", onUnhandled);
    try {
      await this.#live();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#isOver = true;
      process.off("unhandledRejection", onUnhandled);
      tapCrypto(null);
    }
    const { counts, lines } = this;
    return {
      failure: this.#failure,
      trace: this.#hash.digest("hex"),
      events: this.time.events,
      counts,
      lines,
    };
  }

  async #live(): Promise<void> {
    const [first] = this.machines;
    const found = first!.found(`${MARK} ${first!.name}`).then(() => void this.#listen(first!));
    this.#begin(found, "found");
    await this.#until(() => first!.running !== null, BEGIN_MS_MAX, "the first device begins");
    for (const step of this.plan.steps) this.#after(step.at, () => this.#do(step));
    await this.#runFor(this.plan.stormMs);
    this.#hostile.leave();
    await this.#calm.beOff(this.plan.weeksOff);
    const { touched } = this.secondLives;
    await (touched.size > 0 ? this.#calm.endBeside(touched) : this.#calm.end());
  }

  #do(step: Step): void {
    this.trace(() => `step ${step.kind}`);
    switch (step.kind) {
      case "send":
      case "chatter":
      case "read":
      case "unread":
      case "delete":
      case "restore":
      case "clear":
      case "rename":
      case "link":
      case "import":
      case "newer-version":
      case "upgrade":
      case "absence":
      case "verify":
        return this.#people.do(step);
      case "mark":
      case "property":
      case "setting":
        return this.#inboxPeople.do(step);
      case "purge":
      case "purge-many":
      case "purge-approve":
      case "purge-stop":
        return this.#purgePeople.do(step);
      case "evict":
      case "fetch-back":
      case "retention":
        return this.#keepingPeople.do(step);
      case "copy-kept":
      case "copy-put-back":
      case "clone":
      case "disk-lost":
        return this.secondLives.do(step, this.machines[step.device]!);
      case "hostile-join":
      case "hostile-visit":
        return this.#hostile.do(step);
      default:
        return this.#faults.do(step);
    }
  }

  readonly #runFor = async (ms: number): Promise<void> => {
    const until = this.time.monotonicMs() + ms;
    await this.time.settle();
    while (await this.#step(until)) continue;
  };

  readonly #until = async (isDone: () => boolean, limitMs: number, what: string): Promise<void> => {
    const until = this.time.monotonicMs() + limitMs;
    await this.time.settle();
    while (!isDone()) {
      const isMore = await this.#step(until);
      hold(13, isMore || isDone(), () => `within ${limitMs / 1_000} s: ${what}; ${this.#describe()}`);
    }
  };

  async #step(until: number): Promise<boolean> {
    const isMore = await this.time.step(until);
    const { events } = this.time;
    await this.#judge.checkOwnWrites();
    if (isMore && events % COMPARE_SETS_EVERY === 0) this.#judge.compareSets();
    if (isMore && events % COMPARE_INBOXES_EVERY === 0) await this.#judge.compareInboxes();
    hold(14, events < EVENTS_MAX, () => "the devices never come to rest");
    if (this.#failure !== null) throw this.#failure;
    return isMore;
  }

  readonly #describe = (): string =>
    this.machines
      .map(
        (machine) =>
          `${machine.name} ${machine.running === null ? "off" : machine.running.replica.fingerprint().slice(0, 6)}`,
      )
      .join(", ");

  readonly #after = (delayMs: number, work: () => void): void => {
    this.time.after(delayMs, () => {
      if (!this.#isOver) work();
    });
  };

  /** An operating error is everyday life here; anything else is a fault of the program. */
  readonly #begin = (work: Promise<unknown>, name: string): void => {
    work.then(
      () => this.trace(() => `done ${name}`),
      (error: unknown) => {
        if (!isEngineError(error) || error.code === "UNEXPECTED")
          return this.#fail(error instanceof Error ? error : new Error(String(error)));
        this.count(`${name} refused ${error.code}`);
        this.trace(() => `refused ${name} ${error.code}`);
      },
    );
  };

  readonly #fail = (error: Error): void => {
    this.#failure ??= error;
  };

  readonly #powerOn = (machine: Machine): void => {
    if (machine.isOn || !machine.holdsDevice || this.#isOver || this.#calm.isOff) return;
    machine.isRepairing = false;
    const started = machine.start().then(
      () => {
        this.#judge.audit(machine);
        void this.#listen(machine);
      },
      (error: unknown) => {
        this.#after(AGAIN_MS, () => this.#powerOn(machine));
        throw error;
      },
    );
    this.#begin(started, "start");
  };

  async #listen(machine: Machine): Promise<void> {
    for await (const event of machine.running!.node.events({ kinds: ["message", "alarm"] })) {
      if (event.event === "message") this.witness.messageEvent(machine, event.message.id as MessageId);
      if (event.event !== "alarm") continue;
      this.count(`alarm ${event.code}`);
      if (event.code === "fork") this.#forkTold(machine, event.evidence as ForkEvidence);
    }
  }

  #forkTold(machine: Machine, evidence: ForkEvidence): void {
    const { log, heads } = evidence;
    if (heads[0]!.length < heads[1]!.length) this.count("fork of two lengths told");
    this.witness.forkTold(machine, evidence);
    if (this.#judge.isContradictedElsewhere(log, machine)) this.count("fork between honest devices told");
  }

  #foreign(): Promise<Machine> {
    this.#foreigner ??= (async () => {
      const machine = this.#createMachine(this.plan.devices);
      await machine.found("stranger");
      return machine;
    })();
    return this.#foreigner;
  }

  #createMachine(index: number): Machine {
    const { slowPercent, slowMsMax, syncMsMax, batchBytesMax, seed } = this.plan;
    return new Machine(this.#surroundings, {
      index,
      name: `device-${index}`,
      random: new Random(seed * 31 + index + 1),
      pace: { slowPercent, slowMsMax },
      syncMsMax,
      batchBytesMax,
      isOlder: index === this.plan.older,
    });
  }

  #createHub(): MemoryHub {
    return new MemoryHub({
      clock: this.time,
      random: this.#random,
      delayMsMax: this.plan.delayMsMax,
      pieceBytesMax: this.plan.pieceBytesMax,
      lossPer10000: 0,
      listen: (piece, { name }, line) => this.witness.heard(piece, line, this.#names.get(name)),
      alter: (piece, { name }) => this.#faults.alter(piece, name),
    });
  }
}
