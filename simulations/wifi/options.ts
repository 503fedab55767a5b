/** What `npm run wifi -- …` takes. Tests: test/unit/wifi/table.test.ts. */
import { parseArgs } from "node:util";

/** `quick` fits into a check of every commit, `full` holds for what closes an issue and takes more than an hour. */
export type Size = "quick" | "normal" | "full";

export interface Options {
  readonly size: Size;
  /** Scenario numbers; all if empty. */
  readonly only: readonly number[];
  /** Where captures and logs of every process stay; they are deleted if absent. */
  readonly keepLogs: string | undefined;
  /** How many messages the first host imports; the whole corpus if absent. */
  readonly messages: number | undefined;
  readonly json: boolean;
}

export const usage = `npm run wifi -- [--quick | --full] [--only N[,N…]] [--keep-logs DIR] [--messages N] [--json]

Builds a Wi-Fi of several hosts out of network namespaces and runs real nodes on it. Needs root, ip and tcpdump.
  --quick         about three minutes, for every commit
  --full          more than an hour: an hour of silence, cuts of six minutes, 20 rounds of kill -9
  --only N[,N…]   only these scenarios
  --keep-logs DIR captures, data and what every process printed stay there
  --messages N    import N messages instead of the whole corpus
  --json          one JSON object instead of the table`;

/** Throws an Error with a sentence for the person where the arguments are wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      "keep-logs": { type: "string" },
      messages: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  if (values.quick && values.full) throw new Error("--quick and --full exclude each other");
  return {
    size: values.quick ? "quick" : values.full ? "full" : "normal",
    only: values.only.flatMap((list) => list.split(",")).map((text) => count(text, "--only")),
    keepLogs: values["keep-logs"],
    messages: values.messages === undefined ? undefined : count(values.messages, "--messages"),
    json: values.json,
  };
}

function count(text: string, option: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new Error(`${option} takes a number from 1, not ${text}`);
  return Number(text);
}
