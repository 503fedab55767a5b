/**
 * The end of a world: all faults end, everything is switched on, whoever could not join joins, and within a bound all devices are equal
 * and know it. Then they fall silent.
 */
import type { Faults } from "./faults.ts";
import type { Judge } from "./judge.ts";
import type { KeepingPeople } from "./keeping-people.ts";
import type { Machine } from "./machine.ts";
import type { People } from "./people.ts";
import type { PurgePeople } from "./purge-people.ts";
import type { WorldTime } from "./time.ts";
import { hold } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** How soon everyone must be equal once all faults are over. A search for a missing peer takes a minute between two dials. */
const CONVERGE_MS_MAX = 6 * 60_000;
/** Two beats and their answers: a connection that died in the storm without a sign is noticed by then, and made anew. */
const SETTLE_MS = 250_000;
const SILENCE_MS = 250_000;
/** What two devices say beside beats in that time that hold two histories of one log: they compare at each beat, and ask again each minute. */
const FRAMES_AT_ODDS_MAX = 36;
const SECOND_LIVES_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
const LINK_AGAIN_MS = 20_000;
const VERIFY_AGAIN_MS = 5_000;
const FETCH_AGAIN_MS = 15_000;
const STOP_MS = 5_000;
const WEEK_OFF_MS = 8 * 86_400_000;
const ON_MS = 90_000;

export interface CalmWorld {
  readonly machines: readonly Machine[];
  readonly time: WorldTime;
  readonly witness: Witness;
  readonly judge: Judge;
  readonly people: People;
  readonly purgePeople: PurgePeople;
  readonly keepingPeople: KeepingPeople;
  readonly faults: Faults;
  readonly count: (path: string) => void;
  readonly trace: (line: () => string) => void;
  readonly after: (delayMs: number, work: () => void) => void;
  readonly begin: (work: Promise<unknown>, name: string) => void;
  readonly powerOn: (machine: Machine) => void;
  readonly runFor: (ms: number) => Promise<void>;
  readonly until: (isDone: () => boolean, limitMs: number, what: string) => Promise<void>;
  readonly describe: () => string;
}

export class Calm {
  /** Nothing is switched on now. */
  isOff = false;
  readonly #world: CalmWorld;

  constructor(world: CalmWorld) {
    this.#world = world;
  }

  /** Everything is off for longer than a program counts of a time in which it does not run, and then runs for a moment; so often. */
  async beOff(weeks: number): Promise<void> {
    const { machines, faults, begin, powerOn, runFor, witness } = this.#world;
    if (weeks === 0) return;
    faults.mend();
    for (let week = 0; week < weeks; week++) {
      for (const machine of machines) {
        if (machine.running !== null) begin(machine.stop(), "stop");
      }
      await runFor(STOP_MS);
      for (const machine of machines) machine.kill("told");
      this.isOff = true;
      await runFor(WEEK_OFF_MS);
      this.isOff = false;
      witness.purges.daysPassed(WEEK_OFF_MS);
      witness.purges.isLong = week + 1 === weeks;
      for (const machine of machines) powerOn(machine);
      await runFor(ON_MS);
    }
  }

  /** @throws Violation where something does not hold at the end. */
  async end(): Promise<void> {
    await this.#calm();
    await this.#freeAndFetch();
    await this.#world.judge.checkEnd();
    this.#checkUnknown();
    await this.#checkSilence();
  }

