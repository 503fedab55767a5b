/** Hosts whose network is not there from the start, or is two networks. */
import { makeFamily, timeUntilEqual } from "../family.ts";
import type { Host } from "../host.ts";
import { pause, timeUntil } from "../measure.ts";
import type { Plug } from "../netns.ts";
import type { Scenario, Stage } from "../stage.ts";
import type { Report } from "../table.ts";

/** The look at the interfaces comes every five seconds. */
const FOUND_MS = 10_000;
const GIVE_UP_MS = 60_000;
const ALONE_MS = 3_000;

export const interfaces: Scenario = {
  number: 9,
  name: "interfaces",
  play: async (stage, report) => {
    const first = await stage.openWifi("cable", 0);
    const second = await stage.openWifi("radio", 1);
    const names = [
      "Two-legged router Amsterdammer",
      "Cable desktop Amsterdammer",
      "Radio phone Amsterdammer",
    ];
    const [both, , moving] = (await makeFamily(stage, first, { names })) as readonly [Host, Host, Host];
    await checkTwoNetworks(report, {
      both,
      moving,
      move: async () => {
        await moving.stop();
        await moving.station.ip("link", "delete", moving.plug.device);
        const plug = await second.plug(moving.station);
        await second.plug(both.station, "eth1");
        await moving.start();
        return plug;
      },
    });
    await checkLateInterface(stage, report, { both, moving, plugAgain: () => second.plug(moving.station) });
    for (const host of [both, moving]) await host.stop();
  },
};

/** One host has a leg in each of two networks, the other one is in the second only. */
async function checkTwoNetworks(
  report: Report,
  { both, moving, move }: { readonly both: Host; readonly moving: Host; readonly move: () => Promise<Plug> },
): Promise<void> {
  await move();
  const startedAt = performance.now();
  const met = await timeUntilEqual([both, moving], GIVE_UP_MS);
  report.checkWithin(
    "second interface appears while the node runs: sibling behind it found",
    FOUND_MS,
    met === undefined ? undefined : performance.now() - startedAt,
  );
}

/** Started with nothing but loopback. */
async function checkLateInterface(
  stage: Stage,
  report: Report,
  {
    both,
    moving,
    plugAgain,
  }: { readonly both: Host; readonly moving: Host; readonly plugAgain: () => Promise<Plug> },
): Promise<void> {
  await moving.stop();
  await moving.station.ip("link", "delete", moving.plug.device);
  await moving.start();
  await pause(ALONE_MS);
  const text = stage.canary("written without any network");
  await moving.node!.request("messages.send", { conversation: "Madame Delacroix-Beaumont", text });
  stage.secretTexts.add("Madame Delacroix-Beaumont");
  const alone = await moving.status();
  report.check(
    "without any interface",
    "runs, sends, is alone",
    `${alone.peers.filter(({ online }) => online).length} online`,
    alone.peers.every(({ online }) => !online),
  );
  await plugAgain();
  const startedAt = performance.now();
  const met = await timeUntil(
    async () => (await moving.status()).peers.some(({ online }) => online),
    GIVE_UP_MS,
  );
  report.checkWithin("interface appears after the start: sibling found", FOUND_MS, met);
  await timeUntilEqual([both, moving], GIVE_UP_MS);
  report.checkWithin("interface appears after the start: in sync", FOUND_MS, performance.now() - startedAt);
}
