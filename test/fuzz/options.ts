/** What `npm run fuzz -- …` takes. Tests: test/unit/fuzz/options.test.ts. */
import { parseArgs } from "node:util";
import { hexToBytes } from "../../src/core/base/bytes.ts";

const SECONDS_DEFAULT = 4;
const SECONDS_MAX = 86_400;

export interface Options {
  /** Decoders or groups; all if empty. */
  readonly names: readonly string[];
  /** For each decoder. */
  readonly seconds: number;
  readonly seed: number;
  /** Decoders tried at once; as many as the machine has cores where it is absent. */
  readonly jobs: number | undefined;
  /** What was found to run new code goes into the corpus of the repository. */
  readonly save: boolean;
  /** One input, tried once and told about. */
  readonly input: Uint8Array | undefined;
  readonly list: boolean;
}

export const usage = `npm run fuzz -- [NAME…] [--seconds S] [--seed N] [--jobs N] [--save] [--input HEX] [--list]

Tries decoders with made inputs, guided by the code that they run. NAME is a decoder or a group of them; all if none is given.
  --seconds S  for each decoder (${SECONDS_DEFAULT} if absent)
  --seed N     where chance begins; what it found is replayed by --input
  --jobs N     so many decoders at once; as many as there are cores if absent
  --save       inputs that run new code go into test/vectors/corpus, which is then made as small as its coverage allows
  --input HEX  replays one input on the one decoder NAME
  --list       the decoders and their groups`;

/** Throws an Error with a sentence for the person where the arguments are wrong. */
export function parseOptions(args: readonly string[], known: ReadonlySet<string>): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: "string" },
      seed: { type: "string" },
      jobs: { type: "string" },
      save: { type: "boolean", default: false },
      input: { type: "string" },
      list: { type: "boolean", default: false },
    },
  });
  const strange = positionals.find((name) => !known.has(name));
  if (strange !== undefined) throw new Error(`there is no decoder or group ${strange}; --list shows them`);
  if (values.input !== undefined && positionals.length !== 1)
    throw new Error("--input is for exactly one decoder");
  return {
    names: positionals,
    seconds: numberOf(values.seconds, "--seconds", SECONDS_MAX) ?? SECONDS_DEFAULT,
    seed: numberOf(values.seed, "--seed", 2 ** 32 - 1) ?? 1,
    jobs: numberOf(values.jobs, "--jobs", 64),
    save: values.save,
    input: values.input === undefined ? undefined : bytesOf(values.input),
    list: values.list,
  };
}

function numberOf(text: string | undefined, option: string, max: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,10}$/.test(text) || Number(text) < 1 || Number(text) > max)
    throw new Error(`${option} takes a whole number from 1 to ${max}, not ${text}`);
  return Number(text);
}

function bytesOf(text: string): Uint8Array {
  try {
    return hexToBytes(text);
  } catch {
    throw new Error("--input takes lower-case hex of whole bytes");
  }
}
