/**
 * Which parts of this project's code have run in this thread, by V8's own counters: no tool rewrites the code that is tried.
 * Must be started before the code is loaded, since V8 counts within functions that it compiles from then on.
 */
import { type Profiler, Session } from "node:inspector";

/** The compiled code under test, and the libraries that read what strangers send; everything else is not counted. */
const CODE = /\/dist\/src\/.*\.js$|\/node_modules\/(?:dns-packet|multicast-dns|saxes)\//;

export class Coverage {
  readonly #session = new Session();
  /** Of each function which of its characters have run; 1 where they have. */
  readonly #seen = new Map<string, Uint8Array>();
  #size = 0;

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Characters of code that have run since `reset`. */
  get size(): number {
    return this.#size;
  }

  /** Nothing has ever run. */
  reset(): void {
    this.#seen.clear();
    this.#size = 0;
    this.#read();
  }

  /** What has run since the last call is no news. */
  forget(): void {
    this.#read();
  }

  /** True where something has run since the last call that never ran before. It counts as seen where `keep` says so. */
  hasNews({ keep }: { readonly keep: boolean }): boolean {
    let hasNews = false;
    for (const { url, functions } of this.#read()) {
      if (!CODE.test(url)) continue;
      for (const { ranges } of functions) {
        const fresh = this.#addRun(url, ranges, keep);
        hasNews ||= fresh > 0;
        if (keep) this.#size += fresh;
      }
    }
    return hasNews;
  }

  /**
   * Ranges are nested, outer ones first, and V8 leaves out those that ran as often as what is around them: so ranges cannot
   * be compared with each other, only what they say of each character.
   */
  #addRun(url: string, ranges: readonly Profiler.CoverageRange[], keep: boolean): number {
    const [whole] = ranges;
    if (whole === undefined) return 0;
    const { startOffset: start, endOffset: end } = whole;
    const ran = new Uint8Array(end - start);
    for (const { startOffset, endOffset, count } of ranges)
      ran.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
    const name = `${url} ${start} ${end}`;
    let seen = this.#seen.get(name);
    if (seen === undefined) {
      seen = new Uint8Array(end - start);
      this.#seen.set(name, seen);
    }
    let fresh = 0;
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] === 0 || seen[at] === 1) continue;
      fresh++;
      if (keep) seen[at] = 1;
    }
    return fresh;
  }

  #read(): readonly Profiler.ScriptCoverage[] {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    // Answered before `post` returns, since both ends are this thread.
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error !== null) throw error;
      scripts = taken.result;
    });
    return scripts;
  }
}
