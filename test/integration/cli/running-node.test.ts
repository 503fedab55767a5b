/** Commands through a running node, and two processes on one directory. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, lstatSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Message, Status } from "../../../src/app/node/types.ts";
import { Commands, type Json, type Running } from "../../support/kinlog-command.ts";
import { skipUnless } from "../../support/skip-unless.ts";

describe("The command with a running node", function () {
  this.timeout(120_000);
  const kinlog = new Commands();
  let dir = "";
  beforeEach(() => {
    dir = kinlog.directory();
  });
  afterEach(() => kinlog.end());

  it("start on an empty directory makes an account, says ready, and keeps the phrase for recovery show", async () => {
    const node = await kinlog.start(dir, "--name", "laptop");
    const [created, ready] = node.lines;
    deepEqual(Object.keys(created!).toSorted(), ["account", "at", "device", "event", "name"]);
    deepEqual(Object.keys(ready!).toSorted(), ["addresses", "api", "at", "device", "event", "name"]);
    equal(created!["name"], "laptop");
    equal((ready!["api"] as Json)["socket"], join(dir, "kinlog.sock"));
    ok(node.text.every((line) => !line.includes("recoveryPhrase")));
    equal((await kinlog.json<Status>("status", "--dir", dir)).recovery, "unseen");
    const shown = await kinlog.json<Json>("recovery", "show", "--dir", dir);
    equal(String(shown["recoveryPhrase"]).split(" ").length, 24);
    equal((await kinlog.run(["recovery", "show", "--dir", dir])).code, 1);
    equal((await kinlog.json<Status>("status", "--dir", dir)).recovery, "seen");
    deepEqual(await kinlog.json("stop", "--dir", dir), { stopped: true });
    const { code, last } = await node.end();
    deepEqual([code, last["event"]], [0, "stopped"]);
  });

  it("ends cleanly at SIGTERM and SIGINT, and what was acknowledged is there at the next start", async () => {
    for (const [at, signal] of (["SIGTERM", "SIGINT"] as const).entries()) {
      const node = await kinlog.start(dir);
      await kinlog.json("send", "Ana", `message ${at}`, "--dir", dir);
      const { code, last } = await node.end(signal);
      deepEqual([code, last["event"]], [0, "stopped"]);
      equal(existsSync(join(dir, "kinlog.sock")), false);
    }
    equal((await kinlog.json<readonly Message[]>("show", "Ana", "--dir", dir)).length, 2);
  });

  it("S15: a second node for a directory is NODE_RUNNING, and the first goes on", async () => {
    await kinlog.start(dir);
    const second = await kinlog.run(["start", "--dir", dir, "--json"]);
    deepEqual([second.code, errorOf(second.last)], [1, "NODE_RUNNING"]);
    match(second.stderr, /kinlog stop/);
    equal((await kinlog.json<Status>("status", "--dir", dir)).messages, 0);
  });

  it("S15: eight commands at once on a directory without a node all get their turn, and nothing is lost", async () => {
    await kinlog.json("init", "--name", "laptop", "--dir", dir);
    const sent = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        kinlog.run(["send", "Ana", `message ${at}`, "--dir", dir, "--json"]),
      ),
    );
    const [waited, busy] = [sent.filter(({ code }) => code === 0), sent.filter(({ code }) => code !== 0)];
    for (const { last } of busy) equal(errorOf(last), "STORE_BUSY");
    ok(waited.length > 0);
    const shown = await kinlog.json<readonly Message[]>("show", "Ana", "--dir", dir);
    deepEqual(shown.map(({ id }) => id).toSorted(), waited.map(({ last }) => String(last["id"])).toSorted());
  });

  it("S15: waits ten seconds for a command that holds the store, then says STORE_BUSY; goes on when that one ends", async () => {
    await kinlog.json("init", "--name", "laptop", "--dir", dir);
    const holder = kinlog.begin(["rpc", "--dir", dir]);
    holder.write('{"id":1,"method":"status"}\n');
    await holder.line(({ id }) => id === 1);
    const began = performance.now();
    const busy = await kinlog.run(["status", "--dir", dir, "--json"]);
    deepEqual([busy.code, errorOf(busy.last)], [1, "STORE_BUSY"]);
    ok(performance.now() - began > 9_000);
    const waits = kinlog.run(["status", "--dir", dir, "--json"]);
    setTimeout(() => holder.child.stdin?.end(), 500);
    equal((await waits).code, 0);
  });

  it("S15: starts where a node was killed: its socket and its lock are stale", async () => {
    const killed = await kinlog.start(dir);
    await kinlog.json("send", "Ana", "hello", "--dir", dir);
    await killed.end("SIGKILL");
    ok(existsSync(join(dir, "kinlog.sock")));
    equal((await kinlog.json<readonly Message[]>("show", "Ana", "--dir", dir)).length, 1);
    await kinlog.start(dir);
    equal((await kinlog.json<Status>("status", "--dir", dir)).messages, 1);
  });

  it("U15, K6: opens its socket to its owner only, whatever the umask", async function () {
    skipUnless(this, process.platform !== "win32", "needs signals and Unix sockets");
    const former = process.umask(0);
    try {
      await kinlog.start(dir);
    } finally {
      process.umask(former);
    }
    const socket = lstatSync(join(dir, "kinlog.sock"));
    deepEqual([socket.isSocket(), socket.mode & 0o777], [true, 0o600]);
    equal(lstatSync(dir).mode & 0o777, 0o700);
  });

  it("U15: another user cannot connect, even where the directory lets others in", async function () {
    skipUnless(this, process.getuid?.() === 0, "needs root");
    await kinlog.start(dir);
    for (const folder of [dir, dirname(dir)]) chmodSync(folder, 0o755);
    const script = `require("net").connect(${JSON.stringify(join(dir, "kinlog.sock"))}).on("error", (e) => { console.log(e.code); process.exit(); }).on("connect", () => { console.log("connected"); process.exit(); })`;
    const other = spawn(process.execPath, ["-e", script], {
      uid: 65_534,
      gid: 65_534,
      cwd: "/",
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    for await (const part of other.stdout) said += String(part);
    equal(said.trim(), "EACCES");
  });

  it("U15: a client speaks to no socket of another user", async function () {
    skipUnless(this, process.getuid?.() === 0 && process.platform !== "win32", "needs root");
    await kinlog.json("init", "--name", "laptop", "--dir", dir);
    const server = createServer((socket) =>
      socket.on("error", () => undefined).end('{"id":1,"result":{"stolen":true}}\n'),
    );
    await new Promise<void>((resolve) => server.listen(join(dir, "kinlog.sock"), resolve));
    const { chownSync } = await import("node:fs");
    chownSync(join(dir, "kinlog.sock"), 65_534, 65_534);
    // Root may use what belongs to others; a user may not.
    const { connectSocket } = await import("../../../src/app/api/socket-client.ts");
    const asRoot = await connectSocket(dir);
    asRoot?.on("error", () => undefined).destroy();
    const getuid = process.getuid;
    process.getuid = () => 1_000;
    try {
      equal(await connectSocket(dir), undefined);
    } finally {
      process.getuid = getuid;
      server.close();
    }
  });

  it("watch prints local changes as they come, one JSON object a line, until interrupted", async () => {
    await kinlog.start(dir);
    await kinlog.json("send", "Bea", "first", "--dir", dir);
    const [all, one] = [
      kinlog.begin(["watch", "--dir", dir, "--json"]),
      kinlog.begin(["watch", "Bea", "--dir", dir, "--json"]),
    ];
    await settled(all, one, dir, kinlog);
    await kinlog.json("send", "Ana", "hello", "--dir", dir);
    await kinlog.json("send", "Bea", "second", "--dir", dir);
    const isText = (text: string) => (line: Json) => (line["message"] as Message | undefined)?.text === text;
    const seen = await all.line(isText("hello"));
    deepEqual(
      [seen["event"], seen["origin"], seen["catchUp"], typeof seen["at"]],
      ["message", "local", false, "string"],
    );
    await one.line(isText("second"));
    ok(!one.lines.some(isText("hello")));
    deepEqual([(await all.end("SIGINT")).code, (await one.end("SIGTERM")).code], [0, 0]);
    const unknown = await kinlog.run(["watch", "Nobody", "--dir", dir, "--json"]);
    deepEqual([unknown.code, errorOf(unknown.last)], [1, "NOT_FOUND"]);
  });

  it("watch ends when the node ends", async () => {
    await kinlog.start(dir);
    const watch = kinlog.begin(["watch", "--dir", dir, "--json"]);
    await settled(watch, watch, dir, kinlog);
    await kinlog.json("stop", "--dir", dir);
    equal((await watch.end()).code, 0);
  });

  it("rpc answers side by side over stdin and stdout, with a node and without", async () => {
    await kinlog.json("init", "--name", "laptop", "--dir", dir);
    const requests = [
      { id: 1, method: "messages.send", params: { conversation: "Ana", text: "hello" } },
      { id: 2, method: "nothing" },
      { id: "three", method: "devices.list", params: {} },
    ];
    const input = `${requests.map((request) => JSON.stringify(request)).join("\n")}\nno json\n`;
    for (const withNode of [false, true]) {
      if (withNode) await kinlog.start(dir);
      const ran = await kinlog.run(["rpc", "--dir", dir], { input });
      equal(ran.code, 0);
      const answers = new Map(
        ran.stdout
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as Json)
          .map((line) => [line["id"], line]),
      );
      equal(answers.size, 4);
      equal((answers.get(1)!["result"] as Json)["conversation"], "Ana");
      equal(errorOf(answers.get(2)!), "REQUEST_INVALID");
      equal((answers.get("three")!["result"] as readonly Json[])[0]!["name"], "laptop");
      equal(errorOf(answers.get(null)!), "REQUEST_INVALID");
    }
  });

  it("rpc keeps a connection for as long as its stdin is open", async () => {
    await kinlog.start(dir);
    const rpc = kinlog.begin(["rpc", "--dir", dir]);
    rpc.write('{"id":1,"method":"events","params":{"kinds":["message"]}}\n');
    rpc.write('{"id":2,"method":"messages.send","params":{"conversation":"Ana","text":"hello"}}\n');
    const event = await rpc.line((line) => "event" in line);
    equal(((event["event"] as Json)["message"] as Message).text, "hello");
    rpc.write('{"id":1,"cancel":true}\n');
    const ended = await rpc.line((line) => line["id"] === 1 && "error" in line);
    equal(errorOf(ended), "ABORTED");
    rpc.child.stdin?.end();
    equal((await rpc.end()).code, 0);
  });

  it("imports by the running node, with progress lines and the result last", async () => {
    await kinlog.start(dir);
    const path = join(dirname(dir), "sms.xml");
    const rows = Array.from(
      { length: 2_000 },
      (_, at) =>
        `<sms address="+49151" date="${1_700_000_000_000 + at}" type="1" body="text ${at}" read="1" date_sent="0" />`,
    );
    writeFileSync(path, `<?xml version='1.0' encoding='UTF-8'?><smses count="2000">${rows.join("")}</smses>`);
    const ran = await kinlog.run(["import", path, "--dir", dir, "--json"]);
    equal(ran.code, 0);
    equal(ran.last["imported"], 2_000);
    const lines = ran.stdout.trimEnd().split("\n").slice(0, -1);
    for (const line of lines) equal((JSON.parse(line) as Json)["event"], "progress");
    // More than fits a line of the API: it comes in parts.
    const shown = await kinlog.json<readonly Message[]>("show", "+49151", "--limit", "5000", "--dir", dir);
    deepEqual([shown.length, shown[0]!.text, shown.at(-1)!.text], [2_000, "text 0", "text 1999"]);
  });

  it("a pipe that closes early ends a command quietly", async function () {
    skipUnless(this, process.platform !== "win32", "needs signals and Unix sockets");
    await kinlog.start(dir);
    for (let at = 0; at < 3; at++) await kinlog.json("send", "Ana", "x".repeat(60_000), "--dir", dir);
    const child = spawn(
      "sh",
      ["-c", `"${process.execPath}" dist/cli/main.js show Ana --json --dir "${dir}" | head -c 10; exit 0`],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    for await (const part of child.stderr) said += String(part);
    equal(said, "");
  });
});

/** Both watch by now: a message of the meantime reaches them. */
async function settled(a: Running, b: Running, dir: string, kinlog: Commands): Promise<void> {
  let isSeen = false;
  const seen = Promise.all([a.event("message"), b.event("message")]).then(() => {
    isSeen = true;
  });
  for (let at = 0; !isSeen; at++) {
    await kinlog.json("send", "Bea", `is anybody there ${at}`, "--dir", dir);
    await Promise.race([seen, new Promise((resolve) => setTimeout(resolve, 300))]);
  }
}

function errorOf(last: Json): unknown {
  return (last["error"] as Json | undefined)?.["code"];
}
