/** Hosts whose network is not there from the start, or is two networks. */
import { makeFamily, timeUntilTogether } from "../family.ts";
import type { Host } from "../host.ts";
import { pause } from "../measure.ts";
import type { Wifi } from "../netns.ts";
import type { Scenario, Stage } from "../stage.ts";
import type { Report } from "../table.ts";

/** The look at the interfaces comes every five seconds. */
const FOUND_MS = 10_000;
const GIVE_UP_MS = 60_000;
const ALONE_MS = 3_000;
const CONTACT = "Madame Delacroix-Beaumont";

export const interfaces: Scenario = {
  number: 9,
  name: "interfaces",
  play: async (stage, report) => {
    stage.secretTexts.add(CONTACT);
    const cable = await stage.openWifi("cable", 0);
    const radio = await stage.openWifi("radio", 1);
    const names = ["Two-legged router Amsterdammer", "Radio phone Amsterdammer"];
    const [both, moving] = (await makeFamily(stage, cable, { names })) as readonly [Host, Host];
    const pair = [both, moving];

    await unplug(moving);
    await moving.start();
    await sendAlone(stage, report, moving);
    await radio.plug(moving.station);
    await pause(ALONE_MS);
    await sendAlone(stage, report, moving, "on a network of its own");
    await radio.plug(both.station, "eth1");
    report.checkWithin(
      "a second interface appears while the node runs: the sibling behind it",
      FOUND_MS,
      await timeUntilTogether(pair, GIVE_UP_MS),
    );

    await unplug(moving);
    await moving.start();
    await sendAlone(stage, report, moving);
    await plugAndMeet(report, { radio, moving, pair });
    for (const host of pair) await host.stop();
  },
};

async function plugAndMeet(
  report: Report,
  { radio, moving, pair }: { readonly radio: Wifi; readonly moving: Host; readonly pair: readonly Host[] },
): Promise<void> {
  await radio.plug(moving.station);
  report.checkWithin(
    "the first interface appears after the start: its sibling, which has two",
    FOUND_MS,
    await timeUntilTogether(pair, GIVE_UP_MS),
  );
}

/** The node ends, and its interface with it. */
async function unplug(host: Host): Promise<void> {
  await host.stop();
  await host.station.ip("link", "delete", host.plug.device);
}

async function sendAlone(
  stage: Stage,
  report: Report,
  host: Host,
  where = "without any interface",
): Promise<void> {
  await pause(ALONE_MS);
  await host.node!.request("messages.send", { conversation: CONTACT, text: stage.canary("written alone") });
  const online = (await host.status()).peers.filter((peer) => peer.online).length;
  report.check(where, "runs, sends, is alone", `sent, ${online} online`, online === 0);
}
