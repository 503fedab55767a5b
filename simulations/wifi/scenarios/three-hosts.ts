/** The promise as a whole: three hosts, each linked by another, the first away in between, and all hold the same. */
import type { ImportResult, Message, VerifyResult } from "../../../src/app/node/types.ts";
import { digestInbox, digestMessages, foundAccount, link, timeUntilEqual } from "../family.ts";
import type { Host } from "../host.ts";
import type { Scenario, Stage } from "../stage.ts";
import { formatMs, type Report } from "../table.ts";

const SYNC_MS = 120_000;
const IMPORT_MS = 120_000;
/** How many conversations are compared as the command prints them too. */
const SHOWN_CONVERSATIONS = 3;
/** The most that `show` takes. */
const SHOWN_MESSAGES = 100_000;

export const threeHosts: Scenario = {
  number: 1,
  name: "three hosts",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("home");
    const [first, second, third] = await Promise.all([
      stage.addHost(wifi, "host1", "Ottilie's kitchen laptop"),
      stage.addHost(wifi, "host2", "Workshop tablet of Ottilie"),
      stage.addHost(wifi, "host3", "Telefon Großmutter Quaas"),
    ]);
    await importHistory(stage, report, first);
    await first.start();
    await linkAndSync(stage, report, { from: first, to: second });
    await first.stop();
    stage.progress("host 1 is off; host 2 links host 3");
    await linkAndSync(stage, report, { from: second, to: third });
    await first.start();
    const hosts = [first, second, third];
    report.checkWithin(
      "host 1 is switched on again: all three in sync",
      10_000,
      await timeUntilEqual(hosts, SYNC_MS),
    );
    stage.family = { wifi, hosts };
    await compare(stage, report, hosts);
  },
};

async function importHistory(stage: Stage, report: Report, host: Host): Promise<void> {
  await foundAccount(stage, host);
  const { corpus } = stage;
  const startedAt = performance.now();
  const { imported, problems } = await host.run<ImportResult>(["import", corpus.path], IMPORT_MS);
  stage.progress(`host 1 imported ${imported} ${corpus.what} in ${formatMs(performance.now() - startedAt)}`);
  report.check(
    `import of ${corpus.what}`,
    `${corpus.messages} messages, 0 problems`,
    `${imported} messages, ${problems.length} problems`,
    imported === corpus.messages && problems.length === 0,
  );
}

async function linkAndSync(
  stage: Stage,
  report: Report,
  { from, to }: { readonly from: Host; readonly to: Host },
): Promise<void> {
  const what = `${to.station.label} is linked by ${from.station.label}`;
  const startedAt = performance.now();
  await link(stage, from, to);
  report.check(`${what}, by mDNS and a code`, "both say so", formatMs(performance.now() - startedAt), true);
  const node = await to.start();
  await node.met;
  report.checkWithin(
    `${what}: history there and in sync`,
    SYNC_MS,
    await timeUntilEqual([from, to], SYNC_MS),
  );
}

async function compare(stage: Stage, report: Report, hosts: readonly Host[]): Promise<void> {
  const all = await Promise.all(
    hosts.map((host) => host.run<Awaited<ReturnType<Host["status"]>>>(["status"])),
  );
  report.checkEqual(
    "fingerprint",
    all.map(({ fingerprint }) => fingerprint),
  );
  report.checkEqual(
    "entries",
    all.map(({ entries }) => entries),
  );
  report.checkEqual(
    "messages",
    all.map(({ messages }) => messages),
  );
  report.check(
    "messages",
    `${stage.corpus.messages}`,
    `${all[0]!.messages}`,
    all[0]!.messages === stage.corpus.messages,
  );
  const digests = await Promise.all(hosts.map(digestInbox));
  const [digest] = digests;
  report.checkEqual(
    `texts in their order, ${digest!.messages} in ${digest!.conversations} conversations`,
    digests.map(({ hash }) => hash),
  );
  const list = await hosts[0]!.run<readonly { readonly conversation: string }[]>([
    "conversations",
    "--limit",
    String(SHOWN_CONVERSATIONS),
  ]);
  for (const { conversation } of list) {
    const shown = await Promise.all(
      hosts.map((host) =>
        host.run<readonly Message[]>(["show", conversation, "--limit", String(SHOWN_MESSAGES)]),
      ),
    );
    report.checkEqual(`show of a conversation of ${shown[0]!.length}`, shown.map(digestMessages));
  }
  const verified = await Promise.all(hosts.map((host) => host.run<VerifyResult>(["verify"], SYNC_MS)));
  for (const [at, { entries, bad, lost }] of verified.entries())
    report.check(
      `verify on host ${at + 1}`,
      "0 bad, 0 lost",
      `${entries} entries, ${bad} bad, ${lost} lost`,
      bad === 0 && lost === 0,
    );
}
