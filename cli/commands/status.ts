/** `kinlog status`: is this device in sync, with whom, since when, what is missing and where. */
import type { PeerStatus, Status } from "../../src/app/node/types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import type { Style } from "../output/style.ts";
import { formatTable } from "../output/table.ts";
import { ago, count, localTime, plural } from "../output/times.ts";

export const run: Run = ({ output, withApi }) =>
  withApi("any", async (api) => {
    const status = await api.call("status", {});
    // The result of the command is a contract, and has no such field.
    const { view: _, ...result } = status;
    await output.value(result, () => describe(status, { isRunning: api.running, output }));
    return EXIT.done;
  });

function describe(
  status: Status,
  { isRunning, output }: { readonly isRunning: boolean; readonly output: Context["output"] },
): readonly string[] {
  const { style, columns } = output;
  const { messages, conversations, entries, logs } = status;
  return [
    `${style.bold(printableLine(status.name))}, a device of account ${status.account.slice(0, 12)}`,
    syncLine(status, isRunning, style),
    ...(status.peers.length === 0
      ? []
      : [
          "",
          ...formatTable(
            status.peers.map((peer) => peerRow(peer)),
            { columns: columns - 2 },
          ).map((row) => `  ${row}`),
          "",
        ]),
    `${plural(messages, "message")} in ${plural(conversations, "conversation")} (${plural(entries, "entry")} in ${plural(logs, "log")}).`,
    `Fingerprint ${status.fingerprint}: devices that show the same have the same history.`,
    ...protectionLines(status),
    ...(status.view.done === status.view.total
      ? []
      : [
          `View: building ${count(status.view.done)} of ${plural(status.view.total, "entry")}; until then lists come from the one before.`,
        ]),
    ...(status.search.done === status.search.total
      ? []
      : [`Search finds ${count(status.search.done)} of ${plural(status.search.total, "entry")} so far.`]),
    ...(status.unknownKinds === 0
      ? []
      : [`${plural(status.unknownKinds, "entry")} of a newer version wait here for an update.`]),
    ...status.alarms.map(
      (alarm) => `${style.red("Alarm")} ${localTime(alarm.at)} ${alarm.code}: ${printableLine(alarm.text)}`,
    ),
  ];
}

function syncLine({ peers, inSync, lastInSync }: Status, isRunning: boolean, style: Style): string {
  if (peers.length === 0) return "The only device of the account so far. `kinlog link` adds another.";
  if (inSync) {
    const names = peers.filter(({ online }) => online).map(({ name }) => printableLine(name));
    return style.green(`In sync with ${names.join(", ")}.`);
  }
  const since = lastInSync === null ? "never in sync so far" : `last in sync ${ago(lastInSync, new Date())}`;
  if (!isRunning)
    return style.yellow(`No node runs here, so nothing is synced (${since}). Run \`kinlog start\`.`);
  const online = peers.filter((peer) => peer.online);
  const why = online.length === 0 ? "no other device is reachable; `kinlog doctor` says why" : "catching up";
  return style.yellow(`Not in sync: ${why} (${since}).`);
}

function peerRow({ name, online, via, inSync, missingHere, missingThere }: PeerStatus): readonly string[] {
  const where = online ? `online (${via === "manual" ? "by address" : (via ?? "lan")})` : "offline";
  return [printableLine(name), where, inSync ? "the same as here" : difference(missingHere, missingThere)];
}

function difference(missingHere: number | null, missingThere: number | null): string {
  if (missingHere === null || missingThere === null) return "never met";
  const parts = [
    ...(missingHere === 0 ? [] : [`${count(missingHere)} missing here`]),
    ...(missingThere === 0 ? [] : [`${count(missingThere)} missing there`]),
  ];
  return parts.length === 0 ? "nothing known to be missing" : parts.join(", ");
}

function protectionLines({ protection, recovery }: Status): readonly string[] {
  return [
    protection === "none"
      ? "The keys of this device are not protected: they lie in a file that only you can read."
      : `The keys of this device are protected by the ${protection}.`,
    ...(recovery === "unseen"
      ? ["The recovery phrase has not been shown yet: `kinlog recovery show` shows it once."]
      : []),
  ];
}
