/** What goes to stdout and stderr, for people and for programs. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Input } from "../../../cli/input.ts";
import { Output, type OutputOptions } from "../../../cli/output/output.ts";
import { formatProgress, ProgressBar } from "../../../cli/output/progress-bar.ts";
import { formatTable } from "../../../cli/output/table.ts";
import { ago, count, localTime, plural, shortTime, span } from "../../../cli/output/times.ts";
import { cutTo, widthOf } from "../../../cli/output/width.ts";
import { EngineError } from "../../../src/core/base/errors.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";

class Sink {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 80;
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  readonly write = (text: string): boolean => {
    this.text += text;
    return true;
  };
  readonly once = (): this => this;
  readonly off = (): this => this;
}

function output(
  options: Partial<OutputOptions> = {},
  machine: { readonly isTTY?: boolean; readonly env?: Record<string, string> } = {},
): { readonly out: Output; readonly stdout: Sink; readonly stderr: Sink } {
  const [stdout, stderr] = [new Sink(machine.isTTY ?? false), new Sink(machine.isTTY ?? false)];
  const out = new Output(
    { json: false, quiet: false, verbose: false, ...options },
    { stdout, stderr, env: machine.env ?? {} },
  );
  return { out, stdout, stderr };
}

describe("Output", () => {
  it("under --json is one value a line on stdout, and nothing else there", async () => {
    const { out, stdout, stderr } = output({ json: true }, { isTTY: true });
    out.note("a hint");
    await out.event({ event: "code", code: "x\ny" }, ["for people"]);
    await out.value([], () => ["for people"]);
    await out.done({ done: 1 }, () => ["for people"]);
    equal(stdout.text, '{"event":"code","code":"x\\ny"}\n[]\n{"done":1}\n');
    equal(stderr.text, "");
  });

  it("under --quiet is what was asked for, without sentences and hints", async () => {
    const { out, stdout, stderr } = output({ quiet: true });
    out.note("a hint");
    await out.value({}, () => ["the table"]);
    await out.done({}, () => ["It was done."]);
    equal(stdout.text + stderr.text, "the table\n");
  });

  it("of an error is what happened and what to do next, and no stack", async () => {
    const { out, stdout, stderr } = output();
    equal(await out.error(new EngineError("NOT_FOUND", "there is no such conversation")), 1);
    equal(stdout.text, "");
    match(stderr.text, /^kinlog: there is no such conversation\.\n.+\.\n$/);
  });

  it("of an error under --json is the object as the last line", async () => {
    const { out, stdout, stderr } = output({ json: true });
    await out.event({ event: "progress" });
    await out.error(new EngineError("DISK_FULL", "no room"));
    const [, last] = stdout.text.trimEnd().split("\n");
    const { error } = JSON.parse(last!) as { readonly error: Record<string, string> };
    deepEqual(Object.keys(error), ["code", "message", "remedy"]);
    equal(error["code"], "DISK_FULL");
    match(stderr.text, /no room/);
  });

  it("under --verbose shows where an error came from, with its causes", async () => {
    const { out, stderr } = output({ verbose: true });
    await out.error(new EngineError("DISK_FULL", "no room", { cause: new Error("ENOSPC") }));
    match(stderr.text, /at .*output\.test/);
    match(stderr.text, /caused by: Error: ENOSPC/);
  });

  it("U10: of an error obeys nothing that its message holds", async () => {
    const { out, stderr } = output();
    await out.error(new EngineError("AMBIGUOUS", "two: \u001b[2J\u202e"));
    ok(!stderr.text.includes("\u001b[2J") && !stderr.text.includes("\u202e"));
  });

  it("gives the contract's exit codes", async () => {
    const codes = await Promise.all(
      [new EngineError("USAGE", "x"), new EngineError("CONFIRMATION_REQUIRED", "x"), new Error("x")].map(
        (error) => output().out.error(error),
      ),
    );
    deepEqual(codes, [2, 3, 1]);
  });

  it("tells progress at most four times a second", async () => {
    const { out, stdout } = output({ json: true });
    for (let done = 0; done < 1_000; done++) await out.progress({ what: "sync", done, total: 1_000 });
    const lines = stdout.text.trimEnd().split("\n");
    ok(lines.length <= 4, `${lines.length} lines`);
    const [first] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    deepEqual(
      [first!["event"], first!["what"], first!["done"], first!["total"]],
      ["progress", "sync", 0, 1_000],
    );
  });

  it("has colours on a terminal only, and none where they are not wanted", () => {
    const red = (machine: Parameters<typeof output>[1], options = {}): string =>
      output(options, machine).out.style.red("x");
    equal(red({ isTTY: true }), "\u001b[31mx\u001b[39m");
    for (const text of [
      red({ isTTY: false }),
      red({ isTTY: true, env: { NO_COLOR: "1" } }),
      red({ isTTY: true, env: { TERM: "dumb" } }),
      red({ isTTY: true }, { json: true }),
    ]) {
      equal(text, "x");
    }
    equal(red({ isTTY: true, env: { NO_COLOR: "" } }), "\u001b[31mx\u001b[39m");
  });

  it("drops what nobody reads any more", async () => {
    const { out, stdout } = output();
    out.breakOff();
    await out.lines(["x"]);
    equal(stdout.text, "");
  });
});

describe("A progress bar", () => {
  it("says what, how far, how fast and how long still", () => {
    const line = formatProgress({ what: "sync", done: 30_000, total: 120_000 }, { seconds: 3, since: 0 });
    equal(line, "sync ██████░░░░░░░░░░░░░░░░░░ 25 %  30,000 of 120,000  10,000/s  0:09 left");
    equal(
      formatProgress({ what: "import", done: 2_000_000, total: 4_000_000 }, { seconds: 2, since: 1_000_000 }),
      "import ████████████░░░░░░░░░░░░ 50 %  2.0 MB of 4.0 MB  500 kB/s  0:04 left",
    );
    equal(
      formatProgress({ what: "join: waiting", done: 0, total: null }, { seconds: 1, since: 0 }),
      "join: waiting …",
    );
  });

  it("appears after a second only, and clears its line", () => {
    let nowMs = 0;
    let text = "";
    const bar = new ProgressBar({ write: (part) => (text += part), columns: () => 60, nowMs: () => nowMs });
    bar.update({ what: "verify", done: 0, total: 10 });
    nowMs = 900;
    bar.update({ what: "verify", done: 1, total: 10 });
    equal(text, "");
    bar.clear();
    equal(text, "");
    nowMs = 1_100;
    bar.update({ what: "verify", done: 2, total: 10 });
    ok(text.startsWith("\r\u001b[2Kverify "));
    ok(widthOf(text.slice(5)) < 60);
    text = "";
    bar.clear();
    equal(text, "\r\u001b[2K");
  });
});

describe("Tables, times and widths", () => {
  it("align columns by what a terminal shows, not by characters", () => {
    deepEqual(
      formatTable(
        [
          ["你好", "x"],
          ["ab", "y"],
        ],
        { columns: 80 },
      ),
      ["你好  x", "ab    y"],
    );
    equal(widthOf("e\u0301👍"), 3);
    equal(cutTo("abcdef", 4), "abc…");
    equal(cutTo("\u2068שלום עולם\u2069", 5), "\u2068שלום\u2069…");
  });

  it("keep within the line where a cell is long", () => {
    const [line] = formatTable([["x".repeat(90), "y".repeat(200)]], { columns: 80 });
    ok(widthOf(line!) <= 80);
  });

  it("are in the zone of this machine", () => {
    const time = new Date(2026, 0, 31, 14, 2);
    equal(localTime(time.toISOString()), "2026-01-31 14:02");
    equal(shortTime(time.toISOString(), new Date(2026, 0, 31, 20)), "14:02");
    equal(shortTime(time.toISOString(), new Date(2026, 1, 1)), "2026-01-31 14:02");
  });

  it("say spans and counts as people do", () => {
    const now = new Date("2026-01-31T12:00:00Z");
    const before = (ms: number): string => ago(new Date(now.getTime() - ms).toISOString(), now);
    deepEqual(
      [before(-5_000), before(90_000), before(3_600_000), before(30 * 86_400_000)],
      ["just now", "1 minute ago", "1 hour ago", "30 days ago"],
    );
    deepEqual([span(9), span(245), count(1_234_567), count(12)], ["0:09", "4:05", "1,234,567", "12"]);
    deepEqual([plural(1, "entry"), plural(2, "entry"), plural(3, "day")], ["1 entry", "2 entries", "3 days"]);
  });
});

describe("Input", () => {
  const from = (...parts: readonly (string | Uint8Array)[]): Input =>
    new Input(async function* () {
      for (const part of parts)
        yield await Promise.resolve(typeof part === "string" ? new TextEncoder().encode(part) : part);
    }, false);
  const never = new AbortController().signal;

  it("gives the whole text without its last line end, and no other character less", async () => {
    equal(await from("hel", "lo\n").text({ bytesMax: 100 }), "hello");
    equal(await from("a\n\n").text({ bytesMax: 100 }), "a\n");
    equal(await from("\ufeffa\r\n").text({ bytesMax: 100 }), "\ufeffa");
    equal(await from().text({ bytesMax: 100 }), "");
    equal(await from(Uint8Array.of(0xc3), Uint8Array.of(0xa9)).text({ bytesMax: 100 }), "é");
  });

  it("U4: refuses what is not UTF-8, and U11: stops reading what is too long", async () => {
    await assertRejectsWithCode(from(Uint8Array.of(0x61, 0xff)).text({ bytesMax: 100 }), "TEXT_NOT_UTF8");
    const endless = new Input(async function* () {
      for (;;) yield await Promise.resolve(new Uint8Array(1_000));
    }, false);
    await assertRejectsWithCode(endless.text({ bytesMax: 65_536 }), "TEXT_TOO_LONG");
  });

  it("knows whether anybody can answer", async () => {
    equal(await from().canAnswer(), false);
    equal(await from("yes\n").canAnswer(), true);
    const quiet = new Input(async function* () {
      await new Promise(() => undefined);
      yield new Uint8Array(0);
    }, false);
    equal(await quiet.canAnswer(), true);
    equal(await new Input(() => from().bytes(), true).canAnswer(), true);
  });

  it("gives lines one by one, and null at the end", async () => {
    const input = from("no\nye", "s");
    equal(await input.ask(never), "no");
    equal(await input.ask(never), "yes");
    equal(await input.ask(never), null);
  });

  it("stops waiting when the command is interrupted", async () => {
    const quiet = new Input(async function* () {
      await new Promise(() => undefined);
      yield new Uint8Array(0);
    }, false);
    const ending = new AbortController();
    const answer = quiet.ask(ending.signal);
    ending.abort();
    await assertRejectsWithCode(answer, "ABORTED");
  });
});
