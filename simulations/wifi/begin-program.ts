/** The programs of `programs/`, most of them attackers, run in the namespace of a host. */
import { fileURLToPath } from "node:url";
import { LineProcess } from "./line-process.ts";
import { inNamespace, type Station } from "./netns.ts";
import type { Stage } from "./stage.ts";

export function beginProgram(
  stage: Stage,
  station: Station,
  name: "stranger" | "fake-members" | "mdns-flood" | "forger" | "talker",
  args: readonly string[],
): LineProcess {
  const program = fileURLToPath(new URL(`programs/${name}.js`, import.meta.url));
  return new LineProcess({
    command: inNamespace(station.namespace, [process.execPath, program, ...args]),
    env: { PATH: process.env["PATH"] },
    logFile: stage.path(`${station.namespace}-${name}.log`),
  });
}
