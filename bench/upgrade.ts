/**
 * A start whose program has a newer view than the one that is stored: with the old one serving while the new one is built, and with all waiting
 * for it. Beside the build, what sending takes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../src/index.ts";
import { addressOf, corpus } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const MESSAGES = 200_000;
const CONVERSATIONS = 2_000;
/** People do not send faster. */
const SEND_EVERY_MS = 100;

export async function benchUpgrade({
  n = MESSAGES,
  runs,
  nodeOptions,
}: BenchOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
  const [beside, sends, built, atOnce, quiet, sizes]: number[][] = [[], [], [], [], [], []];
  const start = (): DeviceProcess => new DeviceProcess(join(dir, "device"), "device", nodeOptions);
  const timed = async (device: DeviceProcess): Promise<number> => {
    const { ms } = await device.ask("open");
    return ms + (await device.ask("show", addressOf(7, CONVERSATIONS))).ms;
  };
  try {
    const maker = start();
    await maker.ask("open");
    await maker.ask("import", corpus(dir, n, { conversations: CONVERSATIONS }).path);
    await maker.end();
    for (let run = 0; run < runs; run++) {
      const same = start();
      await same.ask("raise", `${2 * run} ${2 * run}`);
      quiet!.push(await timed(same));
      await same.end();
      const first = start();
      await first.ask("raise", `${2 * run + 1} ${2 * run}`);
      beside!.push(await timed(first));
      const began = performance.now();
      for (let at = 0; ; at++) {
        sends!.push((await first.ask("send", addressOf(at, CONVERSATIONS))).ms);
        const { view } = (await first.ask<Status>("status")).result;
        if (view.done === view.total) break;
        await new Promise((resolve) => setTimeout(resolve, SEND_EVERY_MS));
      }
      built!.push(performance.now() - began);
      sizes!.push((await first.ask<number>("memory")).result);
      await first.end();
      const second = start();
      await second.ask("raise", `${2 * run + 2} ${2 * run + 2}`);
      atOnce!.push(await timed(second));
      await second.end();
    }
    const stored = `${n.toLocaleString("en-GB")} messages`;
    return [
      { what: `start to 50 messages shown, view of this version; ${stored}`, unit: "ms", values: quiet! },
      { what: "the same, an older view serves", unit: "ms", values: beside! },
      { what: "the same, the view is built first", unit: "ms", values: atOnce! },
      { what: "a message sent while the view is built", unit: "ms", values: sends! },
      { what: "the view built in the background", unit: "ms", values: built! },
      { what: "resident, highest, view built beside", unit: "MiB", values: sizes! },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
