/** Single flipped bits anywhere in the files of a store. KINLOG_FLIPS runs more of them, KINLOG_FLIP_FROM others. */
import { deepEqual, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import { copyStore } from "../../support/copy-store.ts";
import { type FlipOutcome, flipProgram } from "../../support/flip-program.ts";
import { GrowingLog } from "../../support/growing-log.ts";

const FLIPS = Number(process.env["KINLOG_FLIPS"] ?? 100);
const FIRST = Number(process.env["KINLOG_FLIP_FROM"] ?? 1);
const FLIP_MS = 3000;
const ENTRIES = 600;

describe("a store with one flipped bit", () => {
  let directory: string;
  let base: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinlog-flips-"));
    base = join(directory, "base");
    await makeBase();
  });

  after(() => rm(directory, { recursive: true }));

  it(`S9: is never read wrong, and names what is missing, for ${FLIPS} bits (KINLOG_FLIPS)`, function () {
    this.timeout(FLIPS * FLIP_MS);
    const { outcomes, aborted } = run();
    const wrong = outcomes.filter((outcome) => outcome.wrong.length > 0 || outcome.unnamed > 0);
    deepEqual(wrong, []);
    // Rows are a view: what is lost of them is made again from the logs, so a loss must show in some way.
    deepEqual(
      outcomes.filter(({ lostRows, isReported }) => lostRows > 0 && !isReported),
      [],
    );
    ok(outcomes.length + aborted === FLIPS);
    ok(outcomes.some(({ opened }) => opened));
  });

  /** Tables on two levels, and commits that are in the write-ahead log only. */
  async function makeBase(): Promise<void> {
    const path = join(directory, "making");
    const log = new GrowingLog(undefined);
    for (const share of [0.4, 0.3, 0.3]) {
      const store = await openLevelStore({ path });
      const to = log.length + ENTRIES * share;
      while (log.length < to) await store.commit(log.append(Math.min(20, to - log.length)));
      if (log.length === ENTRIES) await copyStore(path, base);
      await store.close();
    }
    // Written without waiting, so the copy may have it from one batch before.
    await copyFile(join(path, "last-batch"), join(base, "last-batch"));
  }

  function run(): { readonly outcomes: readonly FlipOutcome[]; readonly aborted: number } {
    const outcomes: FlipOutcome[] = [];
    let aborted = 0;
    for (let next = FIRST; next < FIRST + FLIPS;) {
      const args = [flipProgram, base, String(ENTRIES), String(next), String(FIRST + FLIPS)];
      const { stdout, status, signal, stderr } = spawnSync(process.execPath, args, { maxBuffer: 2 ** 28 });
      const lines = stdout.toString().split("\n").slice(0, -1);
      outcomes.push(...lines.map((line) => JSON.parse(line) as FlipOutcome));
      next += lines.length;
      if (status === 0) continue;
      // LevelDB may abort on a table that it cannot make sense of; a JavaScript error would exit with 1.
      ok(signal !== null || status === 134, `trial ${next}: ${stderr.toString()}`);
      aborted++;
      next++;
    }
    return { outcomes, aborted };
  }
});
