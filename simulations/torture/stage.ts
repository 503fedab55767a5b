/** What all names share: a directory of this run, progress, and how a name's trials are written into the table. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Report } from "../wifi/table.ts";
import { smsBackup } from "./backup.ts";
import type { Name, Options } from "./options.ts";

export interface Torture {
  readonly name: Name;
  /** Trials that each commit gets. */
  readonly rounds: number;
  readonly play: (stage: Stage, report: Report, rounds: number) => Promise<Tried>;
}

/** How often something was tried, and how often something was wrong. */
export interface Tried {
  readonly rounds: number;
  readonly failed: number;
}

const BACKUP_MESSAGES = 150;
const FAILURES_SHOWN = 5;

export class Stage {
  readonly options: Options;
  readonly scratch: string;
  readonly backup: { readonly path: string; readonly messages: number };
  isInterrupted = false;
  readonly #startedAt = performance.now();

  constructor(options: Options) {
    this.options = options;
    this.scratch = mkdtempSync(join(tmpdir(), "kinlog-torture-"));
    this.backup = { path: join(this.scratch, "backup.xml"), messages: BACKUP_MESSAGES };
    writeFileSync(this.backup.path, smsBackup(BACKUP_MESSAGES));
  }

  progress(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
    process.stderr.write(`${seconds.padStart(7)} s  ${text}\n`);
  }

  /** An empty directory of this run. */
  directory(name: string): string {
    const dir = join(this.scratch, name);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    return dir;
  }

  /** Done with; stays where `--keep` says so and it failed. */
  leave(dir: string, hasFailed: boolean): void {
    const { keep } = this.options;
    if (hasFailed && keep !== undefined) {
      mkdirSync(keep, { recursive: true });
      renameSync(dir, join(keep, `${basename(dir)}-${Date.now()}`));
    } else rmSync(dir, { recursive: true, force: true });
  }

  close(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Counts trials, tells of failures and of how far it is. */
export class Tally {
  rounds = 0;
  failed = 0;
  readonly #stage: Stage;
  readonly #name: string;
  readonly #total: number;
  readonly #failures: string[] = [];
  #toldAtMs = 0;

  constructor(stage: Stage, name: string, total: number) {
    this.#stage = stage;
    this.#name = name;
    this.#total = total;
  }

  add(trial: string, problems: readonly string[]): void {
    this.rounds++;
    if (problems.length > 0) {
      this.failed++;
      this.#stage.progress(`${this.#name} ${trial}: ${problems.join("; ")}`);
      if (this.#failures.length < FAILURES_SHOWN) this.#failures.push(`${trial}: ${problems[0]}`);
    }
    if (performance.now() - this.#toldAtMs < 5_000) return;
    this.#toldAtMs = performance.now();
    this.#stage.progress(`${this.#name}: ${this.rounds} of ${this.#total}, ${this.failed} failed`);
  }

  /** One row: all of these trials passed, or which did not. */
  report(report: Report, what: string, more = ""): void {
    if (this.rounds === 0 && this.#stage.isInterrupted) {
      report.skip(what, "interrupted");
      return;
    }
    const seen = this.failed === 0 ? `${this.rounds} of ${this.rounds}` : this.#failures.join(" | ");
    const isOk = this.failed === 0 && this.rounds > 0;
    report.check(what, "all hold", `${seen}${more === "" ? "" : `; ${more}`}`, isOk);
  }
}

/** Runs jobs, some side by side, until there are none or the person has had enough. */
export async function sideBySide(
  stage: Stage,
  count: number,
  atOnce: number,
  job: (at: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (number: number): Promise<void> => {
    while (next < count && !stage.isInterrupted) await job(next++, number);
  };
  await Promise.all(Array.from({ length: atOnce }, (_, number) => lane(number)));
}
