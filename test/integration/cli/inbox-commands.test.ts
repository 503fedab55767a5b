/** The commands for what people do with messages and conversations, as processes on one device: results, sentences, errors and exit codes. */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import type { Purge } from "../../../src/app/node/purge-types.ts";
import type { Conversation, Message } from "../../../src/app/node/types.ts";
import { Commands, type Json } from "../../support/kinlog-command.ts";

const THUMB = "\u{1f44d}";

describe("The command for messages and conversations", function () {
  this.timeout(120_000);
  const kinlog = new Commands();
  let dir = "";
  before(async () => {
    dir = kinlog.directory();
    await kinlog.json("init", "--name", "laptop", "--dir", dir);
    await kinlog.start(dir);
  });
  after(() => kinlog.end());

  const done = (...args: string[]): Promise<Json> => kinlog.json<Json>(...args, "--dir", dir);
  const send = async (conversation: string, text: string, ...more: string[]): Promise<string> =>
    String((await done("send", conversation, text, ...more))["id"]);
  const show = (conversation: string): Promise<readonly Message[]> =>
    kinlog.json<readonly Message[]>("show", conversation, "--dir", dir);
  const list = (...more: string[]): Promise<readonly Conversation[]> =>
    kinlog.json<readonly Conversation[]>("conversations", ...more, "--dir", dir);
  const codeOf = async (...args: string[]): Promise<readonly [number, string]> => {
    const { code, last } = await kinlog.run([...args, "--dir", dir, "--json"]);
    return [code ?? -1, String((last["error"] as Json | undefined)?.["code"])];
  };

  it("edit, react and unsend say what they did, and show shows it to programs and people", async () => {
    const [id, other] = [await send("Ana", "see you at eight"), await send("Ana", "fine", "--from", "Ana")];
    deepEqual(await done("edit", id.slice(0, 8), "see you at nine"), { done: 1 });
    deepEqual(await done("edit", id, "see you at nine"), { done: 0 });
    deepEqual(await done("react", other, THUMB), { done: 1 });
    const [mine, theirs] = await show("Ana");
    equal(mine!.text, "see you at nine");
    notEqual(mine!.editedAt, null);
    deepEqual(
      theirs!.reactions.map(({ emoji, sender }) => ({ emoji, sender })),
      [{ emoji: THUMB, sender: null }],
    );
    const page = (await kinlog.run(["show", "Ana", "--dir", dir])).stdout;
    match(page, /see you at nine {2}\(edited\)/);
    match(page, new RegExp(`${THUMB} me`, "u"));
    deepEqual(await done("react", other, THUMB, "--remove"), { done: 1 });
    deepEqual(await done("unsend", id), { done: 1 });
    const [unsent] = await show("Ana");
    deepEqual([unsent!.text, unsent!.editedAt], ["", null]);
    notEqual(unsent!.unsentAt, null);
    match((await kinlog.run(["show", "Ana", "--dir", dir])).stdout, /\(unsent\)/);
    deepEqual(await codeOf("edit", id, "again"), [1, "MESSAGE_UNSENT"]);
    deepEqual(await codeOf("unsend", other), [1, "NOT_YOURS"]);
    deepEqual(await codeOf("react", other, "yes"), [1, "REACTION_INVALID"]);
    deepEqual(await codeOf("edit", "0".repeat(32), "x"), [1, "NOT_FOUND"]);
    equal((await codeOf("edit", id))[0], 2);
  });

  it("search finds words, beginnings and pieces, as programs and people read it, and says what is no search", async () => {
    const [first, second] = [
      await send("Dora", "Treffen in Zürich?"),
      await send("Fritz", "zurich at ten", "--from", "Fritz"),
    ];
    await send("Fritz", "我在北京大学");
    const found = (...args: string[]): Promise<readonly Message[]> =>
      kinlog.json<readonly Message[]>("search", ...args, "--dir", dir);
    const ids = async (...args: string[]): Promise<readonly string[]> =>
      (await found(...args)).map(({ id }) => id);
    deepEqual(await ids("ZURICH"), [second, first]);
    deepEqual(await ids("zurich", "treffen"), [first]);
    deepEqual(await ids("zurich treff*", "--in", "Dora"), [first]);
    deepEqual(await ids("zurich", "--limit", "1"), [second]);
    deepEqual(await ids("zurich", "--before", second), [first]);
    equal((await found("北京"))[0]!.conversation, "Fritz");
    deepEqual(await found("nowhere"), []);
    const page = await kinlog.run(["search", "zurich", "--limit", "1", "--dir", dir]);
    match(page.stdout, /Fritz\n {2}[0-9a-f]{8} .*zurich at ten/);
    match(page.stderr, /There are more: add --before [0-9a-f]{48}/);
    match((await kinlog.run(["search", "nowhere", "--dir", dir])).stdout, /No messages with these words/);
    deepEqual(await codeOf("search", "?!"), [1, "SEARCH_QUERY_INVALID"]);
    deepEqual(await codeOf("search", ...Array.from({ length: 200 }, (_, n) => `w${n}`)), [
      1,
      "SEARCH_QUERY_INVALID",
    ]);
    deepEqual(await codeOf("search", "zurich", "--in", "Nobody"), [1, "NOT_FOUND"]);
    equal((await codeOf("search"))[0], 2);
  });

  it("edit takes its text from stdin, and refuses one that is too long", async () => {
    const id = await send("Bea", "one");
    const piped = await kinlog.run(["edit", id, "-", "--dir", dir, "--json"], { input: "two\nlines\n" });
    equal(piped.code, 0);
    equal((await show("Bea"))[0]!.text, "two\nlines");
    const long = await kinlog.run(["edit", id, "-", "--dir", dir, "--json"], { input: "x".repeat(65_537) });
    equal(long.code, 1);
  });

  it("pin, mute, archive, title and draft change the list", async () => {
    await send("Cem", "x");
    await send("Dora", "y");
    deepEqual(await done("pin", "Cem"), { done: 1 });
    deepEqual(await done("mute", "Cem", "--until", "2999-01-31T00:00:00Z"), { done: 1 });
    deepEqual(await done("title", "Cem", "Cem from school"), { done: 1 });
    deepEqual(await done("draft", "Cem", "not yet"), { done: 1 });
    const [first] = await list("--limit", "1");
    deepEqual(
      [first!.conversation, first!.pinned, first!.muted, first!.mutedUntil, first!.title, first!.draft],
      ["Cem", true, true, "2999-01-31T00:00:00.000Z", "Cem from school", "not yet"],
    );
    match((await kinlog.run(["conversations", "--dir", dir])).stdout, /pinned, muted {2}.*draft: not yet/);
    deepEqual(await done("unpin", "Cem"), { done: 1 });
    deepEqual(await done("unmute", "Cem"), { done: 1 });
    deepEqual(await done("archive", "Cem"), { done: 1 });
    equal(
      (await list()).some(({ conversation }) => conversation === "Cem"),
      false,
    );
    deepEqual(
      (await list("--archived")).map(({ conversation }) => conversation),
      ["Cem"],
    );
    deepEqual(await done("unarchive", "Cem"), { done: 1 });
    deepEqual(await list("--archived"), []);
    deepEqual(await codeOf("pin", "nobody"), [1, "NOT_FOUND"]);
    deepEqual(await codeOf("mute", "Cem", "--until", "1999-01-31"), [1, "REQUEST_INVALID"]);
    equal((await codeOf("mute", "Cem", "--until", "soon"))[0], 2);
  });

  it("delete of more than a hundred messages asks, and without an answer does nothing", async () => {
    const ids: string[] = [];
    const lines = Array.from({ length: 101 }, (_, id) =>
      JSON.stringify({ id, method: "messages.send", params: { conversation: "Emil", text: `n ${id}` } }),
    );
    const sent = await kinlog.run(["rpc", "--dir", dir], { input: `${lines.join("\n")}\n` });
    for (const line of sent.stdout.trim().split("\n"))
      ids.push(String((JSON.parse(line) as { result: Json }).result["id"]));
    equal(new Set(ids).size, 101);
    deepEqual(await codeOf("delete", ...ids), [3, "CONFIRMATION_REQUIRED"]);
    equal((await show("Emil")).length, 50);
    deepEqual(await done("delete", ...ids.slice(0, 100)), { done: 100 });
    equal((await show("Emil")).length, 1);
    await done("restore", ...ids.slice(0, 100));
    deepEqual(await done("delete", ...ids, "--yes"), { done: 101 });
    deepEqual(await show("Emil"), []);
  });

  it("purge asks, and without an answer does nothing; what is purged is nowhere, and purges says so", async () => {
    const [gone, kept] = [await send("Fay", "quince"), await send("Fay", "kept")];
    deepEqual(await codeOf("purge", gone), [3, "CONFIRMATION_REQUIRED"]);
    equal((await show("Fay")).length, 2);
    deepEqual(await codeOf("purge", gone, "0".repeat(32), "--yes"), [1, "NOT_FOUND"]);
    equal((await show("Fay")).length, 2);
    deepEqual(await done("purge", gone.slice(0, 10), "--yes"), { done: 1 });
    const left = await kinlog.json<readonly Message[]>("show", "Fay", "--deleted", "--dir", dir);
    deepEqual(
      left.map(({ id }) => id),
      [kept],
    );
    deepEqual(await codeOf("purge", gone, "--yes"), [1, "NOT_FOUND"]);
    deepEqual(await codeOf("restore", gone), [1, "NOT_FOUND"]);
    equal((await codeOf("purge"))[0], 2);
    const listed = await kinlog.json<readonly Purge[]>("purges", "--dir", dir);
    equal(listed.length, 1);
    const [purge] = listed;
    // Nobody else is there who could agree to it.
    deepEqual([purge!.by, purge!.entries, purge!.state], ["laptop", 1, "approved"]);
    match(
      (await kinlog.run(["purges", "--dir", dir])).stdout,
      /PURGE +BY +ENTRIES .*\n[0-9a-f]{12} +laptop +1 +approved/,
    );
    deepEqual(await done("purges", "approve", purge!.id), { done: 0 });
    deepEqual(await codeOf("purges", "stop", purge!.id), [1, "PURGE_SETTLED"]);
    deepEqual(await codeOf("purges", "stop", "abcdef"), [1, "NOT_FOUND"]);
    deepEqual(await codeOf("purges", "approve", "x"), [1, "NOT_FOUND"]);
    equal((await codeOf("purges", "stop"))[0], 2);
    const page = (await kinlog.run(["purge", kept, "--yes", "--dir", dir])).stdout;
    match(page, /^1 message purged: shown nowhere any more, on all devices\.\n$/);
  });
});
