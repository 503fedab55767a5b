/** What every Discovery must do: run by mDNS over loopback and by the double of the simulations. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Discovery, FoundPeer } from "../../src/core/sync/ports.ts";

export interface DiscoveryWorld {
  /** A discovery and an address that the others may be told of. It is closed with the world. */
  readonly create: () => Promise<{ readonly discovery: Discovery; readonly host: string }>;
  /** Lets that much time pass. */
  readonly pause: (ms: number) => Promise<void>;
  readonly cleanup: () => Promise<void>;
}

const TAG = "_abcdefghijklmno";
const OTHER_TAG = "_ponmlkjihgfedcb";

/** Longer than an answer takes, shorter than the next question. */
const SOON_MS = 300;

/** A transport id in form; `n` from 1 to 9. */
export function transportIdOf(n: number): string {
  return `12D3KooW${String(n).repeat(44)}`;
}

export function addressAt(host: string, port: number, transportId: string): string {
  return `/ip4/${host}/tcp/${port}/p2p/${transportId}`;
}

interface Member {
  readonly discovery: Discovery;
  readonly found: FoundPeer[];
  readonly is: (state: {
    readonly answer?: readonly string[];
    readonly ask?: readonly string[];
    readonly id: number;
    readonly addresses?: readonly string[];
  }) => Promise<string>;
}

export function describeDiscovery(name: string, open: () => Promise<DiscoveryWorld>): void {
  describe(`${name} is a Discovery`, () => {
    let world: DiscoveryWorld;

    beforeEach(async () => {
      world = await open();
    });

    afterEach(() => world.cleanup());

    async function create(): Promise<Member> {
      const { discovery, host } = await world.create();
      const found: FoundPeer[] = [];
      discovery.onFound((peer) => found.push(peer));
      return {
        discovery,
        found,
        is: async ({ answer = [], ask = [], id, addresses }) => {
          const own = addressAt(host, 20_000 + id, transportIdOf(id));
          await discovery.update({
            answer,
            ask,
            transportId: transportIdOf(id),
            addresses: addresses ?? [own],
          });
          return own;
        },
      };
    }

    it("finds who answers to the tag that is asked for", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      const address = await b.is({ answer: [TAG], id: 2 });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      deepEqual(a.found[0], { tag: TAG, transportId: transportIdOf(2), addresses: [address] });
      deepEqual(b.found, []);
    });

    it("one question finds who answers, and is one question", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      await b.is({ answer: [TAG], id: 2 });
      a.discovery.askOnce();
      await world.pause(SOON_MS);
      deepEqual(a.found[0]?.transportId, transportIdOf(2));
      const sent = a.discovery.report().packetsSent;
      await world.pause(SOON_MS);
      deepEqual(a.discovery.report().packetsSent, sent);
    });

    it("two who ask and answer find each other, and nobody finds itself", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ answer: [TAG], ask: [TAG], id: 1 });
      await b.is({ answer: [TAG], ask: [TAG], id: 2 });
      a.discovery.askSoon();
      b.discovery.askSoon();
      await world.pause(SOON_MS);
      deepEqual([...new Set(a.found.map((peer) => peer.transportId))], [transportIdOf(2)]);
      deepEqual([...new Set(b.found.map((peer) => peer.transportId))], [transportIdOf(1)]);
    });

    it("T1: answers to no tag but those it was given", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      await b.is({ answer: [OTHER_TAG], ask: [TAG], id: 2 });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      deepEqual(a.found, []);
    });

    it("knows several tags at once and says which one led to whom", async () => {
      const [a, b, c] = [await create(), await create(), await create()];
      await a.is({ ask: [OTHER_TAG, TAG], id: 1 });
      await b.is({ answer: [TAG, OTHER_TAG], id: 2 });
      await c.is({ answer: [OTHER_TAG], id: 3 });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      const pairs = new Set(a.found.map(({ tag, transportId }) => `${tag} ${transportId}`));
      deepEqual([...pairs].toSorted(), [
        `${TAG} ${transportIdOf(2)}`,
        `${OTHER_TAG} ${transportIdOf(2)}`,
        `${OTHER_TAG} ${transportIdOf(3)}`,
      ]);
    });

    it("N2: answers under the new identity after an update", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      await b.is({ answer: [TAG], id: 2 });
      const address = await b.is({ answer: [TAG], id: 3 });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      ok(a.found.length > 0);
      for (const peer of a.found)
        deepEqual(peer, { tag: TAG, transportId: transportIdOf(3), addresses: [address] });
    });

    it("is silent without tags, before the first update and after it", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      await b.is({ answer: [TAG], id: 2 });
      await b.is({ id: 2 });
      b.discovery.askSoon();
      await world.pause(SOON_MS);
      deepEqual(a.found, []);
      equal(b.discovery.report().packetsSent, 0);
    });

    it("N5: tells of private addresses, high ports and TCP only, and of no more than four", async () => {
      const [a, b] = [await create(), await create()];
      const id = transportIdOf(2);
      await a.is({ ask: [TAG], id: 1 });
      const good = await b.is({ answer: [TAG], id: 2 });
      const more = [1, 2, 3, 4, 5].map((n) => good.replace("/tcp/20002", `/tcp/2100${n}`));
      const bad = [
        addressAt("8.8.8.8", 20_000, id),
        `/ip6/2001:4860:4860::8888/tcp/20000/p2p/${id}`,
        good.replace("/tcp/20002", "/tcp/22"),
        good.replace("/tcp/20002", "/tcp/1023"),
        good.replace("/tcp/", "/udp/"),
        good.replace(/\/p2p\/.*/, ""),
        `/dns4/example.org/tcp/20000/p2p/${id}`,
      ];
      await b.is({ answer: [TAG], id: 2, addresses: bad });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      equal(a.found.length, 0);
      await b.is({ answer: [TAG], id: 2, addresses: [...bad, good, ...more] });
      await world.pause(3_000);
      ok(a.found.length > 0);
      for (const peer of a.found) deepEqual(peer.addresses, [good, ...more.slice(0, 3)]);
    });

    it("P12: finds who begins to answer only after the first questions", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      a.discovery.askSoon();
      await world.pause(1_200);
      equal(a.found.length, 0);
      await b.is({ answer: [TAG], id: 2 });
      await world.pause(1_300);
      equal(a.found[0]?.transportId, transportIdOf(2));
    });

    it("says where it listens, and how much it sent and heard", async () => {
      const [a, b] = [await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      await b.is({ answer: [TAG], id: 2 });
      a.discovery.askSoon();
      await world.pause(SOON_MS);
      const report = a.discovery.report();
      ok(report.interfaces.some(({ joined }) => joined));
      ok(report.packetsSent > 0 && report.packetsSeen > 0);
      deepEqual(report.errors, []);
    });

    it("finds nothing and answers nothing once it is closed, and closes twice", async () => {
      const [a, b, c] = [await create(), await create(), await create()];
      await a.is({ ask: [TAG], id: 1 });
      await b.is({ answer: [TAG], id: 2 });
      await c.is({ ask: [TAG], id: 3 });
      a.discovery.askSoon();
      await a.discovery.close();
      await b.discovery.close();
      await b.discovery.close();
      c.discovery.askSoon();
      await world.pause(SOON_MS);
      deepEqual([...a.found, ...c.found], []);
    });
  });
}
