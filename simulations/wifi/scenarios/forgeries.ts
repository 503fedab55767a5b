/**
 * Somebody who heard the hour's tag answers to it: what the devices dial because of that (threats N3 and N5). That something is
 * dialled at all for a plausible answer shows that the forged ones were heard.
 */
import type { Capture } from "../capture.ts";
import { makeFamily, requireEqual } from "../family.ts";
import type { Host } from "../host.ts";
import { pause } from "../measure.ts";
import type { Wifi } from "../netns.ts";
import type { Packet } from "../packet.ts";
import { beginProgram } from "../begin-program.ts";
import type { Scenario, Stage } from "../stage.ts";
import type { Report } from "../table.ts";

const HEARD_MS = 3_000;
const DIAL_MS = 5_000;
const PROGRAM_MS = 15_000;
const HOURS_LATER_MS = 5 * 3_600_000 + 17 * 60_000;
const RESPONSE_FLAG = 0x80;
const PLAUSIBLE_PORT = 5_000;
/** threats.md, N5. */
const DIALS_MAX = 4;

interface Heard {
  readonly payloads: readonly Buffer[];
  readonly ports: ReadonlySet<number>;
  readonly transportIds: readonly string[];
  readonly tag: string;
}

export const forgeries: Scenario = {
  number: 11,
  name: "forged announcements",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("forged");
    const hosts = await makeFamily(stage, wifi, {
      names: ["Forgetful desktop Montgolfier", "Forgetful phone Montgolfier"],
    });
    const attacker = await stage.addHost(wifi, "attacker", "unused");
    // Whatever is sent to the router or to the attacker shall be seen as a packet and not end in a question for its owner.
    for (const last of [150, 254])
      await attacker.station.ip("address", "add", `${wifi.address(last)}/24`, "dev", "eth0");
    await pause(HEARD_MS);
    const capture = stage.captures.find(({ label }) => label === wifi.label)!;
    const before = listen(capture, hosts);
    const scene = { wifi, attacker, capture, hosts };
    const sayings = before.payloads.map((each) => each.toString("hex"));

    await restart(hosts, 0);
    const again = await say(stage, scene, sayings);
    const dialsAgain = again.filter(({ toPort }) => before.ports.has(toPort)).length;
    report.check(
      "N3: answers of an earlier start, said again within the hour",
      "dialled in vain",
      `${dialsAgain} packets to dead ports`,
      dialsAgain > 0,
    );
    await checkForged(stage, report, scene, before);
    await requireEqual(hosts);

    await restart(hosts, HOURS_LATER_MS);
    const late = await say(stage, scene, sayings);
    const dialsLate = late.filter(({ toPort }) => before.ports.has(toPort)).length;
    report.check(
      "N3: the same answers, said again 5 hours later",
      "not dialled",
      `${dialsLate} packets`,
      dialsLate === 0,
    );
    for (const host of hosts) await host.stop();
  },
};

interface Scene {
  readonly wifi: Wifi;
  readonly attacker: Host;
  readonly capture: Capture;
  readonly hosts: readonly Host[];
}

async function checkForged(stage: Stage, report: Report, scene: Scene, before: Heard): Promise<void> {
  const { wifi, capture, hosts } = scene;
  const { tag } = listen(capture, hosts);
  const [id, otherId] = before.transportIds as readonly [string, string];
  const attacker = wifi.address(150);
  const forbidden = [
    `/ip4/8.8.8.8/tcp/${PLAUSIBLE_PORT}`,
    `/ip4/10.99.0.1/tcp/${PLAUSIBLE_PORT}`,
    `/ip4/${attacker}/tcp/22`,
  ];
  const plausible = `/ip4/${attacker}/tcp/${PLAUSIBLE_PORT}`;
  const sent = await say(stage, scene, [
    `${tag} forged1 ${forbidden.map((address) => `${address}/p2p/${id}`).join(" ")}`,
    `${tag} forged2 ${plausible}/p2p/${otherId}`,
  ]);
  const bad = sent.filter(
    ({ to, toPort }) => to === "8.8.8.8" || to === "10.99.0.1" || (to === attacker && toPort === 22),
  );
  report.check(
    "N5: forged answers: public address, another subnet, port 22",
    "not dialled",
    `${bad.length} packets`,
    bad.length === 0,
  );
  const dials = new Set(
    sent
      .filter(({ to, toPort }) => to === attacker && toPort === PLAUSIBLE_PORT)
      .map(({ from, fromPort }) => `${from} ${fromPort}`),
  );
  report.check(
    "N5: a forged answer that looks like a device",
    `1 to ${DIALS_MAX} dials a host`,
    `${dials.size} dials of ${hosts.length} hosts`,
    dials.size > 0 && dials.size <= DIALS_MAX * hosts.length,
  );
}

async function restart(hosts: readonly Host[], shiftMs: number): Promise<void> {
  for (const host of hosts) await host.stop();
  for (const host of hosts) {
    host.shiftClock(shiftMs);
    await host.start();
  }
  await requireEqual(hosts);
  await pause(HEARD_MS);
}

/** The TCP packets that our hosts send after it was said. */
async function say(
  stage: Stage,
  { attacker, capture, hosts }: Scene,
  sayings: readonly string[],
): Promise<readonly Packet[]> {
  const from = Date.now();
  const program = beginProgram(stage, attacker.station, "forger", [attacker.plug.address, ...sayings]);
  await program.line((line) => line.value["event"] === "done", PROGRAM_MS);
  await pause(DIAL_MS);
  const ours = hosts.map((host) => host.plug.address);
  return [...capture.packets()].filter(
    (packet) => packet.atMs >= from && packet.kind === "tcp" && ours.includes(packet.from),
  );
}

/** The newest answers of our hosts, and what they tell. */
function listen(capture: Capture, hosts: readonly Host[]): Heard {
  const ours = hosts.map((host) => host.plug.address);
  const payloads = [...capture.packets()]
    .filter(
      ({ kind, from, payload }) =>
        kind === "mdns" && ours.includes(from) && (payload[2]! & RESPONSE_FLAG) !== 0,
    )
    .map(({ payload }) => payload);
  const texts = payloads.map((payload) => payload.toString("latin1"));
  const addresses = texts.flatMap((text) => [...text.matchAll(/\/tcp\/(\d+)\/p2p\/(\w{52})/g)]);
  const tags = texts.flatMap((text) => /_[a-z2-7]{15}/.exec(text)?.[0] ?? []);
  return {
    payloads: [...new Map(payloads.map((payload) => [payload.toString("hex"), payload])).values()],
    ports: new Set(addresses.map(([, port]) => Number(port))),
    transportIds: [...new Set(addresses.map(([, , id]) => id!))],
    tag: tags.at(-1) ?? "",
  };
}