  /** All faults end, everything is switched on, and within a bound all are equal and know it. */
  async #calm(): Promise<void> {
    this.#world.faults.mend();
    for (const machine of this.#world.machines) {
      if (machine.isOn) machine.killAfter(Number.POSITIVE_INFINITY);
      if (machine.isOlder) this.#world.begin(this.#world.people.upgrade(machine), "upgrade");
      else this.#world.powerOn(machine);
    }
    await this.#world.until(
      () => this.#world.machines.every(isReady),
      CONVERGE_MS_MAX,
      "every device starts",
    );
    await this.#linkRest();
    for (const machine of this.#world.machines) this.#verifySoon(machine);
    const from = this.#world.time.monotonicMs();
    while (!(await this.#isConverged()) || !this.#areDisksQuiet) {
      const tookMs = this.#world.time.monotonicMs() - from;
      if (tookMs >= CONVERGE_MS_MAX) this.#world.judge.holdForksTold();
      hold(
        13,
        tookMs < CONVERGE_MS_MAX,
        () =>
          `not all devices are equal and know it: ${this.#world.describe()}; ${this.#world.judge.pendingPurges ?? ""}`,
      );
      // What others carried out after a month a device that came since asks its person about.
      if (this.#world.witness.purges.isLong) this.#world.purgePeople.agreeToAll();
      await this.#world.runFor(LOOK_EVERY_MS);
    }
    this.#world.trace(() => `converged after ${this.#world.time.monotonicMs() - from}`);
  }

  /** Where people free space they do so once more, one after the other; and whatever was evicted anywhere comes back, for all of it is kept somewhere. */
  async #freeAndFetch(): Promise<void> {
    const { judge, keepingPeople, machines, runFor, time, trace, until } = this.#world;
    keepingPeople.keepForEver();
    const freed = (): Promise<void> =>
      until(() => !keepingPeople.isEvicting, CONVERGE_MS_MAX, "whoever frees space ends");
    await freed();
    for (const machine of keepingPeople.isAtWork ? machines : []) {
      keepingPeople.evictAll(machine);
      await freed();
    }
    await judge.checkKeeping();
    const from = time.monotonicMs();
    while (judge.evictedCount > 0 || !this.#areDisksQuiet) {
      const tookMs = time.monotonicMs() - from;
      hold(
        2,
        tookMs < CONVERGE_MS_MAX,
        () => `${judge.evictedCount} evicted messages cannot be fetched back`,
      );
      keepingPeople.fetchAll();
      await runFor(FETCH_AGAIN_MS);
    }
    trace(() => `fetched back after ${time.monotonicMs() - from}`);
  }

  /** Again where the disk does not take it yet. */
  #verifySoon(machine: Machine): void {
    const again = (error: unknown): void => {
      this.#world.after(VERIFY_AGAIN_MS, () => this.#verifySoon(machine));
      throw error;
    };
    this.#world.begin(this.#world.people.verify(machine).catch(again), "verify");
  }

  /** Whoever could not join in the storm joins in the calm. */
  async #linkRest(): Promise<void> {
    for (const joiner of this.#world.machines) {
      const until = this.#world.time.monotonicMs() + CONVERGE_MS_MAX;
      while (joiner.running === null) {
        hold(13, this.#world.time.monotonicMs() < until, () => `${joiner.name} cannot join in the calm`);
        const device = this.#world.machines.findIndex((machine) => machine.running !== null);
        this.#world.people.do({
          kind: "link",
          device,
          joiner: joiner.index,
          code: "words",
          isRefused: false,
          diesAtCall: 0,
        });
        await this.#world.runFor(LINK_AGAIN_MS);
      }
    }
  }

  async #isConverged(): Promise<boolean> {
    const { judge, machines, witness } = this.#world;
    const isQuiet = (machine: Machine): boolean =>
      !machine.isRepairing &&
      !machine.isDiskRefusing &&
      !machine.hasOlderView &&
      machine.disk?.damagedCount === 0 &&
      !witness.keeping.lacksRows(machine) &&
      judge.isComplete(machine);
    const isOn = machines.every((machine) => machine.running !== null);
    if (!isOn || new Set(machines.map(judge.printOf)).size !== 1 || !machines.every(isQuiet)) return false;
    if (!judge.areForksTold) return false;
    for (const machine of this.#world.machines) if (!(await this.#knowsAll(machine))) return false;
    return judge.pendingPurges === null;
  }

  /** A program knows what it has signed before its disk has it and others can: of members it is ahead of its own fingerprint till then. */
  get #areDisksQuiet(): boolean {
    return this.#world.machines.every((machine) => machine.isDiskQuiet);
  }

  /** It is connected to every other device that lives, and knows that they hold the same; or that a hostile one showed them two things. */
  async #knowsAll(machine: Machine): Promise<boolean> {
    const status = await machine.observe(({ node }) => node.status());
    const known = new Map(status?.peers.map((peer) => [peer.device, peer]));
    return this.#world.machines.every((other) => {
      if (other === machine) return true;
      const peer = known.get(other.device!);
      return peer?.online === true && (peer.inSync || this.#world.judge.areAtOdds(machine, other));
    });
  }

  /** Of devices with two lives the others keep what they have, and go on among themselves. */
  async endBeside(touched: ReadonlySet<Machine>): Promise<void> {
    const { judge, machines, runFor } = this.#world;
    await runFor(SECOND_LIVES_MS);
    await judge.compareInboxes();
    const others = machines.filter((machine) => !touched.has(machine));
    await judge.checkPromises(others, others);
    for (const machine of others) judge.audit(machine);
  }

  /** Nothing but beats (and what those ask each other at each who were shown two histories), and they keep the connections alive. */
  async #checkSilence(): Promise<void> {
    await this.#world.runFor(SETTLE_MS);
    const shown = await this.#world.judge.shown();
    const { framesSent, beatsSent } = this.#world.witness;
    await this.#world.runFor(SILENCE_MS);
    const frames = this.#world.witness.framesSent - framesSent;
    const beats = this.#world.witness.beatsSent - beatsSent;
    const atOdds = this.#world.judge.pairsAtOdds();
    hold(
      13,
      frames - beats <= atOdds * FRAMES_AT_ODDS_MAX,
      () => `${frames - beats} frames beside beats were sent, and ${atOdds} pairs of devices are not equal`,
    );
    hold(13, await this.#isConverged(), () => "equal devices did not stay so");
    this.#world.witness.keeping.checkReleased();
    hold(8, (await this.#world.judge.shown()) === shown, () => "what nobody touched is shown otherwise");
  }

  /** What a later version wrote is everywhere, and counted by those who did not write it. */
  #checkUnknown(): void {
    for (const { log, position } of this.#world.witness.unknown) {
      const holders = this.#world.machines.filter(
        ({ disk }) => disk?.state.logs.get(log)?.entries.has(position) === true,
      );
      hold(
        13,
        holders.length === 0 || holders.length === this.#world.machines.length,
        () => "an unknown entry is not everywhere",
      );
      for (const machine of holders) {
        const { replica } = machine.running!;
        const isOwn = replica.members.logs.get(log)?.device === machine.device;
        // What was erased before it came is not looked at.
        const isErased = machine.disk?.state.logs.get(log)?.entries.get(position)?.state === "purged";
        hold(
          6,
          isOwn || isErased || replica.ledger.counts.unknown > 0,
          () => `${machine.name} does not count what it does not know`,
        );
        if (!isOwn) this.#world.count("unknown kind passed on");
      }
    }
  }
}

function isReady(machine: Machine): boolean {
  return !machine.isOlder && (machine.running !== null || (!machine.isOn && !machine.holdsDevice));
}
