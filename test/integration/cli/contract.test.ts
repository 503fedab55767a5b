/** The commands as processes, on one device: results, field names and exit codes as the contract has them. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Conversation, Message, Status } from "../../../src/app/node/types.ts";
import { Commands, type Json } from "../../support/kinlog-command.ts";
import { skipUnless } from "../../support/skip-unless.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("The command on one device", function () {
  this.timeout(120_000);
  const kinlog = new Commands();
  let dir = "";

  // One account and one node for all: starting a process costs more than what it does. Each test has a conversation of its own.
  before(async () => {
    dir = kinlog.directory();
    await kinlog.json("init", "--name", "laptop", "--dir", dir);
    await kinlog.start(dir);
  });
  after(() => kinlog.end());

  it("init makes an account once, and gives the phrase with its result", async () => {
    const other = kinlog.directory();
    const made = await kinlog.json<Json>("init", "--name", "desk", "--dir", other);
    deepEqual(Object.keys(made), ["account", "device", "name", "recoveryPhrase"]);
    match(String(made["account"]), /^[0-9a-f]{64}$/);
    match(String(made["device"]), /^[0-9a-f]{64}$/);
    equal(String(made["recoveryPhrase"]).split(" ").length, 24);
    const again = await kinlog.run(["init", "--name", "desk", "--dir", other, "--json"]);
    deepEqual([again.code, errorOf(again.last)], [1, "ACCOUNT_EXISTS"]);
    equal((await kinlog.run(["init", "--dir", other, "--json"])).code, 2);
    const gone = await kinlog.run(["recovery", "show", "--dir", other, "--json"]);
    deepEqual([gone.code, errorOf(gone.last)], [1, "RECOVERY_PHRASE_GONE"]);
  });

  it("K6: makes a directory and files for its owner only, whatever the umask", () => {
    equal(statSync(dir).mode & 0o777, 0o700);
    equal(statSync(join(dir, "device.key")).mode & 0o777, 0o600);
  });

  it("send writes what show gives, in the contract's words", async () => {
    const sent = await kinlog.json<Json>("send", "Cem", "hello", "--dir", dir);
    deepEqual(Object.keys(sent), ["id", "conversation", "order"]);
    match(String(sent["id"]), /^[0-9a-f]{32}$/);
    await kinlog.json(
      "send",
      "Cem",
      "hi",
      "--from",
      "Cem",
      "--reply-to",
      String(sent["id"]).slice(0, 8),
      "--dir",
      dir,
    );
    const messages = await kinlog.json<readonly Message[]>("show", "Cem", "--dir", dir);
    deepEqual(Object.keys(messages[0]!), [
      "id",
      "conversation",
      "order",
      "sender",
      "direction",
      "service",
      "text",
      "sentAt",
      "receivedAt",
      "editedAt",
      "unsentAt",
      "read",
      "deleted",
      "replyTo",
      "reactions",
      "attachments",
      "status",
      "stored",
      "needsUpdate",
    ]);
    deepEqual(
      messages.map(({ text, sender, direction, replyTo, status }) => ({
        text,
        sender,
        direction,
        replyTo,
        status,
      })),
      [
        { text: "hello", sender: null, direction: "out", replyTo: null, status: "sent" },
        { text: "hi", sender: "Cem", direction: "in", replyTo: sent["id"], status: "received" },
      ],
    );
    deepEqual(messages[0]!.stored, { here: true, devices: [], cloud: null });
    match(messages[0]!.sentAt, TIME);
    const [conversation] = await kinlog.json<readonly Conversation[]>("conversations", "--dir", dir);
    deepEqual(Object.keys(conversation!), [
      "conversation",
      "title",
      "service",
      "unread",
      "pinned",
      "muted",
      "mutedUntil",
      "archived",
      "draft",
      "participants",
      "last",
    ]);
    deepEqual([conversation!.unread, conversation!.last?.text], [1, "hi"]);
  });

  it("show pages backwards, oldest first", async () => {
    for (const text of ["one", "two", "three"]) await kinlog.json("send", "Dora", text, "--dir", dir);
    const newest = await kinlog.json<readonly Message[]>("show", "Dora", "--limit", "2", "--dir", dir);
    deepEqual(
      newest.map(({ text }) => text),
      ["two", "three"],
    );
    const before = await kinlog.json<readonly Message[]>(
      "show",
      "Dora",
      "--before",
      newest[0]!.id,
      "--dir",
      dir,
    );
    deepEqual(
      before.map(({ text }) => text),
      ["one"],
    );
  });

  it("send takes stdin as it comes, and U4: nothing that is not UTF-8", async () => {
    const text = "Grüße 👩‍👩‍👧\n\ttwo lines\u0007\n";
    const piped = await kinlog.run(["send", "Emil", "-", "--dir", dir, "--json"], { input: `${text}\n` });
    equal(piped.code, 0);
    const [message] = await kinlog.json<readonly Message[]>("show", "Emil", "--dir", dir);
    equal(message!.text, text);
    const bad = await kinlog.run(["send", "Emil", "-", "--dir", dir, "--json"], {
      input: Uint8Array.of(0x61, 0xff),
    });
    deepEqual([bad.code, errorOf(bad.last)], [1, "TEXT_NOT_UTF8"]);
    const long = await kinlog.run(["send", "Emil", "-", "--dir", dir, "--json"], {
      input: "x".repeat(65_537),
    });
    deepEqual([long.code, errorOf(long.last)], [1, "TEXT_TOO_LONG"]);
    equal((await kinlog.run(["send", "Emil", "-", "--dir", dir], { input: "x".repeat(65_536) })).code, 0);
  });

  it("U4: an argument that is not UTF-8 is refused, a replacement character is a character", async function () {
    skipUnless(this, process.platform === "linux", "needs Linux");
    // A shell hands over bytes; Node itself only strings.
    const script = `exec ${process.execPath} ${join(process.cwd(), "dist/cli/main.js")} send Fay "$(printf 'a\\377')" --dir ${dir} --json`;
    const { spawnSync } = await import("node:child_process");
    const ran = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    equal(ran.status, 1);
    match(ran.stdout, /"TEXT_NOT_UTF8"/);
    equal((await kinlog.run(["send", "Fay", "a\ufffd", "--dir", dir])).code, 0);
  });

  it("names are found by address in any form and by the beginning of an id; what is not there is NOT_FOUND", async () => {
    const sent = await kinlog.json<Json>("send", "+49 151 234", "x", "--dir", dir);
    equal((await kinlog.json<readonly unknown[]>("show", "+49151-234", "--dir", dir)).length, 1);
    deepEqual(await kinlog.json("delete", String(sent["id"]).slice(0, 6), "--dir", dir), { done: 1 });
    for (const args of [
      ["show", "Bob"],
      ["read", "Bob"],
      ["delete", "ffffff"],
      ["devices", "rename", "Bob", "x"],
    ]) {
      const missing = await kinlog.run([...args, "--dir", dir, "--json"]);
      deepEqual([missing.code, errorOf(missing.last)], [1, "NOT_FOUND"], args.join(" "));
      ok(typeof (missing.last["error"] as Json)["remedy"] === "string");
    }
    const all = await kinlog.json<readonly Conversation[]>("conversations", "--dir", dir);
    ok(!all.some(({ conversation }) => conversation === "Bob"));
  });

  it("read and unread move the count, and do what is done already without a complaint", async () => {
    await kinlog.json("send", "Hana", "x", "--from", "Hana", "--dir", dir);
    const unread = async (): Promise<number> =>
      (await kinlog.json<readonly Conversation[]>("conversations", "--dir", dir))[0]!.unread;
    equal(await unread(), 1);
    deepEqual(await kinlog.json("read", "Hana", "--dir", dir), { done: 1 });
    equal(await unread(), 0);
    deepEqual(await kinlog.json("unread", "Hana", "--dir", dir), { done: 1 });
    equal(await unread(), 1);
  });

  it("delete moves to the bin, restore brings back; a conversation asks first", async () => {
    const ids: string[] = [];
    for (const text of ["a", "b", "c"])
      ids.push(String((await kinlog.json<Json>("send", "Ivo", text, "--dir", dir))["id"]));
    const shown = async (...more: string[]): Promise<readonly string[]> =>
      (await kinlog.json<readonly Message[]>("show", "Ivo", ...more, "--dir", dir)).map(({ text }) => text);
    deepEqual(await kinlog.json("delete", ids[0]!, ids[1]!, "--dir", dir), { done: 2 });
    deepEqual(await shown(), ["c"]);
    deepEqual(await shown("--deleted"), ["a", "b", "c"]);
    deepEqual(await kinlog.json("restore", ids[0]!, "--dir", dir), { done: 1 });
    const unasked = await kinlog.run(["delete", "--conversation", "Ivo", "--dir", dir, "--json"]);
    deepEqual([unasked.code, errorOf(unasked.last)], [3, "CONFIRMATION_REQUIRED"]);
    deepEqual(await shown(), ["a", "c"]);
    deepEqual(
      await kinlog.json("delete", "--conversation", "Ivo", "--before", "2020-01-01", "--yes", "--dir", dir),
      { done: 0 },
    );
    deepEqual(await kinlog.json("delete", "--conversation", "Ivo", "--yes", "--dir", dir), { done: 2 });
    deepEqual(await shown(), []);
    for (const args of [
      ["delete"],
      ["delete", ids[0]!, "--conversation", "Ivo"],
      ["delete", ids[0]!, "--before", "2020-01-01"],
      ["delete", "--conversation", "Ivo", "--before", "soon"],
    ]) {
      equal((await kinlog.run([...args, "--yes", "--dir", dir])).code, 2, args.join(" "));
    }
  });

  it("status has every field of the contract, and an honest word about the keys", async () => {
    const status = await kinlog.json<Status>("status", "--dir", dir);
    deepEqual(Object.keys(status), [
      "account",
      "device",
      "name",
      "fingerprint",
      "entries",
      "messages",
      "conversations",
      "logs",
      "inSync",
      "lastInSync",
      "evicted",
      "peers",
      "cloud",
      "unknownKinds",
      "search",
      "attachments",
      "recovery",
      "protection",
      "alarms",
      "version",
    ]);
    match(status.fingerprint, /^[0-9a-f]{32}$/);
    deepEqual(
      [status.name, status.inSync, status.peers, status.recovery, status.protection],
      ["laptop", true, [], "seen", "none"],
    );
    match((await kinlog.run(["status", "--dir", dir])).stdout, /not protected/);
  });

  it("status over rpc says beyond that how far a new view has come", async () => {
    const input = `${JSON.stringify({ id: 1, method: "status" })}\n`;
    const answer = (await kinlog.run(["rpc", "--dir", dir], { input })).stdout;
    const { view, entries } = (JSON.parse(answer) as { readonly result: Status }).result;
    deepEqual(view, { done: entries, total: entries });
    ok(entries > 0);
  });

  it("K2: doctor says what is unprotected, and every finding that is not well has a remedy", async () => {
    const findings = await kinlog.json<
      readonly { ok: boolean; check: string; finding: string; remedy: string | null }[]
    >("doctor", "--dir", dir);
    for (const each of findings) deepEqual(Object.keys(each), ["check", "ok", "finding", "remedy"]);
    for (const { ok: isWell, remedy } of findings) ok(isWell || (remedy ?? "") !== "");
    ok(findings.some(({ check, ok: isWell }) => check === "protection" && !isWell));
  });

  it("devices lists itself, and rename gives another name", async () => {
    const [before] = await kinlog.json<readonly Json[]>("devices", "--dir", dir);
    deepEqual(Object.keys(before!), [
      "device",
      "name",
      "self",
      "state",
      "since",
      "admittedBy",
      "online",
      "lastSeen",
      "missing",
    ]);
    const renamed = await kinlog.json<Json>("devices", "rename", "laptop", "desk", "--dir", dir);
    deepEqual(renamed, { device: before!["device"], name: "desk" });
    equal((await kinlog.json<Status>("status", "--dir", dir)).name, "desk");
  });

  it("verify counts what is stored", async () => {
    await kinlog.json("send", "Mia", "x", "--dir", dir);
    const { code, last } = await kinlog.run(["verify", "--dir", dir, "--json"]);
    equal(code, 0);
    deepEqual(Object.keys(last), ["entries", "bad", "repaired", "lost"]);
    deepEqual([last["bad"], last["lost"]], [0, 0]);
  });

  it("import takes a file in once, from a relative path as well", async () => {
    const xml = `<?xml version='1.0' encoding='UTF-8'?><smses count="2"><sms protocol="0" address="+49151" date="1700000000000" type="1" body="one" read="1" status="-1" date_sent="0" contact_name="Ana" /><sms protocol="0" address="+49151" date="1700000001000" type="2" body="two" read="1" status="-1" date_sent="0" contact_name="Ana" /></smses>`;
    const path = join(dir, "..", "sms.xml");
    writeFileSync(path, xml);
    const first = await kinlog.run(["import", path, "--dir", dir, "--json"]);
    deepEqual([first.code, first.last], [0, { imported: 2, duplicates: 0, skipped: 0, problems: [] }]);
    const again = await kinlog.run(["import", path, "--dir", dir, "--json"]);
    deepEqual(again.last, { imported: 0, duplicates: 2, skipped: 0, problems: [] });
    const missing = await kinlog.run(["import", "nothing.xml", "--dir", dir, "--json"]);
    deepEqual([missing.code, errorOf(missing.last)], [1, "IMPORT_NOT_FOUND"]);
    const strange = await kinlog.run(["import", path, "--format", "pdf", "--dir", dir, "--json"]);
    deepEqual([strange.code, errorOf(strange.last)], [1, "IMPORT_FORMAT_UNKNOWN"]);
  });

  it("export writes a whole file for its owner only, or none", async () => {
    await kinlog.json("send", "Ole", "x", "--dir", dir);
    const path = join(dir, "..", "out.jsonl");
    const written = await kinlog.run(["export", path, "--dir", dir, "--json"]);
    equal(written.code, 0);
    equal(typeof written.last["exported"], "number");
    equal(statSync(path).mode & 0o777, 0o600);
    const printed = await kinlog.run(["export", "--dir", dir]);
    equal(printed.stdout.split("\n").length, readFileSync(path, "utf8").split("\n").length);
    const nowhere = await kinlog.run(["export", join(dir, "no", "out.jsonl"), "--dir", dir, "--json"]);
    deepEqual([nowhere.code, errorOf(nowhere.last)], [1, "EXPORT_FAILED"]);
    mkdirSync(join(dir, "..", "folder"));
    equal((await kinlog.run(["export", join(dir, "..", "folder"), "--dir", dir])).code, 1);
    equal((await kinlog.run(["export", "--format", "xml", "--dir", dir])).code, 2);
    deepEqual(
      readdirSync(join(dir, "..")).filter((name) => name.includes("part")),
      [],
    );
  });

  it("without an account says how to begin, and begins nothing by the way", async () => {
    const empty = kinlog.directory();
    for (const args of [
      ["status"],
      ["show", "Pia"],
      ["send", "Pia", "x"],
      ["link", "--yes"],
      ["sync"],
      ["rpc"],
    ]) {
      const ran = await kinlog.run([...args, "--dir", empty, "--json"]);
      deepEqual([ran.code, errorOf(ran.last)], [1, "ACCOUNT_MISSING"], args.join(" "));
      match(ran.stderr, /kinlog start/);
    }
    deepEqual(readdirSync(join(empty, "..")), []);
  });

  it("without a running node does the same by itself, and refuses only what needs one", async () => {
    const alone = kinlog.directory();
    await kinlog.json("init", "--name", "desk", "--dir", alone);
    const sent = await kinlog.json<Json>("send", "Ana", "hello", "--dir", alone);
    const [message] = await kinlog.json<readonly Message[]>("show", "Ana", "--dir", alone);
    deepEqual([message!.id, message!.text], [sent["id"], "hello"]);
    const status = await kinlog.json<Status>("status", "--dir", alone);
    deepEqual([status.name, status.messages, status.inSync], ["desk", 1, true]);
    equal((await kinlog.json<Json>("verify", "--dir", alone))["bad"], 0);
    const nothing = { freedBytes: 0, evicted: 0, keptBecause: [{ reason: "listed", messages: 1 }] };
    deepEqual(await kinlog.json("evict", "--dir", alone), nothing);
    for (const text of ["again", "and again"]) await kinlog.json("send", "Ana", text, "--dir", alone);
    const freed = await kinlog.run(["evict", "--dir", alone]);
    match(freed.stdout, /Nothing was freed/);
    match(freed.stdout, /no other device is connected that could promise to keep/);
    deepEqual(await kinlog.json("evict", "--older-than", "30", "--dir", alone), {
      ...nothing,
      keptBecause: [],
    });
    const kept = { freedBytes: 0, evicted: 0, keptBecause: [] };
    deepEqual(await kinlog.json("retention", "--dir", alone), { days: null, ...kept });
    deepEqual(await kinlog.json("retention", "90", "--dir", alone), { days: 90, ...kept });
    match((await kinlog.run(["retention", "--dir", alone])).stdout, /keeps messages for 90 days/);
    deepEqual(await kinlog.json("retention", "forever", "--dir", alone), { days: null, ...kept });
    for (const args of [["stop"], ["watch"], ["connect", "/ip4/127.0.0.1/tcp/9"], ["fetch", "abcdef"]]) {
      const ran = await kinlog.run([...args, "--dir", alone, "--json"]);
      deepEqual([ran.code, errorOf(ran.last)], [1, "NODE_NOT_RUNNING"], args.join(" "));
    }
  });

  it("wrong usage is 2, in words and as JSON", async () => {
    const ran = await kinlog.run(["shwo", "Ana", "--json"]);
    deepEqual([ran.code, errorOf(ran.last)], [2, "USAGE"]);
    match(ran.stderr, /kinlog show/);
    equal((await kinlog.run([])).code, 2);
    equal((await kinlog.run(["show", "Ana", "--limit", "0", "--dir", dir])).code, 2);
    for (const days of ["0", "-1", "soon", "99999"])
      equal((await kinlog.run(["retention", "--dir", dir, "--", days])).code, 2, days);
    const version = await kinlog.run(["--version"]);
    deepEqual([version.code, /^kinlog \d+\.\d+\.\d+/.test(version.stdout)], [0, true]);
    equal((await kinlog.run(["send", "--help"])).code, 0);
  });

  it("U10: a name or text that would move the cursor is shown, not obeyed", async () => {
    await kinlog.json("send", "Tom", "\u001b[2Jgone\u202e", "--from", "Eve\u202e", "--dir", dir);
    const ran = await kinlog.run(["show", "Tom", "--dir", dir]);
    ok(!ran.stdout.includes("\u001b[2J") && !ran.stdout.includes("\u202e"));
    match(ran.stdout, /␛\[2Jgone<202E>/);
  });
});

function errorOf(last: Json): unknown {
  return (last["error"] as Json | undefined)?.["code"];
}
