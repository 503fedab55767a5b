/**
 * Processes that are killed while they write, and disks that run full under them. KINLOG_KILL_ROUNDS runs more rounds,
 * KINLOG_KILL_SEED replays others.
 */
import { equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openLevelStore } from "../../../src/io/store/level-store.ts";
import { appendProgram } from "../../support/append-program.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { auditGrown } from "../../support/store-audit.ts";
import { skipUnless } from "../../support/skip-unless.ts";

const ROUNDS = Number(process.env["KINLOG_KILL_ROUNDS"] ?? 20);
const SEED = Number(process.env["KINLOG_KILL_SEED"] ?? 1);
/** After this many rounds a new store is begun, so that auditing it stays short. */
const ROUNDS_PER_STORE = 10;
const ROUND_MS = 20_000;

interface Appending {
  readonly process: ChildProcess;
  readonly lines: AsyncIterator<string>;
}

describe("a store whose process dies or whose disk is full", () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinlog-crash-"));
    path = join(directory, "store");
  });

  afterEach(() => rm(directory, { recursive: true }));

  it(`S1: loses nothing acknowledged in ${ROUNDS} rounds of kill -9 (KINLOG_KILL_ROUNDS)`, async function () {
    this.timeout(ROUND_MS * ROUNDS);
    let length = 0;
    for (let round = 0; round < ROUNDS; round++) {
      if (round % ROUNDS_PER_STORE === 0) {
        path = join(directory, `store-${round}`);
        length = 0;
      }
      const seed = SEED + round;
      const acknowledged = await appendAndKill(seed, (seed * 7919) % 70);
      try {
        length = await auditGrown(path, Math.max(length, acknowledged));
      } catch (cause) {
        throw new Error(`round ${round}, KINLOG_KILL_SEED=${SEED}`, { cause });
      }
    }
  });

  it("S15: belongs to one process at a time, and to the next once that was killed", async () => {
    const { process: child, lines } = start(1);
    while ((await lines.next()).value !== "open");
    await assertRejectsWithCode(openLevelStore({ path }), "STORE_BUSY");
    child.kill("SIGKILL");
    await once(child, "exit");
    const store = await openLevelStore({ path });
    await assertRejectsWithCode(openLevelStore({ path }), "STORE_BUSY");
    await store.close();
    await (await openLevelStore({ path })).close();
  });

  it("S4: says that the disk is full, and loses nothing acknowledged when there is room again", async function () {
    skipUnless(this, setLimit("--version"), "needs prlimit");
    const { process: child, lines } = start(5, 400);
    let acknowledged = 0;
    let isFull = false;
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      if (line.value.startsWith("failed")) {
        equal(line.value, "failed DISK_FULL");
        isFull = true;
        ok(setLimit(`--pid ${child.pid} --fsize=unlimited:unlimited`));
        child.stdin?.write("reopen\n");
      }
      if (/^\d/.test(line.value)) acknowledged = Number(line.value);
      if (isFull && acknowledged > 6000) break;
    }
    ok(isFull && acknowledged > 6000, "the disk was full once, and then it went on");
    child.kill("SIGKILL");
    await once(child, "exit");
    await auditGrown(path, acknowledged);
  });

  it("S5: says so when the disk is full at the start", async () => {
    const { lines } = start(5, 0);
    equal((await lines.next()).value, "opening");
    equal((await lines.next()).value, "refused DISK_FULL");
    await (await openLevelStore({ path })).close();
  });

  /** Kills after so many acknowledgements; 0: while it opens. Returns what the last one said. */
  async function appendAndKill(seed: number, killAfter: number): Promise<number> {
    const { process: child, lines } = start(seed);
    let acknowledged = 0;
    let count = 0;
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      if (/^\d/.test(line.value)) {
        acknowledged = Number(line.value);
        count++;
      }
      ok(!/^(?:failed|refused)/.test(line.value), line.value);
      // What is still in the pipe was acknowledged as well, so reading goes on to its end.
      if (count >= killAfter) child.kill("SIGKILL");
    }
    return acknowledged;
  }

  /** With a limit, no file may grow over so many KiB, as if the disk were full then. */
  function start(seed: number, fileKibMax?: number): Appending {
    const command = [process.execPath, appendProgram, path, String(seed)];
    const limited = ["bash", "-c", `ulimit -S -f ${fileKibMax}; exec "$0" "$@"`, ...command];
    const [file, ...args] = fileKibMax === undefined ? command : limited;
    const child = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] });
    return { process: child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  }
});

/** True where this system can change the limits of a process that runs. */
function setLimit(options: string): boolean {
  return spawnSync("bash", ["-c", `prlimit ${options}`]).status === 0;
}
