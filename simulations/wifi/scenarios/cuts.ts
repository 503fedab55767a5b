/** Links that break and come back, seen and unseen; another address; a machine that sleeps. Writes go on at both sides. */
import { randomUUID } from "node:crypto";
import { readConversation, requireEqual, timeUntilTogether } from "../family.ts";
import type { Host } from "../host.ts";
import { pause } from "../measure.ts";
import { theFamily } from "../the-family.ts";
import type { Wifi } from "../netns.ts";
import type { Scenario, Stage } from "../stage.ts";
import { formatMs, type Report } from "../table.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const WRITE_EVERY_MS = 500;
/** Longer than anything may take, so that the table shows by how much it is late. */
const GIVE_UP_MS = 180_000;
const CONVERSATION = "Cousin Bartholomew Inglis";

interface Break {
  readonly what: string;
  readonly healMs: number;
  /** Writes go on meanwhile, at both sides unless one of them stands still. */
  readonly writers: readonly Host[];
  readonly holdMs: number;
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

export const cuts: Scenario = {
  number: 4,
  name: "cuts and changes",
  play: async (stage, report) => {
    stage.secretTexts.add(CONVERSATION);
    const { wifi, hosts } = await theFamily(stage);
    for (const each of breaks(stage, wifi, hosts)) await endure(stage, report, hosts, each);
  },
};

function breaks(stage: Stage, wifi: Wifi, hosts: readonly Host[]): readonly Break[] {
  const [first, second, third] = hosts as readonly [Host, Host, Host];
  const cut = (holdMs: number, healMs: number): Break => ({
    what: `N14: link of host 2 down for ${formatMs(holdMs)}`,
    healMs,
    holdMs,
    writers: hosts,
    begin: () => wifi.cut(second.plug),
    end: () => wifi.heal(second.plug),
  });
  const silentCut = (holdMs: number, healMs: number): Break => ({
    what: `N14: packets of host 3 dropped unseen for ${formatMs(holdMs)}`,
    healMs,
    holdMs,
    writers: hosts,
    begin: () => wifi.cutSilently(third.plug),
    end: () => wifi.healSilently(third.plug),
  });
  const deaf = (holdMs: number, healMs: number): Break => ({
    what: `N14: host 3 hears nothing and is heard for ${formatMs(holdMs)}`,
    healMs,
    holdMs,
    writers: hosts,
    begin: () => wifi.deafen(third.plug),
    end: () => wifi.undeafen(third.plug),
  });
  const sleep = (holdMs: number): Break => ({
    what: `N14: host 1 stands still for ${formatMs(holdMs)}`,
    healMs: 10_000,
    holdMs,
    writers: [second, third],
    begin: () => first.node!.freeze(),
    end: () => first.node!.thaw(),
  });
  const readdress: Break = {
    what: "N14: host 2 gets another address",
    healMs: 10_000,
    holdMs: 0,
    writers: hosts,
    begin: () => wifi.changeAddress(second.plug, wifi.address(72)),
    end: () => undefined,
  };
  const short = 5_000;
  const long = 65_000;
  return stage.sized({
    quick: [cut(10 * SECOND_MS, short), silentCut(10 * SECOND_MS, short), readdress, sleep(15 * SECOND_MS)],
    normal: [
      cut(20 * SECOND_MS, short),
      silentCut(20 * SECOND_MS, short),
      deaf(20 * SECOND_MS, short),
      readdress,
      sleep(MINUTE_MS),
      cut(2 * MINUTE_MS, short),
    ],
    full: [
      cut(20 * SECOND_MS, short),
      silentCut(20 * SECOND_MS, short),
      deaf(20 * SECOND_MS, short),
      readdress,
      sleep(MINUTE_MS),
      cut(2 * MINUTE_MS, short),
      silentCut(2 * MINUTE_MS, short),
      deaf(2 * MINUTE_MS, short),
      cut(5 * MINUTE_MS, short),
      cut(6 * MINUTE_MS, long),
      silentCut(6 * MINUTE_MS, long),
    ],
  });
}

/** Breaks, writes on, heals, and measures from the healing to equal fingerprints everywhere. */
async function endure(stage: Stage, report: Report, hosts: readonly Host[], each: Break): Promise<void> {
  await requireEqual(hosts);
  stage.progress(`cuts: ${each.what}`);
  const tag = randomUUID();
  let isHealed = false;
  await each.begin();
  const writing = Promise.all(each.writers.map((host) => writeUntil(stage, host, tag, () => isHealed)));
  await pause(each.holdMs);
  await each.end();
  const healedAt = performance.now();
  isHealed = true;
  const texts = (await writing).flat();
  const equal = await timeUntilTogether(hosts, GIVE_UP_MS);
  report.checkWithin(
    `${each.what}: all connected and in sync`,
    each.healMs,
    equal === undefined ? undefined : performance.now() - healedAt,
  );
  const held = await Promise.all(hosts.map((host) => readConversation(host, CONVERSATION)));
  const counts = held.map((all) => all.filter(({ text }) => text.includes(tag)).length);
  report.check(
    `${each.what}: writes of meanwhile, once everywhere`,
    `${hosts.length} × ${texts.length}`,
    counts.join(", "),
    counts.every((count) => count === texts.length),
  );
}

/** Messages while it lasts and one after it, which must find its way as well. */
async function writeUntil(
  stage: Stage,
  host: Host,
  tag: string,
  isOver: () => boolean,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (;;) {
    const isLast = isOver();
    const text = stage.canary(`written apart ${tag}`);
    await host.node!.request("messages.send", { conversation: CONVERSATION, text });
    texts.push(text);
    if (isLast) return texts;
    await pause(WRITE_EVERY_MS);
  }
}
