/** How long siblings take to meet on a quiet network: quality.md P12. Counted from the moment a node says that it is ready. */
import { makeFamily } from "../family.ts";
import type { Host } from "../host.ts";
import { pause, percentile } from "../measure.ts";
import type { Wifi } from "../netns.ts";
import type { Scenario, Stage } from "../stage.ts";
import { formatMs, type Report } from "../table.ts";

/** So that no question of an earlier start is under way. */
const QUIET_MS = 9_000;
const LOST_MS = 500;
const MEET_MS = 30_000;

export const finding: Scenario = {
  number: 10,
  name: "finding each other",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("quiet");
    const names = [
      "Punctual desktop Wiedersehen",
      "Punctual phone Wiedersehen",
      "Punctual tablet Wiedersehen",
    ];
    const hosts = await makeFamily(stage, wifi, { names });
    const rounds = stage.sized({ quick: 2, normal: 5, full: 15 });
    await measure(stage, report, {
      what: "a known sibling, its address unchanged",
      rounds,
      goalMs: 100,
      limitMs: 2_000,
      once: () => meetKnown(hosts),
    });
    await measure(stage, report, {
      what: "by mDNS, addresses of before are dead",
      rounds,
      goalMs: 400,
      limitMs: 2_000,
      once: () => meetByMdns(hosts),
    });
    await measure(stage, report, {
      what: "by mDNS, the first questions are lost",
      rounds,
      goalMs: 1_600,
      limitMs: 4_000,
      once: () => meetAfterLoss(wifi, hosts),
    });
    for (const host of hosts) await host.stop();
  },
};

async function measure(
  stage: Stage,
  report: Report,
  input: {
    readonly what: string;
    readonly rounds: number;
    /** What P12 asks for on an idle machine. */
    readonly goalMs: number;
    /** What must hold anywhere. */
    readonly limitMs: number;
    readonly once: () => Promise<number>;
  },
): Promise<void> {
  const all: number[] = [];
  for (let round = 0; round < input.rounds; round++) {
    await pause(stage.sized({ quick: 1_000, normal: QUIET_MS, full: QUIET_MS }));
    all.push(await input.once());
  }
  const median = percentile(all, 0.5);
  report.check(
    input.what,
    `p50 within ${formatMs(input.limitMs)} (P12: ${formatMs(input.goalMs)})`,
    `p50 ${formatMs(median)}, max ${formatMs(Math.max(...all))} of ${all.length}`,
    median <= input.limitMs,
  );
}

/** One host restarts; the others keep their addresses, which it remembers. */
async function meetKnown(hosts: readonly Host[]): Promise<number> {
  const [host] = hosts as readonly [Host];
  await host.stop();
  return startAndMeet(host);
}

/** Two restart: each has another address than the other remembers. The third one stays off from here on. */
async function meetByMdns(hosts: readonly Host[]): Promise<number> {
  const [first, second, third] = hosts as readonly [Host, Host, Host];
  await Promise.all([first, second, third].map((host) => host.stop()));
  await second.start();
  return startAndMeet(first);
}

/** The same, while the network swallows what is said in the first half second. */
async function meetAfterLoss(wifi: Wifi, hosts: readonly Host[]): Promise<number> {
  const [first, second, third] = hosts as readonly [Host, Host, Host];
  await Promise.all([first, second, third].map((host) => host.stop()));
  await second.start();
  await wifi.cutSilently(first.plug);
  return startAndMeet(first, async () => {
    await pause(LOST_MS);
    await wifi.healSilently(first.plug);
  });
}

async function startAndMeet(host: Host, onReady?: () => Promise<void>): Promise<number> {
  const node = await host.start();
  const readyMs = performance.now();
  await onReady?.();
  const met = await Promise.race([node.met, pause(MEET_MS)]);
  if (met === undefined) throw new Error(`${host.name} met nobody within ${formatMs(MEET_MS)}`);
  return Math.max(0, met.atMs - readyMs);
}
