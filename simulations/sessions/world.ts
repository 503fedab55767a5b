/**
 * Devices, streams, faults and virtual time, all of one seed. `run` lets a storm rage, heals everything, and holds what must be
 * true then: all hold the same, all know it, and nobody talks any more.
 */
import { equalBytes } from "../../src/core/base/bytes.ts";
import { assert } from "../../src/core/base/errors.ts";
import type { DeviceId } from "../../src/core/base/ids.ts";
import type { Frame } from "../../src/core/wire/frames.ts";
import { EventQueue } from "../doubles/event-queue.ts";
import { createModelAccount, LOG_CLASSES, type ModelAccount } from "./model-account.ts";
import { Random } from "../doubles/random.ts";
import { SimDevice } from "./sim-device.ts";
import { SimSession } from "./sim-session.ts";
import { Stream } from "./sim-stream.ts";
import type { Surroundings, WorldOptions } from "./surroundings.ts";

export interface Storm {
  readonly runForMs: number;
  /** How often something is written, and how much at once at most. */
  readonly writeEveryMs: number;
  readonly writeEntriesMax: number;
  /** How often a fault strikes; 0 for never. */
  readonly faultEveryMs: number;
}

/** Ends that say nothing against either side. */
const HARMLESS_ENDS = new Set(["lost", "replaced", "silent", "timed-out"]);
const HEAL_MS_MAX = 30_000;
const SILENCE_MS = 250_000;

