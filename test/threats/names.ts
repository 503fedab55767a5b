/**
 * Names of tests and rows that carry ids of threats: string literals of test code that begin with them, as
 * `it("S3, S4: …")`. Works on text, so a name counts wherever the string stands.
 */
import { readSourceFiles, type SourceFile } from "../support/source-files.ts";

export interface TestName {
  readonly ids: readonly string[];
  readonly name: string;
  readonly path: string;
}

const ID = "[SLCPNUK][0-9]{1,2}";
const NAME = new RegExp(`["\`]((${ID}(?:, ${ID})*): [^"\`\\n]+)`, "g");

/** Files whose strings are names: tests, contracts, simulations and rows of the Wi-Fi. */
const NAMED = /\.test\.ts$|^test\/contracts\/|^simulations\//;

export function readNames(
  files: readonly SourceFile[] = readSourceFiles(["test", "simulations"]),
): readonly TestName[] {
  return files
    .filter(({ path }) => NAMED.test(path))
    .flatMap(({ path, text }) =>
      [...withoutComments(text).matchAll(NAME)].map(([, name, ids]) => ({
        ids: ids!.split(", "),
        name: name!,
        path,
      })),
    );
}

/** Lines that are comments as a whole. */
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "");
}

/** What kind of test a file is, in a word. */
export function kindOf(path: string): string {
  if (path.startsWith("simulations/wifi/")) return "wifi";
  if (path.startsWith("simulations/")) return "simulation";
  return path.split("/")[1]!.replace(/s$/, "");
}
