/** What was typed, taken apart; and what is refused as wrong usage. */
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { Arguments } from "../../../cli/arguments.ts";
import { COMMANDS } from "../../../cli/command-table.ts";
import { commandHelp, overview } from "../../../cli/help.ts";
import { nearestName } from "../../../cli/nearest-name.ts";
import { asksForJson, type Parsed, parseCommandLine } from "../../../cli/parse-command-line.ts";
import { EngineError } from "../../../src/core/base/errors.ts";
import { assertCode } from "../../support/assert-code.ts";

const parse = (...given: string[]): Parsed => parseCommandLine(given, COMMANDS, nearestName);

function remedyOf(...given: string[]): string {
  try {
    parse(...given);
  } catch (error) {
    ok(error instanceof EngineError);
    equal(error.code, "USAGE");
    return `${error.message} ${error.remedy ?? ""}`;
  }
  return "no error";
}

describe("The command line", () => {
  it("takes global options before and after the command", () => {
    for (const given of [
      ["--json", "--dir", "/d", "show", "Ana"],
      ["show", "Ana", "--json", "--dir=/d"],
      ["--dir", "/d", "show", "--json", "Ana"],
    ]) {
      const { command, args } = parse(...given);
      equal(command?.name, "show");
      deepEqual([args.flag("json"), args.text("dir"), args.operands], [true, "/d", ["Ana"]]);
    }
  });

  it("knows commands of two words, also with an option between them", () => {
    equal(parse("devices").command?.name, "devices");
    const renamed = parse("devices", "--json", "rename", "laptop", "work laptop");
    equal(renamed.command?.name, "devices rename");
    deepEqual(renamed.args.operands, ["laptop", "work laptop"]);
    equal(parse("recovery", "show").command?.name, "recovery show");
  });

  it("ends options at `--`", () => {
    const { args } = parse("send", "Ana", "--from", "Ana", "--", "--json");
    deepEqual([args.operands, args.text("from"), args.flag("json")], [["Ana", "--json"], "Ana", false]);
    deepEqual(parse("send", "--", "-5", "-").args.operands, ["-5", "-"]);
    equal(parse("--", "status").command?.name, "status");
    equal(asksForJson(["send", "Ana", "--", "--json"]), false);
    equal(asksForJson(["send", "--json", "--", "x"]), true);
  });

  it("takes `-` as an operand and an empty text as a text", () => {
    deepEqual(parse("send", "Ana", "-").args.operands, ["Ana", "-"]);
    deepEqual(parse("send", "Ana", "").args.operands, ["Ana", ""]);
  });

  it("collects an option that may be given several times, and takes the last of others", () => {
    deepEqual(parse("start", "--listen", "/a", "--listen=/b").args.texts("listen"), ["/a", "/b"]);
    equal(parse("show", "Ana", "--limit", "5", "--limit", "6").args.text("limit"), "6");
  });

  it("suggests the nearest command or option", () => {
    match(remedyOf("stauts"), /kinlog status/);
    match(remedyOf("conv"), /kinlog conversations/);
    match(remedyOf("show", "Ana", "--limt", "5"), /--limit/);
    match(remedyOf("recovery"), /kinlog recovery show/);
    match(remedyOf("xyzzy"), /--help/);
  });

  it("refuses what it does not know, and what only later versions will", () => {
    const unknown = [
      ["evict", "--attachments"],
      ["cloud", "status"],
      ["recovery", "new"],
      ["devices", "revoke", "laptop"],
      ["send", "Ana", "x", "--via", "sms"],
      ["send", "Ana", "x", "--attach", "file"],
      ["conversations", "--pinned"],
      ["show", "Ana", "-n", "5"],
      ["help"],
    ];
    for (const given of unknown) assertCode(() => parse(...given), "USAGE");
  });

  it("refuses operands too many or too few, and values where none or one is due", () => {
    const wrong = [
      ["show"],
      ["show", "Ana", "Bob"],
      ["send", "Ana"],
      ["join"],
      ["restore"],
      ["fetch"],
      ["evict", "laptop"],
      ["retention", "30", "90"],
      ["show", "Ana", "--limit"],
      ["show", "Ana", "--limit", "--deleted"],
      ["show", "Ana", "--deleted=yes"],
      ["status", "--json=true"],
    ];
    for (const given of wrong) assertCode(() => parse(...given), "USAGE");
    match(remedyOf("send", "Ana", "x", "--from", "-5"), /--from=-5/);
    equal(parse("send", "Ana", "x", "--from=-5").args.text("from"), "-5");
  });

  it("gives help for a command that lacks its operands", () => {
    equal(parse("show", "--help").args.flag("help"), true);
    equal(parse("-h").args.flag("help"), true);
    equal(parse("show", "-h").command?.name, "show");
    equal(parse().command, null);
  });

  it("U3: takes names of Object.prototype for unknown ones", () => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      assertCode(() => parse(name), "USAGE");
      assertCode(() => parse("show", "Ana", `--${name}`), "USAGE");
      assertCode(() => parse("show", "Ana", `--${name}=x`), "USAGE");
    }
  });

  it("reads numbers and seconds strictly", () => {
    const given = (text: string): Arguments => new Arguments([], new Map([["n", text]]));
    const limits = { min: 1, max: 1_000 };
    equal(given("5").whole("n", limits), 5);
    equal(given("1000").whole("n", limits), 1_000);
    for (const text of ["0", "1001", "-1", "1.5", "1e2", "0x10", "", " 5", "five", "9".repeat(400)]) {
      assertCode(() => given(text).whole("n", limits), "USAGE");
    }
    equal(given("2.5").seconds("n", limits), 2_500);
    equal(given("60").seconds("n", limits), 60_000);
    for (const text of ["0", "1e3", "-5", "5s", "1.2345"])
      assertCode(() => given(text).seconds("n", limits), "USAGE");
    throws(() => given("x").required("missing"), EngineError);
  });
});

describe("The help", () => {
  it("lists every command, and shows each with its options and examples", () => {
    const page = overview(COMMANDS).join("\n");
    for (const [name, spec] of COMMANDS) {
      ok(page.includes(`  ${name} `), name);
      const help = commandHelp(spec).join("\n");
      for (const option of Object.keys(spec.options)) ok(help.includes(`--${option}`), `${name} --${option}`);
      ok(spec.examples.length > 0, name);
      for (const line of help.split("\n")) ok(line.length <= 120, line);
    }
  });

  it("shows examples that would be understood", () => {
    for (const spec of COMMANDS.values()) {
      for (const example of spec.examples) {
        const [, typed = ""] = /kinlog ([^|>)]*)/.exec(example) ?? [];
        const words = [...typed.trim().matchAll(/'([^']*)'|(\S+)/g)].map(
          ([, quoted, bare]) => quoted ?? bare ?? "",
        );
        ok(parse(...words).command !== null, example);
      }
    }
  });
});

describe("The nearest name", () => {
  it("is one that was probably meant, or none", () => {
    equal(nearestName("snyc", ["sync", "send"]), "sync");
    equal(nearestName("Status", ["status", "start"]), "status");
    equal(nearestName("--quite", ["--quiet", "--json"]), "--quiet");
    equal(nearestName("completely-different", ["sync"]), undefined);
    equal(nearestName("x".repeat(100_000), ["sync"]), undefined);
  });
});
