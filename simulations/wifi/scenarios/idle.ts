/** What an idle pair says in an hour: quality.md P14. */
import { readFileSync } from "node:fs";
import type { Capture } from "../capture.ts";
import { makeFamily } from "../family.ts";
import { pause } from "../measure.ts";
import type { Scenario } from "../stage.ts";
import { formatMs } from "../table.ts";

/** The last question after meeting comes after 8 s. */
const SETTLE_MS = 12_000;
const HOUR_MS = 3_600_000;
const TCP_PER_HOUR = 120;
const MDNS_PER_HOUR = 40;
/** The session's beat; a window shorter than an hour may hold one more of them than its share. */
const BEAT_MS = 95_000;
const TCP_PER_BEAT = 3;
/** Questions and answers of both hosts, IPv4 and IPv6, as they come every ten minutes. */
const MDNS_PER_ROUND = 8;
/** Two timers of five seconds, and what the runtime does by itself in the first minutes. */
const WAKES_PER_SECOND = 1;

export const idle: Scenario = {
  number: 3,
  name: "idle pair",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("idle");
    const hosts = await makeFamily(stage, wifi, {
      names: ["Idle desktop Zabrinsky", "Idle handheld Zabrinsky"],
    });
    await pause(SETTLE_MS);
    const windowMs = stage.sized({ quick: 60_000, normal: 300_000, full: HOUR_MS });
    stage.progress(`idle pair: listening for ${formatMs(windowMs)}`);
    const wakesBefore = hosts.map((host) => wakeUps(host.node!.pid));
    const from = Date.now();
    await pause(windowMs);
    const wakes = hosts.map((host, at) => (wakeUps(host.node!.pid) - wakesBefore[at]!) / (windowMs / 1_000));
    const counts = countPackets(
      stage.captures.find(({ label }) => label === wifi.label)!,
      from,
      from + windowMs,
    );
    const share = windowMs / HOUR_MS;
    const perHour = (count: number): string => `${count} (${Math.round(count / share)} an hour)`;
    const isWhole = windowMs >= HOUR_MS;
    const tcpMax = isWhole ? TCP_PER_HOUR : TCP_PER_BEAT * (Math.floor(windowMs / BEAT_MS) + 1);
    const mdnsMax = isWhole ? MDNS_PER_HOUR : Math.ceil(MDNS_PER_HOUR * share) + MDNS_PER_ROUND;
    const during = `in ${formatMs(windowMs)}`;
    report.check(`TCP packets ${during}`, `at most ${tcpMax}`, perHour(counts.tcp), counts.tcp <= tcpMax);
    report.check(
      `mDNS packets ${during}`,
      `at most ${mdnsMax}`,
      perHour(counts.mdns),
      counts.mdns <= mdnsMax,
    );
    report.check(
      `anything else ${during}`,
      "0, but for ARP and neighbours",
      `${counts.udp + counts.other}, and ${counts.network} of ARP and neighbours`,
      counts.udp + counts.other === 0,
    );
    report.check(
      "wake-ups of the main thread",
      `at most ${WAKES_PER_SECOND} a second`,
      wakes.map((each) => `${each.toFixed(2)} a second`).join(", "),
      wakes.every((each) => each <= WAKES_PER_SECOND),
    );
    for (const host of hosts) await host.stop();
  },
};

function countPackets(capture: Capture, fromMs: number, toMs: number): Counted {
  const counted = { tcp: 0, mdns: 0, udp: 0, network: 0, other: 0 };
  for (const { atMs, kind } of capture.packets()) if (atMs >= fromMs && atMs <= toMs) counted[kind]++;
  return counted;
}

interface Counted {
  readonly tcp: number;
  readonly mdns: number;
  readonly udp: number;
  readonly network: number;
  readonly other: number;
}

/** How often the main thread went to sleep by itself, which is how often it had been woken. */
function wakeUps(pid: number): number {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, "utf8");
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? Number.NaN);
}
