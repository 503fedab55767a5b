/** The doubles as one life of a device has them: slow now and then, and silent once it has died. Decide nothing. */
import type { Clock, Entropy, WallMs, Workers } from "../../src/core/base/ports.ts";
import type { ByteStream, Discovery, Net, Secrets, Store } from "../../src/core/sync/ports.ts";
import type { MemoryStore } from "../doubles/memory-store.ts";
import type { Random } from "../doubles/random.ts";
import type { Life } from "./life.ts";
import type { WorldTime } from "./time.ts";

export interface Pace {
  /** How many reads and jobs of a hundred take a while. */
  readonly slowPercent: number;
  readonly slowMsMax: number;
}

/** Now and then an answer takes its time. */
export function slowly(
  time: WorldTime,
  random: Random,
  pace: Pace,
): <Result>(answer: Result) => Promise<Result> {
  return (answer) => {
    if (!random.chance(pace.slowPercent)) return Promise.resolve(answer);
    return new Promise((resolve) => time.after(random.between(0, pace.slowMsMax), () => resolve(answer)));
  };
}

export function mortalClock(time: WorldTime, life: Life, wallMs: () => WallMs): Clock {
  return {
    wallMs,
    monotonicMs: time.monotonicMs,
    // Programs end here; machines only sleep.
    upMs: time.upMs,
    after: (delayMs, fire) =>
      life.isAlive
        ? time.after(delayMs, () => {
            if (life.touch()) fire();
          })
        : () => undefined,
  };
}

export function mortalEntropy(random: Random): Entropy {
  return { bytes: (size) => random.bytes(size) };
}

export function mortalWorkers(time: WorldTime, life: Life, random: Random): Workers {
  return {
    run: (job) =>
      life.ask(async () => {
        const result = await time.workers.run(job);
        await new Promise<void>((resolve) => time.after(random.between(0, 3), resolve));
        return result;
      }),
  };
}

export function mortalStore(
  store: MemoryStore,
  life: Life,
  slow: <Result>(answer: Result) => Promise<Result>,
): Store {
  const read = <Result>(work: () => Promise<Result>): Promise<Result> =>
    life.isObserved ? work() : life.ask(async () => slow(await work()));
  return {
    logs: () => read(() => store.logs()),
    numberOf: (log) => store.numberOf(log),
    logOf: (number) => store.logOf(number),
    entries: (log, from, to) => read(() => store.entries(log, from, to)),
    entriesAt: (places) => read(() => store.entriesAt(places)),
    servingArea: () => store.servingArea(),
    rows: (keys, area) => read(() => store.rows(keys, area)),
    rowRange: (range) => read(() => store.rowRange(range)),
    meta: (name) => read(() => store.meta(name)),
    nodes: (log, nodes) => read(() => store.nodes(log, nodes)),
    batches: (want) => mortalIterable(store.batches(want), life),
    commit: (commit) => life.ask(() => store.commit(commit)),
    sizeOnDisk: () => life.ask(() => store.sizeOnDisk()),
    compact: (log, ranges) => life.ask(() => store.compact(log, ranges)),
    reopen: () => life.ask(() => store.reopen()),
    clearRows: (options) => life.ask(() => store.clearRows(options)),
    verify: (options) => read(() => store.verify(options)),
    scrub: (options) => read(() => store.scrub(options)),
    isSuspect: () => store.isSuspect(),
    checkFiles: (options) => read(() => store.checkFiles(options)),
    hasMetDamage: () => store.hasMetDamage(),
    // What the judge meets is no news to the device.
    onDamage: (listener) =>
      store.onDamage(() => {
        if (!life.isObserved) listener();
      }),
    trust: () => life.ask(() => store.trust()),
    close: () => life.ask(() => store.close()),
  };
}

export function mortalSecrets(
  secrets: Secrets,
  life: Life,
  slow: <Result>(answer: Result) => Promise<Result>,
): Secrets {
  return {
    load: () => life.ask(async () => slow(await secrets.load())),
    exists: () => life.ask(() => secrets.exists()),
    save: (saved) => life.ask(() => secrets.save(saved)),
    erase: () => life.ask(() => secrets.erase()),
    protection: secrets.protection,
  };
}

export function mortalNet(net: Net, life: Life): Net {
  return {
    addresses: net.addresses,
    transportId: net.transportId,
    dial: (address, protocol, timeoutMs) =>
      life.ask(async () => mortalStream(await net.dial(address, protocol, timeoutMs), life)),
    handle: (protocol, handler) =>
      net.handle(
        protocol,
        handler === null
          ? null
          : (stream) => {
              if (life.touch()) handler(mortalStream(stream, life));
              else stream.abort();
            },
      ),
    renew: () => life.ask(() => net.renew()),
    onNetworkChange: (listener) =>
      net.onNetworkChange(() => {
        if (life.touch()) listener();
      }),
    close: () => life.ask(() => net.close()),
  };
}

export function mortalDiscovery(discovery: Discovery, life: Life): Discovery {
  return {
    update: (state) => life.ask(() => discovery.update(state)),
    askSoon: () => {
      if (life.touch()) discovery.askSoon();
    },
    askOnce: () => {
      if (life.touch()) discovery.askOnce();
    },
    onFound: (listener) =>
      discovery.onFound((found) => {
        if (life.touch()) listener(found);
      }),
    report: discovery.report,
    close: () => life.ask(() => discovery.close()),
  };
}

function mortalStream(stream: ByteStream, life: Life): ByteStream {
  return {
    initiator: stream.initiator,
    ownTransport: stream.ownTransport,
    peerTransport: stream.peerTransport,
    peerAddress: stream.peerAddress,
    source: mortalIterable(stream.source, life),
    sink: (bytes) => life.ask(() => stream.sink(bytes)),
    abort: () => {
      if (life.isAlive) stream.abort();
    },
  };
}

function mortalIterable<Item>(items: AsyncIterable<Item>, life: Life): AsyncIterable<Item> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = items[Symbol.asyncIterator]();
      return {
        next: () => life.ask(() => iterator.next()),
        return: () => life.ask(async () => (await iterator.return?.()) ?? { done: true, value: undefined }),
      };
    },
  };
}
