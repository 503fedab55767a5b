/** Others on the same Wi-Fi: a device of another account, a plain libp2p node, floods. They learn nothing and cost little. */
import { foundAccount, makeFamily, timeUntilEqual } from "../family.ts";
import type { Host } from "../host.ts";
import { pause } from "../measure.ts";
import { beginProgram } from "../begin-program.ts";
import type { Scenario, Stage } from "../stage.ts";
import { formatMs, type Report } from "../table.ts";

const QUIET_MS = 5_000;
const FLOOD = { quick: 300, normal: 1_000, full: 5_000 };
const PROGRAM_MS = 600_000;
/** threats.md, N7. */
const RESIDENT_BYTES_MAX = 64 * 2 ** 20;
const RECONNECT_MS = 5_000;
/** threats.md, N6. */
const MDNS_PER_SECOND = 1_000;
const MDNS_CPU_SHARE = 0.05;

interface Attempt {
  readonly what: string;
  readonly bytes: number;
  readonly hex: string;
  readonly ending: string;
}

export const strangers: Scenario = {
  number: 7,
  name: "strangers",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("shared");
    const hosts = await makeFamily(stage, wifi, {
      names: ["Neighbourly desktop Vanterpool", "Neighbourly phone Vanterpool"],
    });
    const neighbour = await stage.addHost(wifi, "neighbour", "Quite another household's box");
    await foundAccount(stage, neighbour);
    await neighbour.start();
    await pause(QUIET_MS);
    await checkNeighbour(stage, report, { wifi: wifi.label, hosts, neighbour });
    const attacker = await stage.addHost(wifi, "attacker", "unused");
    await checkAttempts(stage, report, { hosts, neighbour, attacker });
    await checkConnectionFlood(stage, report, { hosts, attacker });
    await checkMdnsFlood(stage, report, { hosts, attacker });
    for (const host of [...hosts, neighbour]) await host.stop();
  },
};

async function checkNeighbour(
  stage: Stage,
  report: Report,
  {
    wifi,
    hosts,
    neighbour,
  }: { readonly wifi: string; readonly hosts: readonly Host[]; readonly neighbour: Host },
): Promise<void> {
  const capture = stage.captures.find(({ label }) => label === wifi)!;
  const { address } = neighbour.plug;
  const packets = [...capture.packets()].filter(
    ({ kind, from, to }) => kind === "tcp" && (from === address || to === address),
  );
  report.check(
    "N4: a device of another account: TCP packets to or from it",
    "0",
    `${packets.length}`,
    packets.length === 0,
  );
  const seen = await Promise.all(hosts.map((host) => host.status()));
  const peers = (await neighbour.status()).peers.length;
  report.check(
    "N4: a device of another account: who knows of whom",
    "nobody",
    `it knows ${peers}; ours know ${seen.map((each) => each.peers.length - 1).join(" and ")} beside each other`,
    peers === 0 && seen.every((each) => each.peers.length === 1),
  );
}

/** The same attempts at a device of ours and at one of the other account: what comes back must not tell them apart. */
async function checkAttempts(
  stage: Stage,
  report: Report,
  {
    hosts,
    neighbour,
    attacker,
  }: { readonly hosts: readonly Host[]; readonly neighbour: Host; readonly attacker: Host },
): Promise<void> {
  const [ours, theirs] = await Promise.all(
    [hosts[0]!, neighbour].map(async (host): Promise<readonly Attempt[]> => {
      const lines = await probe(stage, { attacker, target: host, flood: 0 });
      return lines.filter(({ event }) => event === "attempt") as unknown as readonly Attempt[];
    }),
  );
  for (const [at, { what, bytes, ending }] of ours!.entries()) {
    const other = theirs![at]!;
    const isSync = !what.includes("link greeting");
    const isAlike = other.bytes === bytes && other.ending === ending;
    report.check(
      `N4: plain libp2p node: ${what}`,
      isSync ? "0 bytes, ended" : "ended, as by any account",
      `${bytes} bytes, ${ending}${isAlike ? "" : `; another account: ${other.bytes} bytes, ${other.ending}`}`,
      isAlike && ending !== "still open" && (!isSync || bytes === 0),
    );
  }
}

async function checkConnectionFlood(
  stage: Stage,
  report: Report,
  { hosts, attacker }: { readonly hosts: readonly Host[]; readonly attacker: Host },
): Promise<void> {
  const [target, sibling] = hosts as readonly [Host, Host];
  await sibling.stop();
  const count = stage.sized(FLOOD);
  const before = target.node!.cost();
  const startedAt = performance.now();
  const flooding = probe(stage, { attacker, target, flood: count });
  await pause(1_000);
  await sibling.start();
  report.checkWithin(
    "N7: a flood of connections: a sibling connects meanwhile",
    RECONNECT_MS,
    await timeUntilEqual(hosts, PROGRAM_MS),
  );
  const flooded = (await flooding).find(({ event }) => event === "flooded");
  const after = target.node!.cost();
  const grownMiB = (after.residentBytes - before.residentBytes) / 2 ** 20;
  report.check(
    `N7: ${count} silent sockets, ${count} connections: memory of the device`,
    `at most ${RESIDENT_BYTES_MAX / 2 ** 20} MiB more`,
    `${grownMiB.toFixed(1)} MiB more; ${String(flooded?.["opened"])} got in; CPU ${formatMs(after.cpuMs - before.cpuMs)} in ${formatMs(performance.now() - startedAt)}`,
    after.residentBytes - before.residentBytes <= RESIDENT_BYTES_MAX && flooded !== undefined,
  );
}

async function checkMdnsFlood(
  stage: Stage,
  report: Report,
  { hosts, attacker }: { readonly hosts: readonly Host[]; readonly attacker: Host },
): Promise<void> {
  const node = hosts[0]!.node!;
  const seconds = stage.sized({ quick: 10, normal: 15, full: 60 });
  const before = node.cost();
  const startedAt = performance.now();
  const program = beginProgram(stage, attacker.station, "mdns-flood", [
    String(MDNS_PER_SECOND),
    String(seconds),
  ]);
  const { value } = await program.line((line) => line.value["event"] === "done", PROGRAM_MS);
  const after = node.cost();
  const share = (after.cpuMs - before.cpuMs) / (performance.now() - startedAt);
  report.check(
    `N6: ${String(value["sent"])} mDNS packets in ${seconds} s: CPU of the device`,
    `at most ${MDNS_CPU_SHARE * 100} %`,
    `${(share * 100).toFixed(1)} %`,
    share <= MDNS_CPU_SHARE && !node.isOver,
  );
}

async function probe(
  stage: Stage,
  { attacker, target, flood }: { readonly attacker: Host; readonly target: Host; readonly flood: number },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { addresses } = await target.node!.ready;
  // A stranger reads it in the answers on the network; after a restart of the Net it is another one.
  const address = addresses.find((each) => each.includes(`/ip4/${target.plug.address}/`));
  if (address === undefined) throw new Error(`no address of ${target.name} to dial: ${addresses.join(" ")}`);
  const program = beginProgram(stage, attacker.station, "stranger", [address, String(flood)]);
  await program.line((line) => line.value["event"] === "done", PROGRAM_MS);
  return (await program.ended).lines.map(({ value }) => value);
}
