/** From process start to the newest 50 of a conversation, with history stored, beside the same with an empty store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpus } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

export async function benchOpen({ n, runs, nodeOptions }: BenchOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
  const empty: number[] = [];
  const full: number[] = [];
  try {
    const file = corpus(dir, n);
    const maker = new DeviceProcess(join(dir, "full"), "full");
    await maker.ask("open");
    await maker.ask("import", file.path);
    const { result: list } = await maker.ask<readonly { readonly conversation: string }[]>("list");
    await maker.end();
    const beginner = new DeviceProcess(join(dir, "empty"), "empty");
    await beginner.ask("open");
    await beginner.end();
    for (let run = 0; run < runs; run++) {
      empty.push(await timed(join(dir, "empty"), null, nodeOptions));
      full.push(await timed(join(dir, "full"), list[run % list.length]!.conversation, nodeOptions));
    }
    return [
      { what: "start to ready, empty store", unit: "ms", values: empty },
      {
        what: `start to 50 messages shown, ${file.messages.toLocaleString("en-GB")} stored`,
        unit: "ms",
        values: full,
      },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function timed(
  dir: string,
  conversation: string | null,
  nodeOptions: readonly string[],
): Promise<number> {
  const began = performance.now();
  const device = new DeviceProcess(dir, "timed", nodeOptions);
  await device.ask("open");
  if (conversation !== null) await device.ask("show", conversation);
  const ms = performance.now() - began;
  await device.end();
  return ms;
}
