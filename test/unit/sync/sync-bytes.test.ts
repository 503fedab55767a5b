import { equal, ok } from "node:assert/strict";
import type { LogId } from "../../../src/core/base/ids.ts";
import { decodeBatch, verifyBatch } from "../../../src/core/log/batch.ts";
import { countOf } from "../../../src/core/log/ranges.ts";
import type { LogState } from "../../../src/core/log/types.ts";
import type { SimDevice } from "../../../simulations/sessions/sim-device.ts";
import { World } from "../../../simulations/sessions/world.ts";
import type { OpenSession } from "../../../simulations/sessions/surroundings.ts";

/** Bytes of the four handshake frames. */
const HANDSHAKE_BYTES = 68 + 68 + 163 + 98;

/** Two devices without delay; `entries` were in sync once. Connecting is what is measured. */
function pair(options: { entries: number }): World {
  const world = new World({
    seed: 1,
    deviceCount: 2,
    entriesPerBatch: 1_024,
    delayMsMax: 0,
    diskMsMax: 0,
    pieceBytesMax: 1_000_000,
  });
  if (options.entries > 0) write(world, 0, options.entries);
  world.runFor(1);
  world.connectAll();
  world.heal();
  return world;
}

function write(world: World, at: number, count: number): void {
  world.devices[at]!.write(
    "messages",
    Array.from({ length: count }, () => world.random.bytes(52)),
  );
}

const sessionsOf = (world: World): readonly OpenSession[] =>
  world.devices.flatMap((device) => [...device.sessions.values()]);

/** Bytes sent by both sides of the present connection. */
const bytesOf = (world: World): number =>
  sessionsOf(world).reduce((sum, { sent }) => sum + [...sent.values()].reduce((a, b) => a + b, 0), 0);

const bytesBy = (world: World, kind: string): number =>
  sessionsOf(world).reduce((sum, { sent }) => sum + (sent.get(kind) ?? 0), 0);

/** Ben takes in all of Ann's log but every `every`th entry, by no session. */
function copyWithHoles(world: World, every: number): void {
  const [ann, ben] = world.devices as [SimDevice, SimDevice];
  const [[log, state]] = [...ann.frontier] as [[LogId, LogState]];
  const { head, peaks } = state;
  ben.store.adopt({ from: 0, head, peaks, nodes: [] });
  const kept = Array.from({ length: head.length / every }, (_, n) => ({
    from: n * every + 1,
    to: (n + 1) * every,
  }));
  for (const { bytes } of ann.store.batches(head, kept, false)) {
    const batch = verifyBatch(decodeBatch(bytes), {
      account: world.account.account,
      author: ann.model.device,
      knownHead: head,
    });
    ben.store.ingest(batch!, null);
  }
  equal(countOf(ben.frontier.get(log)!.held), head.length - kept.length);
  ben.setMembers(ben.members);
}

function reconnect(world: World): void {
  for (const session of sessionsOf(world)) session.close();
  world.runFor(1_000);
  world.heal();
}

describe("what sync costs on the wire", () => {
  it("P4: a reconnect with nothing new takes 70 bytes after the handshake", () => {
    const world = pair({ entries: 20_000 });
    reconnect(world);
    equal(bytesOf(world) - HANDSHAKE_BYTES, 70);
    ok(bytesOf(world) - HANDSHAKE_BYTES <= 200);
  });

  it("P5: a reconnect with one new message costs 600 bytes beyond it, and its proof", () => {
    const world = pair({ entries: 20_000 });
    for (const session of sessionsOf(world)) session.close();
    write(world, 0, 1);
    world.runFor(1_000);
    world.heal();
    const entryBytes = 52 + 4;
    // Left of the entry stand the perfect nodes of [0, 20000): one for each bit of the number.
    const proofBytes = 32 * 5;
    ok(bytesOf(world) - HANDSHAKE_BYTES - entryBytes - proofBytes <= 600, String(bytesOf(world)));
  });

  it("P5: each batch of a long tail costs at most 700 bytes beyond its entries, and 90 around it", () => {
    const world = pair({ entries: 1_000 });
    for (const session of sessionsOf(world)) session.close();
    write(world, 0, 50_000);
    world.runFor(1_000);
    world.heal();
    const batches = (world.counts.get("sent batch") ?? 0) - 1;
    const beyond = bytesBy(world, "batch") - 50_000 * (52 + 2);
    ok(beyond / batches <= 700, `${beyond} bytes in ${batches} batches`);
    const around = bytesOf(world) - HANDSHAKE_BYTES - bytesBy(world, "batch");
    ok(around / batches <= 90, `${around} bytes around ${batches} batches`);
  });

  it("P6: a thousand holes are asked for in less than 4 kB, and each costs less than 1.5 kB", () => {
    const world = pair({ entries: 0 });
    for (const session of sessionsOf(world)) session.close();
    write(world, 0, 20_000);
    world.runFor(1);
    copyWithHoles(world, 20);
    world.runFor(1_000);
    world.heal();
    equal(world.counts.get("entriesTwice"), 0);
    equal(world.counts.get("entriesTaken"), 1_000);
    ok(bytesBy(world, "need") <= 4_096, `${bytesBy(world, "need")} bytes of asking`);
    ok(bytesBy(world, "batch") / 1_000 <= 1_500, `${bytesBy(world, "batch") / 1_000} bytes a hole`);
  });
});
