/** Scripts for shells: each shell understands its own, and what is offered is what there is. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { COMMANDS } from "../../../cli/command-table.ts";
import { Commands } from "../../support/kinlog-command.ts";
import { skipUnless } from "../../support/skip-unless.ts";

describe("Completion", function () {
  this.timeout(60_000);
  const kinlog = new Commands();
  afterEach(() => kinlog.end());

  const hasShell = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
  const scriptFor = async (shell: string): Promise<string> =>
    (await kinlog.run(["completion", shell])).stdout;

  for (const shell of ["bash", "zsh", "fish"]) {
    it(`for ${shell} is a script that ${shell} reads, with every command in it`, async function () {
      const script = await scriptFor(shell);
      for (const name of COMMANDS.keys()) ok(script.includes(name.split(" ").at(-1)!), name);
      skipUnless(this, hasShell(shell), `needs ${shell}`);
      const path = kinlog.directory();
      writeFileSync(path, script);
      const read = spawnSync(shell, ["-n", path], { encoding: "utf8" });
      deepEqual([read.status, read.stderr], [0, ""]);
    });
  }

  it("offers commands, then what the command takes", async function () {
    skipUnless(this, hasShell("bash"), "needs bash");
    const script = await scriptFor("bash");
    const offered = (...words: string[]): readonly string[] => {
      const typed = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _kinlog; echo "\${COMPREPLY[*]}"`;
      return spawnSync("bash", ["-c", `${script}\n${typed}`], { encoding: "utf8" })
        .stdout.trim()
        .split(" ");
    };
    deepEqual(offered("kinlog", "conv"), ["conversations"]);
    deepEqual(offered("kinlog", "--dir", "/d", "sta"), ["start", "status"]);
    deepEqual(offered("kinlog", "show", "--l"), ["--limit"]);
    deepEqual(offered("kinlog", "recovery", "s"), ["show"]);
    deepEqual(offered("kinlog", "devices", "r"), ["rename"]);
  });

  it("for another shell is wrong usage", async () => {
    const ran = await kinlog.run(["completion", "fihs"]);
    equal(ran.code, 2);
    match(ran.stderr, /fish/);
  });
});
