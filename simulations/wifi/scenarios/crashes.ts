/**
 * kill -9 at random times, during import, sending and first sync. What `send` acknowledged must be there, nothing twice, and
 * nobody has to repair anything.
 */
import type { ImportResult, Message, VerifyResult } from "../../../src/app/node/types.ts";
import type { Corpus } from "../corpus.ts";
import { foundAccount, link, readConversation, timeUntilEqual } from "../family.ts";
import type { Host } from "../host.ts";
import { pause, timeUntil } from "../measure.ts";
import { RequestError } from "../running-node.ts";
import type { Wifi } from "../netns.ts";
import type { Scenario, Stage } from "../stage.ts";
import type { Report } from "../table.ts";

const CONVERSATION = "Uncle Thaddeus Pemberton";
const SYNC_MS = 120_000;
const COMMAND_MS = 120_000;
/** Kills fall into this time from a command's start: its own start takes the first third or so. */
const IMPORT_KILL_MS = { from: 200, to: 1_800 };
const SEND_KILL_MS = { from: 50, to: 1_000 };
const SYNC_KILL_MS = { from: 0, to: 1_500 };
const KILLS_PER_PHASE = 2;
const QUICK_MESSAGES = 15_000;
const SENDERS_AT_ONCE = 8;

export const crashes: Scenario = {
  number: 5,
  name: "kill -9",
  play: async (stage, report) => {
    stage.secretTexts.add(CONVERSATION);
    const rounds = stage.sized({ quick: 3, normal: 6, full: 20 });
    const wifi = await stage.openWifi("crash");
    const corpus = stage.history(stage.sized({ quick: QUICK_MESSAGES, normal: undefined, full: undefined }));
    const total = { kills: 0, acknowledged: 0 };
    for (let round = 1; round <= rounds; round++) {
      stage.progress(`kill -9: round ${round} of ${rounds}`);
      await playRound(stage, wifi, { report, round, corpus, total });
    }
    report.check(
      `${rounds} rounds: every send that returned is there`,
      "nothing lost, nothing doubled, no repair",
      `${total.kills} kills, ${total.acknowledged} messages acknowledged`,
      report.rows.every(({ result }) => result === "ok"),
    );
  },
};

interface Round {
  readonly report: Report;
  readonly round: number;
  readonly corpus: Corpus;
  readonly total: { kills: number; acknowledged: number };
}

async function playRound(stage: Stage, wifi: Wifi, { report, round, corpus, total }: Round): Promise<void> {
  const writer = await stage.addHost(wifi, `writer${round}`, `Crashing writer Quellenhof ${round}`);
  const taker = await stage.addHost(wifi, `taker${round}`, `Crashing taker Quellenhof ${round}`);
  await foundAccount(stage, writer);
  total.kills += await killImports(writer, corpus.path);
  const imported = await writer.run<ImportResult>(["import", corpus.path], COMMAND_MS);
  report.check(
    `round ${round}: imported again after kills`,
    `${corpus.messages} messages, none doubled`,
    `${imported.imported} new and ${imported.duplicates} known`,
    imported.imported + imported.duplicates === corpus.messages &&
      (await writer.status()).messages === corpus.messages,
  );

  const acknowledged: string[] = [];
  const asked: string[] = [];
  for (let kill = 0; kill < KILLS_PER_PHASE; kill++) {
    await killWhileSending(stage, writer, { acknowledged, asked });
    total.kills++;
  }
  total.acknowledged += acknowledged.length;

  await writer.start();
  await link(stage, writer, taker);
  await killDuringSync(writer, taker);
  total.kills += KILLS_PER_PHASE;
  const equal = await timeUntilEqual([writer, taker], SYNC_MS);
  report.checkWithin(`round ${round}: in sync after kills`, SYNC_MS, equal);
  for (const host of [writer, taker]) {
    const held = (await readSent(host)).map(({ text }) => text);
    const lost = acknowledged.filter((text) => !held.includes(text)).length;
    const doubled = held.length - new Set(held).size;
    const unknown = held.filter((text) => !asked.includes(text)).length;
    report.check(
      `round ${round}: ${host.station.label} holds what was acknowledged`,
      `0 of ${acknowledged.length} lost, 0 doubled`,
      `${lost} lost, ${doubled} doubled, ${unknown} unknown`,
      lost + doubled + unknown === 0,
    );
    const { bad, lost: gone, repaired } = await host.run<VerifyResult>(["verify"], COMMAND_MS);
    report.check(
      `round ${round}: verify on ${host.station.label}`,
      "0 bad",
      `${bad} bad, ${gone} lost, ${repaired} repaired`,
      bad + gone === 0,
    );
  }
  const all = [await writer.status(), await taker.status()];
  report.checkEqual(
    `round ${round}: fingerprint, with ${all[0]!.messages} messages`,
    all.map(({ fingerprint, messages }) => `${messages} ${fingerprint}`),
  );
  await Promise.all([writer.stop(), taker.stop()]);
}

/** Kills imports, each at another time; says how many it killed. */
async function killImports(host: Host, file: string): Promise<number> {
  let kills = 0;
  for (let at = 0; at < KILLS_PER_PHASE; at++) {
    const running = host.begin(["import", file]);
    running.endInput();
    const timer = setTimeout(() => running.signal("SIGKILL"), between(IMPORT_KILL_MS));
    const { signal } = await running.ended;
    clearTimeout(timer);
    if (signal === "SIGKILL") kills++;
  }
  return kills;
}

/** Sends as fast as answers come, until the node dies in the middle of it. */
async function killWhileSending(
  stage: Stage,
  host: Host,
  into: { readonly acknowledged: string[]; readonly asked: string[] },
): Promise<void> {
  const node = await host.start();
  // The process that carries the requests has begun before the time runs.
  await host.status();
  let isKilled = false;
  const sendMany = async (): Promise<void> => {
    while (!isKilled) {
      const text = stage.canary("sent before a crash");
      into.asked.push(text);
      try {
        await node.request<Message>("messages.send", { conversation: CONVERSATION, text });
        into.acknowledged.push(text);
      } catch (error) {
        // The answer to what was under way when the node died never comes: it may be there or not.
        if (!isKilled && !node.isOver) throw error;
        return;
      }
    }
  };
  const senders = Array.from({ length: SENDERS_AT_ONCE }, sendMany);
  await pause(between(SEND_KILL_MS));
  isKilled = true;
  await host.kill();
  await Promise.all(senders);
}

/** Both sides die in turn while the newcomer takes the history in, and are started again. */
async function killDuringSync(writer: Host, taker: Host): Promise<void> {
  for (let kill = 0; kill < KILLS_PER_PHASE; kill++) {
    const node = await taker.start();
    await timeUntil(() => hasMet(taker), SYNC_MS);
    await pause(between(SYNC_KILL_MS));
    if (kill % 2 === 0) {
      await taker.kill();
      continue;
    }
    await writer.kill();
    await writer.start();
    if (node.isOver) throw new Error("the taker ended by itself");
  }
  if (taker.node === undefined) await taker.start();
}

/** Where the first message died on its way there is no conversation. */
async function readSent(host: Host): Promise<readonly Message[]> {
  try {
    return await readConversation(host, CONVERSATION);
  } catch (error) {
    if (error instanceof RequestError && error.code === "NOT_FOUND") return [];
    throw error;
  }
}

async function hasMet(host: Host): Promise<boolean> {
  return (await host.status()).peers.some(({ online }) => online);
}

function between({ from, to }: { readonly from: number; readonly to: number }): number {
  return from + Math.random() * (to - from);
}
