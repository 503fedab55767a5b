/**
 * The order of the scenarios. Those that measure time have the machine for themselves; those that mostly wait go side by side
 * afterwards, each on a Wi-Fi of its own, and the longest of them, which costs nothing, from the beginning; the search through
 * all captures comes last.
 */
import { announcements } from "./scenarios/announcements.ts";
import { crashes } from "./scenarios/crashes.ts";
import { cuts } from "./scenarios/cuts.ts";
import { finding } from "./scenarios/finding.ts";
import { forgeries } from "./scenarios/forgeries.ts";
import { idle } from "./scenarios/idle.ts";
import { interfaces } from "./scenarios/interfaces.ts";
import { linkCodes } from "./scenarios/link-codes.ts";
import { live } from "./scenarios/live.ts";
import { secrecy } from "./scenarios/secrecy.ts";
import { strangers } from "./scenarios/strangers.ts";
import { threeHosts } from "./scenarios/three-hosts.ts";
import type { Scenario, Stage } from "./stage.ts";
import { Report, type Row } from "./table.ts";

const throughout: readonly Scenario[] = [idle];
const alone: readonly Scenario[] = [threeHosts, live, finding];
const sideBySide: readonly (readonly Scenario[])[] = [
  [cuts],
  [strangers, forgeries],
  [announcements, interfaces],
  [linkCodes],
  [crashes],
];
const atTheEnd: readonly Scenario[] = [secrecy];

export async function playAll(stage: Stage): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const playInTurn = async (scenarios: readonly Scenario[]): Promise<void> => {
    for (const scenario of scenarios) rows.push(...(await play(stage, scenario)));
  };
  const longest = playInTurn(throughout);
  await playInTurn(alone);
  await Promise.all([longest, ...sideBySide.map(playInTurn)]);
  await playInTurn(atTheEnd);
  return rows.sort((a, b) => a.scenario - b.scenario);
}

/** What breaks a scenario is a failed row of it; the others go on. */
async function play(stage: Stage, scenario: Scenario): Promise<readonly Row[]> {
  const { only } = stage.options;
  if (only.length > 0 && !only.includes(scenario.number)) return [];
  stage.progress(`${scenario.number} ${scenario.name}: begins`);
  const report = new Report(scenario.number, ({ what, seen, result }) => {
    stage.progress(`${scenario.number} ${result.padEnd(7)} ${what}: ${seen}`);
  });
  const startedAt = performance.now();
  try {
    await scenario.play(stage, report);
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    report.check(`${scenario.name}: played to its end`, "yes", message.trim().replaceAll(/\s+/g, " "), false);
    stage.progress(stack ?? message);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  stage.progress(`${scenario.number} ${scenario.name}: took ${seconds} s`);
  return report.rows;
}
