/** The three linked hosts of the first scenario, or, where that was not played, three with a short history. */
import { makeFamily } from "./family.ts";
import type { Family, Stage } from "./stage.ts";

const SHORT_HISTORY = 2_000;

export async function theFamily(stage: Stage): Promise<Family> {
  if (stage.family !== undefined) return stage.family;
  const wifi = await stage.openWifi("family");
  const names = ["Ottilie's kitchen laptop", "Workshop tablet of Ottilie", "Telefon Großmutter Quaas"];
  const { path } = stage.history(SHORT_HISTORY);
  const hosts = await makeFamily(stage, wifi, { names, history: path });
  stage.family = { wifi, hosts };
  return stage.family;
}
