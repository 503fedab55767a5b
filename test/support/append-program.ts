/**
 * A process that appends to a store until it is killed: opens it, and says on its output what is durable. Run as
 * `node append-program.js PATH SEED`; on its input, `reopen` opens a store again that a full disk has closed.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isEngineError } from "../../src/core/base/errors.ts";
import type { Commit } from "../../src/core/sync/ports.ts";
import type { Store } from "../../src/core/sync/ports.ts";
import { openLevelStore } from "../../src/io/store/level-store.ts";
import { GrowingLog } from "./growing-log.ts";

export const appendProgram: string = fileURLToPath(import.meta.url);

/** Commits in flight: so that groups form, and a kill finds some of them half done. */
const IN_FLIGHT = 4;

if (process.argv[1] === appendProgram) await main(process.argv[2]!, Number(process.argv[3]));

async function main(path: string, seed: number): Promise<void> {
  say("opening");
  let store: Store;
  try {
    store = await openLevelStore({ path });
  } catch (error) {
    say(`refused ${isEngineError(error) ? error.code : String(error)}`);
    return;
  }
  const [known] = await store.logs();
  const log = new GrowingLog(known?.state);
  const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const waiting: { readonly commit: Commit; readonly length: number }[] = [];
  say("open");
  for (let step = seed; ; step++) {
    const commit = log.append(1 + ((step * 37) % 23));
    waiting.push({ commit, length: log.length });
    const { length } = log;
    const done = store.commit(commit).then(() => {
      waiting.shift();
      say(String(length));
    });
    try {
      if (waiting.length >= IN_FLIGHT) await done;
      else done.catch(() => undefined);
    } catch (error) {
      say(`failed ${isEngineError(error) ? error.code : String(error)}`);
      if ((await input.next()).done === true) return;
      await store.reopen();
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        await store.commit(next.commit);
        waiting.shift();
        say(String(next.length));
      }
    }
  }
}

/** Straight to the pipe: what was said before a kill has been said. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
