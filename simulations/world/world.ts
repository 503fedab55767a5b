/**
 * Two to eight devices of one account that run the real program over simulated disks, networks and clocks; people who use them, faults
 * that strike them, and a judge. Everything follows from a plan, and a plan from a seed: plan.ts.
 * Invariants: registers/invariants.ts. Commands: simulations/sim/main.ts. Tests: simulations/world.sim.test.ts.
 */
import { createHash, type Hash } from "node:crypto";
import { isEngineError } from "../../src/core/base/errors.ts";
import { MemoryLan } from "../doubles/memory-discovery.ts";
import { MemoryHub } from "../doubles/memory-net.ts";
import { Random } from "../doubles/random.ts";
import { Backups } from "./backups.ts";
import { MARK } from "./canary.ts";
import { tapCrypto } from "./crypto-taps.ts";
import { Faults } from "./faults.ts";
import { Judge } from "./judge.ts";
import { Machine, type Surroundings } from "./machine.ts";
import { fillBackups, People } from "./people.ts";
import type { Plan, Step } from "./plan.ts";
import { Strangers } from "./strangers.ts";
import { WorldTime } from "./time.ts";
import { hold } from "./violation.ts";
import { Witness } from "./witness.ts";

/** Between two comparisons, in events. */
const COMPARE_SETS_EVERY = 40;
const COMPARE_INBOXES_EVERY = 600;
/** How soon everyone must be equal once all faults are over. A search for a missing peer takes a minute between two dials. */
const CONVERGE_MS_MAX = 6 * 60_000;
const SETTLE_MS = 20_000;
const SILENCE_MS = 250_000;
const BEGIN_MS_MAX = 60_000;
const EVENTS_MAX = 400_000;
const LOOK_EVERY_MS = 1_000;
const LINK_AGAIN_MS = 20_000;
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
  readonly counts = new Map<string, number>();
  readonly lines: string[] = [];
  readonly #isRecording: boolean;
  readonly #hash: Hash = createHash("sha256");
  readonly #random: Random;
  readonly #hub: MemoryHub;
  readonly #judge: Judge;
  readonly #people: People;
  readonly #faults: Faults;
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
      died: (machine) => this.witness.runEnded(machine),
    };
    this.machines = Array.from({ length: plan.devices }, (_, index) => this.#createMachine(index));
    this.#names = new Map(this.machines.map((machine) => [machine.name, machine]));
    this.#judge = new Judge(this.witness, this.machines);
    const shared = {
      machines: this.machines,
      count,
      after: this.#after,
      begin: this.#begin,
      powerOn: this.#powerOn,
    };
    this.#people = new People({ ...shared, witness: this.witness });
    const strangers = new Strangers({
      hub: this.#hub,
      random: this.#random,
      after: this.#after,
      begin: this.#begin,
      foreigner: () => this.#foreign(),
    });
    this.#faults = new Faults({ ...shared, hub: this.#hub, strangers });
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
    this.#begin(first!.found(`${MARK} ${first!.name}`), "found");
    await this.#until(() => first!.running !== null, BEGIN_MS_MAX, "the first device begins");
    for (const step of this.plan.steps) this.#after(step.at, () => this.#do(step));
    await this.#runFor(this.plan.stormMs);
    await this.#calm();
    await this.#judge.checkEnd();
    this.#checkUnknown();
    await this.#checkSilence();
  }

  #do(step: Step): void {
    this.trace(() => `step ${step.kind}`);
    switch (step.kind) {
      case "send":
      case "read":
      case "unread":
      case "delete":
      case "restore":
      case "clear":
      case "rename":
      case "link":
      case "import":
      case "newer-version":
      case "absence":
      case "verify":
        return this.#people.do(step);
      default:
        return this.#faults.do(step);
    }
  }

  /** All faults end, everything is switched on, and within a bound all are equal and know it. */
  async #calm(): Promise<void> {
    this.#faults.mend();
    for (const machine of this.machines) {
      if (machine.isOn) machine.killAfter(Number.POSITIVE_INFINITY);
      this.#powerOn(machine);
    }
    await this.#until(() => this.machines.every(isReady), CONVERGE_MS_MAX, "every device starts");
    await this.#linkRest();
    for (const machine of this.machines) this.#verifySoon(machine);
    const from = this.time.monotonicMs();
    while (!(await this.#isConverged())) {
      const tookMs = this.time.monotonicMs() - from;
      hold(13, tookMs < CONVERGE_MS_MAX, () => `not all devices are equal and know it: ${this.#describe()}`);
      await this.#runFor(LOOK_EVERY_MS);
    }
    this.trace(() => `converged after ${this.time.monotonicMs() - from}`);
  }

  /** Again where the disk does not take it yet. */
  #verifySoon(machine: Machine): void {
    const again = (error: unknown): void => {
      this.#after(AGAIN_MS, () => this.#verifySoon(machine));
      throw error;
    };
    this.#begin(this.#people.verify(machine).catch(again), "verify");
  }

  /** Whoever could not join in the storm joins in the calm. */
  async #linkRest(): Promise<void> {
    for (const joiner of this.machines) {
      const until = this.time.monotonicMs() + CONVERGE_MS_MAX;
      while (joiner.running === null) {
        hold(13, this.time.monotonicMs() < until, () => `${joiner.name} cannot join in the calm`);
        const device = this.machines.findIndex((machine) => machine.running !== null);
        this.#people.do({ kind: "link", device, joiner: joiner.index, code: "words", isRefused: false });
        await this.#runFor(LINK_AGAIN_MS);
      }
    }
  }

  async #isConverged(): Promise<boolean> {
    const prints = this.machines.map((machine) => machine.running?.replica.fingerprint());
    const isQuiet = (machine: Machine): boolean =>
      !machine.isRepairing && machine.disk?.damagedCount === 0 && machine.running!.replica.complete();
    if (new Set(prints).size !== 1 || !this.machines.every(isQuiet)) return false;
    for (const machine of this.machines) if (!(await this.#knowsAll(machine))) return false;
    return true;
  }

  /** It is connected to every other device that lives, and knows that they hold the same. */
  async #knowsAll(machine: Machine): Promise<boolean> {
    const status = await machine.observe(({ node }) => node.status());
    const known = new Map(status?.peers.map((peer) => [peer.device, peer.online && peer.inSync]));
    return this.machines.every((other) => other === machine || known.get(other.device!) === true);
  }

  /** Nothing but beats, and they keep the connections alive. */
  async #checkSilence(): Promise<void> {
    await this.#runFor(SETTLE_MS);
    const { framesSent, beatsSent } = this.witness;
    await this.#runFor(SILENCE_MS);
    const frames = this.witness.framesSent - framesSent;
    const beats = this.witness.beatsSent - beatsSent;
    hold(13, frames === beats, () => `${frames - beats} frames beside beats were sent between equal devices`);
    hold(13, await this.#isConverged(), () => "equal devices did not stay so");
  }

  /** What a later version wrote is everywhere, and counted by those who did not write it. */
  #checkUnknown(): void {
    for (const { log, position } of this.witness.unknown) {
      const holders = this.machines.filter(
        ({ disk }) => disk?.state.logs.get(log)?.entries.has(position) === true,
      );
      hold(
        13,
        holders.length === 0 || holders.length === this.machines.length,
        () => "an unknown entry is not everywhere",
      );
      for (const machine of holders) {
        const { replica } = machine.running!;
        const isOwn = replica.members.logs.get(log)?.device === machine.device;
        hold(
          6,
          isOwn || replica.ledger.counts.unknown > 0,
          () => `${machine.name} does not count what it does not know`,
        );
        if (!isOwn) this.count("unknown kind passed on");
      }
    }
  }

  async #runFor(ms: number): Promise<void> {
    const until = this.time.monotonicMs() + ms;
    await this.time.settle();
    while (await this.#step(until)) continue;
  }

  async #until(isDone: () => boolean, limitMs: number, what: string): Promise<void> {
    const until = this.time.monotonicMs() + limitMs;
    await this.time.settle();
    while (!isDone()) {
      const isMore = await this.#step(until);
      hold(13, isMore || isDone(), () => `within ${limitMs / 1_000} s: ${what}; ${this.#describe()}`);
    }
  }

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

  #describe(): string {
    return this.machines
      .map(
        (machine) =>
          `${machine.name} ${machine.running === null ? "off" : machine.running.replica.fingerprint().slice(0, 6)}`,
      )
      .join(", ");
  }

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
    if (machine.isOn || !machine.holdsDevice || this.#isOver) return;
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
      if (event.event === "message") this.witness.messageEvent(machine, event.message.id);
      if (event.event === "alarm") this.count(`alarm ${event.code}`);
    }
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
    const { slowPercent, slowMsMax, syncMsMax, seed } = this.plan;
    return new Machine(this.#surroundings, {
      index,
      name: `device-${index}`,
      random: new Random(seed * 31 + index + 1),
      pace: { slowPercent, slowMsMax },
      syncMsMax,
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

function isReady(machine: Machine): boolean {
  return machine.running !== null || (!machine.isOn && !machine.holdsDevice);
}
