/**
 * `npm run wifi`: several hosts on one Wi-Fi, made of network namespaces on this machine, with real nodes on them. Plays the
 * scenarios and prints what it saw as a table. Must be root; leaves no namespace behind, however it ends.
 * What is played and how to repeat its figures: docs/reliability.md.
 */
import "../../src/promise-with-resolvers.ts";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseOptions, usage } from "./options.ts";
import { readOptions } from "../read-options.ts";
import { playAll } from "./play.ts";
import { Stage } from "./stage.ts";
import { StallWatch } from "./stalls.ts";
import { countRows, formatCounts, formatTable } from "./table.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));

/** Says what is missing here, and what to do about it. */
function requireMachine(): void {
  const missing =
    process.platform !== "linux"
      ? "Network namespaces exist on Linux only."
      : process.getuid?.() !== 0
        ? "Network namespaces need root: run `sudo npm run wifi`."
        : !works("ip", "-V")
          ? "`ip` is missing: install iproute2."
          : !works("tcpdump", "--version")
            ? "`tcpdump` is missing: install tcpdump."
            : !existsSync(CLI)
              ? "The command is not built: run `npm run build`."
              : undefined;
  if (missing === undefined) return;
  console.error(missing);
  // Nothing can be tried here; the sentence above says what is missing, and the exit code that it failed.
  process.exit(EXIT_FAILED);
}

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function describeMachine(): Readonly<Record<string, string | number>> {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    commit: works("git", "rev-parse", "HEAD")
      ? execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()
      : "unknown",
  };
}

const options = readOptions(parseOptions, usage);
requireMachine();
const stage = new Stage(options);
// The janitor sees the end of this process and cleans up after it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  // Interrupted by whoever runs it: no table, and an exit code of its own.
  process.on(signal, () => process.exit(EXIT_INTERRUPTED));
const stalls = new StallWatch();
const rows = await playAll(stage);
await stage.close();

const counts = countRows(rows);
const machine = describeMachine();
if (options.json)
  console.log(JSON.stringify({ rows, machine, stalls: stalls.describe() ?? null, ...counts }));
else {
  console.log(`\n${formatTable(rows)}\n`);
  console.log(
    `${machine["cores"]} × ${machine["cpu"]}, ${machine["memoryGiB"]} GiB, Linux ${machine["kernel"]}, Node ${machine["node"]}, commit ${machine["commit"]}, ${options.size}`,
  );
  const stalled = stalls.describe();
  if (stalled !== undefined) console.log(stalled);
  console.log(formatCounts(counts));
}
process.exit(counts.failed === 0 ? 0 : EXIT_FAILED);
