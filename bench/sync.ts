/**
 * Import, and cold sync of a fresh device from a sibling: two processes, Noise over loopback TCP, every message verified, durable and
 * folded before it counts. Beside them in the same run: what one raw sync of the same disk costs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpus } from "./corpus.ts";
import { DeviceProcess } from "./device-process.ts";
import type { BenchOptions, Figure } from "./figure.ts";

export async function benchSync({ n, runs, nodeOptions }: BenchOptions): Promise<readonly Figure[]> {
  const imports: number[] = [];
  const syncs: number[] = [];
  const memories: { readonly imported: number[]; readonly served: number[]; readonly synced: number[] } = {
    imported: [],
    served: [],
    synced: [],
  };
  let what = "";
  for (let run = 0; run < runs; run++) {
    const dir = mkdtempSync(join(tmpdir(), "kinlog-bench-"));
    try {
      const file = corpus(dir, n);
      what = `${file.messages.toLocaleString("en-GB")} ${file.what}`;
      const first = new DeviceProcess(join(dir, "first"), "first", nodeOptions);
      const { result: addresses } = await first.ask<readonly string[]>("open");
      const address = addresses[0]!;
      const imported = await first.ask<{ readonly imported: number }>("import", file.path);
      if (imported.result.imported !== file.messages)
        throw new Error(`imported ${imported.result.imported} of ${file.messages}`);
      imports.push((file.messages / imported.ms) * 1000);
      memories.imported.push((await first.ask<number>("memory")).result);

      const second = new DeviceProcess(join(dir, "second"), "second", nodeOptions);
      const { result: code } = await first.ask<string>("link");
      await second.ask("join", `${code} ${address}`);
      await second.ask("open");
      const began = performance.now();
      await second.ask("connect", address);
      const synced = await second.ask<{ readonly inSync: boolean }>("sync");
      const ms = performance.now() - began;
      const status = await second.ask<{ readonly messages: number }>("status");
      if (!synced.result.inSync || status.result.messages !== file.messages)
        throw new Error("the second device is not in sync");
      syncs.push((file.messages / ms) * 1000);
      memories.served.push((await first.ask<number>("memory")).result);
      memories.synced.push((await second.ask<number>("memory")).result);
      await second.end();
      await first.end();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return [
    { what: `import of ${what}`, unit: "/s", values: imports },
    { what: `first sync of ${what}`, unit: "/s", values: syncs },
    { what: "resident after the import, at its highest", unit: "MiB", values: memories.imported },
    { what: "resident of the sending device, at its highest", unit: "MiB", values: memories.served },
    { what: "resident of the receiving device, at its highest", unit: "MiB", values: memories.synced },
  ];
}
