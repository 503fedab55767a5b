/** Forks that a device knows of: their evidence in the store, after a restart, and as `status` and an event tell it. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import type { LogId } from "../../../src/core/base/ids.ts";
import { logIdOf } from "../../../src/core/crypto/derive.ts";
import { createSigningKey } from "../../../src/core/crypto/sign.ts";
import type { Fork } from "../../../src/core/log/fork.ts";
import { signHead } from "../../../src/core/log/head.ts";
import { nodesOf, perfectNodes, rootOf } from "../../../src/core/log/tree.ts";
import { Alarms } from "../../../src/app/node/alarms.ts";
import { EventHub } from "../../../src/app/node/event-hub.ts";
import {
  decodeFork,
  decodeLogs,
  encodeFork,
  encodeLogs,
  FORKS_MAX,
} from "../../../src/app/node/fork-memory-codec.ts";
import { ForkMemory } from "../../../src/app/node/fork-memory.ts";
import { tolerant } from "../../../src/app/node/peer-memory-codec.ts";
import type { ForkEvidence } from "../../../src/app/node/alarm-types.ts";
import type { KinlogEvent } from "../../../src/app/node/types.ts";
import { checkEvidence } from "../../support/evidence-reference.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { nodeOfReference } from "../../support/merkle-reference.ts";
import { TestDevice } from "../../support/replicas.ts";
import { SampleLog } from "../../support/sample-log.ts";

const LENGTH = 40;
const parted = [new SampleLog(LENGTH), new SampleLog(LENGTH, 5)] as const;

const ownLog = ({ replica }: TestDevice): LogId =>
  logIdOf({ account: replica.account, device: replica.self, incarnation: 0, logClass: "messages" });

/** Two histories of a log that this device signed, of these lengths. */
function forkOf(device: TestDevice, m: number, n: number, log = ownLog(device)): Fork {
  const { account } = device.replica;
  const key = createSigningKey(device.secrets.signSeed);
  const [shorter, longer] = [m, n].map((length, at) => {
    const root = rootOf(nodesOf(parted[at]!.leaves.slice(0, length), 0), length);
    return signHead(key, { account, log, length, root });
  });
  const places = m === n ? [] : [...perfectNodes(0, m), ...perfectNodes(m, n)];
  const nodes = places.map((node) => nodeOfReference(node, parted[1].leaves));
  return { log, heads: [shorter!, longer!], nodes };
}