export class World implements Surroundings {
  readonly options: WorldOptions;
  readonly queue = new EventQueue();
  readonly random: Random;
  readonly account: ModelAccount;
  readonly devices: readonly SimDevice[];
  readonly counts = new Map<string, number>();
  readonly lines: string[] = [];
  isRecording = false;
  readonly #streams = new Map<string, Stream>();
  readonly #dialling = new Set<string>();
  readonly #cut = new Set<string>();
  readonly #full = new Map<DeviceId, number>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.account = createModelAccount(this.random, options.deviceCount);
    this.devices = this.account.devices.map((model) => new SimDevice(this, this.account, model));
  }

  count(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  trace(line: () => string): void {
    if (this.isRecording) this.lines.push(`${this.queue.now} ${line()}`);
  }

  frameSent(kind: Frame["kind"]): void {
    this.count(`sent ${kind}`);
    this.count("frames");
  }

  isDiskFull(device: DeviceId): boolean {
    return (this.#full.get(device) ?? 0) > this.queue.now;
  }

  /** Connects every pair, now and whenever a connection is lost. */
  connectAll(): void {
    for (const [at, a] of this.devices.entries()) {
      for (const b of this.devices.slice(at + 1)) this.#dialSoon(a, b, 0, false);
    }
  }

  /** A connection that is suspect is dialled anew every two seconds, until another has taken its place. */
  suspect(device: DeviceId, peer: DeviceId): void {
    this.count("suspect");
    const sessions = this.devices.find(({ model }) => model.device === device)!.sessions;
    const suspicious = sessions.get(peer);
    const again = (): void => {
      if (sessions.get(peer) !== suspicious) return;
      this.#redial(device, peer, true);
      this.queue.after(2_000, again);
    };
    again();
  }

  sessionOver(device: DeviceId, dialled: DeviceId, reason: string): void {
    this.count(`ended ${reason}`);
    assert(HARMLESS_ENDS.has(reason), `an honest session ends for no fault: ${reason}`);
    const own = this.devices.find(({ model }) => model.device === device);
    if (own?.sessions.has(dialled) !== true) this.#redial(device, dialled, false);
  }

  runFor(ms: number): void {
    const until = this.queue.now + ms;
    while (this.queue.step(until)) continue;
  }

  /** Faults and writing until `runForMs`; then everything works again. */
  storm(storm: Storm): void {
    const until = this.queue.now + storm.runForMs;
    const every = (ms: number, run: () => void): void => {
      if (ms === 0) return;
      this.queue.after(this.random.between(1, 2 * ms), () => {
        if (this.queue.now >= until) return;
        run();
        every(ms, run);
      });
    };
    every(storm.writeEveryMs, () => this.writeSomewhere(storm.writeEntriesMax));
    every(storm.faultEveryMs, () => this.#strike());
    this.runFor(storm.runForMs);
    this.#cut.clear();
    this.#full.clear();
  }

  writeSomewhere(entriesMax: number): void {
    const device = this.random.pick(this.devices);
    const payloads = Array.from({ length: this.random.between(1, entriesMax) }, () =>
      this.random.bytes(this.random.between(1, 80)),
    );
    device.write(this.random.chance(80) ? "messages" : this.random.pick(LOG_CLASSES), payloads);
  }

  /**
   * Runs until all hold the same and know it. The limit lies far below the 95 s of a beat: what is lost on the way must be made
   * up for by more than the next comparison.
   */
  heal(withinMs = HEAL_MS_MAX): void {
    const until = this.queue.now + withinMs;
    while (this.queue.now < until && !this.isConverged()) this.runFor(50);
    assert(this.isConverged(), "devices that can talk converge");
    for (const device of this.devices) device.store.audit();
  }

  isConverged(): boolean {
    const digest = this.devices[0]!.digest();
    return this.devices.every(
      (device) =>
        equalBytes(device.digest(), digest) &&
        device.sessions.size === this.devices.length - 1 &&
        [...device.sessions.values()].every((session) => session.isEqual),
    );
  }

  /** Every connection swallows what is sent, and nobody is told. */
  mute(): void {
    for (const stream of this.#streams.values()) stream.isSwallowing = true;
  }

  /** Nothing but beats, and they keep the connections alive. */
  assertSilence(): void {
    this.runFor(15_000);
    const frames = this.counts.get("frames") ?? 0;
    const beats = this.counts.get("sent beat") ?? 0;
    this.runFor(SILENCE_MS);
    const beatsSince = (this.counts.get("sent beat") ?? 0) - beats;
    assert((this.counts.get("frames") ?? 0) - frames === beatsSince, "devices in sync send beats only");
    assert(beatsSince > 0 && this.isConverged(), "beats keep the sessions alive");
  }

  #strike(): void {
    const a = this.random.pick(this.devices);
    const b = this.random.pick(this.devices.filter((device) => device !== a));
    const pair = pairOf(a, b);
    const stream = this.#streams.get(pair);
    const kind = this.random.pick(["break", "break", "swallow", "cut", "disk"] as const);
    this.count(`fault ${kind}`);
    this.trace(() => `fault ${kind} ${pair}`);
    switch (kind) {
      case "break":
        stream?.break();
        return;
      case "swallow":
        // Half open: one end learns of it, the other does not.
        if (stream !== undefined) {
          stream.isSwallowing = true;
          this.random.pick(stream.ends).lose();
        }
        return;
      case "cut":
        this.#cut.add(pair);
        stream?.break();
        this.queue.after(this.random.between(100, 10_000), () => this.#cut.delete(pair));
        return;
      case "disk":
        this.#full.set(a.model.device, this.queue.now + this.random.between(10, 3_000));
    }
  }

  #redial(a: DeviceId, b: DeviceId, isForced: boolean): void {
    const [first, second] = this.devices.filter(({ model }) => model.device === a || model.device === b);
    this.#dialSoon(first!, second!, this.random.between(10, 500), isForced);
  }

  #dialSoon(a: SimDevice, b: SimDevice, delayMs: number, isForced: boolean): void {
    const pair = pairOf(a, b);
    if (this.#dialling.has(pair)) return;
    this.#dialling.add(pair);
    this.queue.after(delayMs, () => {
      this.#dialling.delete(pair);
      const areConnected = a.sessions.has(b.model.device) && b.sessions.has(a.model.device);
      if (areConnected && !isForced) return;
      if (this.#cut.has(pair)) return this.#dialSoon(a, b, this.random.between(100, 1_000), isForced);
      const stream = new Stream(this.queue, this.random, this.options);
      this.#streams.set(pair, stream);
      this.trace(() => `dial ${pair}`);
      // The responder first: the initiator begins to speak at once.
      void new SimSession(b, stream.ends[1], false, a.model.device);
      void new SimSession(a, stream.ends[0], true, b.model.device);
    });
  }
}

function pairOf(a: SimDevice, b: SimDevice): string {
  return [a.model.device.slice(0, 8), b.model.device.slice(0, 8)].sort().join("-");
}
