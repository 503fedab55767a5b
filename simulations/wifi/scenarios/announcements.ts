/**
 * What a device says in mDNS before and after a restart: nothing by which it could be known again on another network in another
 * hour, and only the hour's tag within one. Compared with what a household next door says, which names nobody of ours.
 */
import type { Capture } from "../capture.ts";
import { makeFamily, requireEqual } from "../family.ts";
import type { Host } from "../host.ts";
import { pause } from "../measure.ts";
import type { Wifi } from "../netns.ts";
import { findSharedStrings } from "../shared-strings.ts";
import { beginProgram } from "../begin-program.ts";
import type { Scenario, Stage } from "../stage.ts";
import type { Report } from "../table.ts";

/** Until the questions after a start are asked. */
const SPEAK_MS = { quick: 5_000, normal: 10_000, full: 20_000 };
const HOURS_LATER_MS = 5 * 3_600_000 + 17 * 60_000;
const TALKER_MS = 10_000;
const HOUR_TAG = /_[a-z2-7]{15}/;

export const announcements: Scenario = {
  number: 6,
  name: "what is announced",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("station");
    const ours = await makeFamily(stage, wifi, {
      names: ["Travelling laptop Hasenclever", "Travelling phone Hasenclever"],
    });
    const others = await stage.openWifi("nextdoor");
    const theirs = await makeFamily(stage, others, {
      names: ["Resident desktop Obermüller", "Resident phone Obermüller"],
    });
    const first = await listen(stage, wifi, ours);
    const sameHour = await elsewhere(stage, wifi, { hosts: ours, offset: 100, shiftMs: 0 });
    const hoursLater = await elsewhere(stage, wifi, { hosts: ours, offset: 200, shiftMs: HOURS_LATER_MS });
    const known = saidBy(
      captureOf(stage, others),
      theirs.map((host) => host.plug.address),
    );
    for (const [at] of ours.entries()) {
      compare(report, `N1, N2: host ${at + 1}, another network, 5 hours later`, {
        before: first[at]!,
        after: hoursLater[at]!,
        known,
        tags: 0,
      });
      compare(report, `N2: host ${at + 1}, another network, the same hour`, {
        before: first[at]!,
        after: sameHour[at]!,
        known,
        // Around the full hour the neighbour's tag is said as well.
        tags: 2,
      });
    }
    await talk(stage, wifi, ours[0]!);
    for (const host of [...ours, ...theirs]) await host.stop();
  },
};

/** Both hosts are switched off, carried to another network, and switched on there. */
async function elsewhere(
  stage: Stage,
  wifi: Wifi,
  input: { readonly hosts: readonly Host[]; readonly offset: number; readonly shiftMs: number },
): Promise<readonly (readonly Buffer[])[]> {
  for (const host of input.hosts) await host.stop();
  for (const [at, host] of input.hosts.entries()) {
    await wifi.rejoin(host.plug, wifi.address(input.offset + 17 * at + 3));
    host.shiftClock(input.shiftMs);
  }
  for (const host of input.hosts) await host.start();
  await requireEqual(input.hosts);
  return listen(stage, wifi, input.hosts);
}

/** The payloads of mDNS packets of each host since it has its address. */
async function listen(
  stage: Stage,
  wifi: Wifi,
  hosts: readonly Host[],
): Promise<readonly (readonly Buffer[])[]> {
  stage.progress(`announcements: listening at ${hosts.map((host) => host.plug.address).join(" and ")}`);
  await pause(stage.sized(SPEAK_MS));
  return hosts.map((host) => saidBy(captureOf(stage, wifi), [host.plug.address]));
}

function captureOf(stage: Stage, wifi: Wifi): Capture {
  return stage.captures.find(({ label }) => label === wifi.label)!;
}

/** By hardware address, so that what was said over IPv6 counts as well. */
function saidBy(capture: Capture, addresses: readonly string[]): readonly Buffer[] {
  const packets = [...capture.packets()].filter(({ kind }) => kind === "mdns");
  const macs = new Set(packets.filter(({ from }) => addresses.includes(from)).map(({ fromMac }) => fromMac));
  return packets.filter(({ fromMac }) => macs.has(fromMac)).map(({ payload }) => payload);
}

function compare(
  report: Report,
  what: string,
  input: {
    readonly before: readonly Buffer[];
    readonly after: readonly Buffer[];
    readonly known: readonly Buffer[];
    /** How many hourly tags they may have in common. */
    readonly tags: number;
  },
): void {
  const shared = findSharedStrings(input.before, input.after, input.known).map((bytes) =>
    bytes.toString("latin1"),
  );
  const tags = new Set(shared.flatMap((text) => HOUR_TAG.exec(text)?.[0] ?? []));
  const rest = shared.filter((text) => !HOUR_TAG.test(text));
  const spoken = `${input.before.length} and ${input.after.length} packets`;
  report.check(
    `${what}: strings in common`,
    input.tags === 0 ? "none" : "the hour's tag",
    `${tags.size} tags, ${rest.length} others in ${spoken}${rest.length === 0 ? "" : `: ${JSON.stringify(rest.slice(0, 3))}`}`,
    input.before.length > 0 &&
      input.after.length > 0 &&
      input.known.length > 0 &&
      tags.size <= input.tags &&
      // That the hour's tag is found shows that the comparison works.
      (input.tags === 0 || tags.size > 0) &&
      rest.length === 0,
  );
}

/** Says a text in the open, which the search at the end must find. */
async function talk(stage: Stage, wifi: Wifi, near: Host): Promise<void> {
  const talker = await wifi.addStation("talker");
  await wifi.plug(talker);
  stage.hasTalked = true;
  const program = beginProgram(stage, talker, "talker", [near.plug.address, stage.controlText]);
  await program.line((line) => line.value["event"] === "done", TALKER_MS);
}