describe("the memory of forks", () => {
  let clock: ManualClock;
  let device: TestDevice;

  beforeEach(async () => {
    clock = new ManualClock();
    device = await TestDevice.found(clock);
  });

  const isWritten = ({ log }: Fork): boolean => device.disk.state.meta.has(`fork/${log}`);

  it("L7: keeps both heads and what shows the fork over a restart, and when it was met first", async () => {
    for (const [m, n] of [
      [20, 20],
      [11, 33],
    ] as const) {
      device = await TestDevice.found(clock);
      const fork = forkOf(device, m, n);
      const memory = await ForkMemory.open(device.replica);
      deepEqual(memory.untold, []);
      equal(memory.note(fork), fork);
      const atMs = clock.wallMs();
      await memory.flush();
      const again = await ForkMemory.open(await device.restart());
      deepEqual(again.untold, [{ fork, atMs }]);
    }
  });

  it("L7, C2: tells it once in a run, with evidence that a second program can check; after a restart `status` knows it", async () => {
    const hub = new EventHub(() => "now");
    const events: KinlogEvent[] = [];
    const reading = (async () => {
      for await (const event of hub.read()) events.push(event);
    })();
    const nowMs = (): number => clock.wallMs();
    const fork = forkOf(device, 11, 33);
    const memory = await ForkMemory.open(device.replica);
    const alarms = new Alarms({ hub, forks: memory, nowMs });
    alarms.fork(fork);
    alarms.fork(forkOf(device, 12, 34));
    await memory.flush();
    hub.close();
    await reading;
    equal(events.length, 1);
    const [told] = events;
    ok(told?.event === "alarm" && told.code === "fork");
    const evidence = told.evidence as ForkEvidence;
    deepEqual(
      evidence.heads,
      fork.heads.map(({ length, root, signature }) => ({
        length,
        root: hex(root),
        signature: hex(signature),
      })),
    );
    equal(evidence.device, device.replica.self);
    ok(checkEvidence({ ...evidence, device: device.replica.self }));
    deepEqual(
      alarms.all.map((alarm) => alarm.evidence),
      [evidence],
    );

    const restarted = await ForkMemory.open(await device.restart());
    const later = new Alarms({ hub, forks: restarted, nowMs });
    deepEqual(
      later.all.map((alarm) => [alarm.code, alarm.evidence]),
      [["fork", evidence]],
    );
    // Met again by another pair: what was kept is told, and stands once.
    later.fork(forkOf(device, 12, 34));
    deepEqual(
      later.all.map((alarm) => alarm.evidence),
      [evidence],
    );
  });

  it("N8: `status` shows the evidence of 32 logs at most, and no other alarm makes way for it", async () => {
    const memory = await ForkMemory.open(device.replica);
    const alarms = new Alarms({ hub: new EventHub(() => "now"), forks: memory, nowMs: () => clock.wallMs() });
    alarms.raise("damage", "a text");
    for (let n = 0; n < 40; n++)
      alarms.fork(forkOf(device, 11, 33, n.toString(16).padStart(64, "0") as LogId));
    const codes = alarms.all.map(({ code }) => code);
    deepEqual([codes[0], codes.length], ["damage", 33]);
    const last = alarms.all.at(-1)!.evidence as ForkEvidence;
    equal(Number.parseInt(last.log, 16), 39);
  });

  it("L7: writes again what a full disk refused", async () => {
    const fork = forkOf(device, 11, 33);
    const memory = await ForkMemory.open(device.replica);
    device.disk.setFull(true);
    memory.note(fork);
    await settle();
    equal(isWritten(fork), false);
    device.disk.setFull(false);
    for (let n = 0; n < 300 && !isWritten(fork); n++) {
      clock.advance(1_000);
      await settle();
    }
    deepEqual((await ForkMemory.open(await device.restart())).untold.length, 1);
  });

  it("C9: a row that does not prove itself alarms nobody", async () => {
    const fork = forkOf(device, 11, 33);
    const unsigned = { ...fork.heads[1], signature: new Uint8Array(64) };
    const foreign = forkOf(device, 11, 33, "77".repeat(32) as LogId);
    for (const bent of [
      encodeFork({ fork: { ...fork, heads: [fork.heads[0], unsigned] }, atMs: 1 }),
      encodeFork({ fork: { ...fork, nodes: fork.nodes.toReversed() }, atMs: 1 }),
      encodeFork({ fork: foreign, atMs: 1 }),
      encodeFork({ fork, atMs: 1 }).subarray(1),
      Uint8Array.of(),
    ]) {
      await device.replica.writer.remember(
        new Map([
          ["forks", encodeLogs([fork.log])],
          [`fork/${fork.log}`, bent],
        ]),
      );
      deepEqual((await ForkMemory.open(device.replica)).untold, []);
    }
    await device.replica.writer.remember(new Map([[`fork/${fork.log}`, encodeFork({ fork, atMs: 1 })]]));
    equal((await ForkMemory.open(device.replica)).untold.length, 1);
  });

  it("N8: keeps evidence of 2,048 logs, and tells of more", async () => {
    const logs = Array.from({ length: FORKS_MAX }, (_, n) => n.toString(16).padStart(64, "0") as LogId);
    await device.replica.writer.remember(new Map([["forks", encodeLogs(logs)]]));
    const memory = await ForkMemory.open(device.replica);
    const fork = forkOf(device, 11, 33);
    equal(memory.note(fork), fork);
    await memory.flush();
    equal(isWritten(fork), false);
  });

  it("has one encoding, and what is cut short is forgotten", () => {
    const log = parted[0].head(1).log;
    const fork: Fork = { log, heads: [parted[0].head(20), parted[1].head(20)], nodes: [] };
    const bytes = encodeFork({ fork, atMs: 5 });
    deepEqual(tolerant(bytes, decodeFork), { fork, atMs: 5 });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (cut) => {
        equal(tolerant(bytes.subarray(0, cut), decodeFork), undefined);
      }),
    );
    deepEqual(tolerant(encodeLogs([log]), decodeLogs), [log]);
  });
});
