/** Two devices by the commands alone: link, join, sync, and what is refused. Over loopback, by address. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Message, Status } from "../../../src/app/node/types.ts";
import { Commands, type Json, type Running } from "../../support/kinlog-command.ts";

describe("Linking by the command", function () {
  this.timeout(120_000);
  const kinlog = new Commands();
  let member = "";
  let newcomer = "";

  beforeEach(async () => {
    [member, newcomer] = [kinlog.directory(), kinlog.directory()];
    await kinlog.json("init", "--name", "laptop", "--dir", member);
  });
  afterEach(() => kinlog.end());

  /** `link` with a node: the code, and an address by which to join. */
  async function link(
    ...more: string[]
  ): Promise<{ readonly link: Running; readonly code: string; readonly address: string }> {
    const node = await kinlog.start(member);
    const addresses = (await node.event("ready"))["addresses"] as readonly string[];
    const linking = kinlog.begin(["link", "--dir", member, "--json", ...more]);
    const code = await linking.event("code");
    return {
      link: linking,
      code: String(code["code"]),
      address: addresses.find((each) => each.startsWith("/ip4/127.0.0.1"))!,
    };
  }

  function join(
    code: string,
    address: string,
  ): Promise<{ readonly code: number | null; readonly last: Json }> {
    return kinlog.run(["join", code, "--name", "phone", "--address", address, "--dir", newcomer, "--json"]);
  }

  it("admits after yes on stdin, and the history comes", async () => {
    await kinlog.json("send", "Ana", "before", "--dir", member);
    const { link: linking, code, address } = await link();
    match(code, /^\d{1,2}-[a-z]+-[a-z]+$/);
    const joining = join(code, address);
    const request = await linking.event("request");
    deepEqual([request["name"], /^[0-9a-f]{64}$/.test(String(request["device"]))], ["phone", true]);
    linking.write("yes\n");
    const joined = await joining;
    deepEqual(
      [joined.code, Object.keys(joined.last).toSorted()],
      [0, ["account", "at", "device", "event", "linkedBy", "name"]],
    );
    deepEqual(
      [joined.last["event"], joined.last["name"], joined.last["linkedBy"]],
      ["joined", "phone", "laptop"],
    );
    const linked = await linking.end();
    deepEqual(
      [linked.code, linked.last["event"], linked.last["device"]],
      [0, "linked", joined.last["device"]],
    );

    const phone = await kinlog.start(newcomer);
    await kinlog.json("connect", address, "--dir", newcomer);
    const synced = await kinlog.run(["sync", "--timeout", "30", "--dir", newcomer, "--json"]);
    deepEqual([synced.code, synced.last["inSync"]], [0, true]);
    const [one, other] = [
      await kinlog.json<Status>("status", "--dir", member),
      await kinlog.json<Status>("status", "--dir", newcomer),
    ];
    deepEqual([one.fingerprint, one.account], [other.fingerprint, other.account]);
    deepEqual(Object.keys(one.peers[0]!), [
      "device",
      "name",
      "online",
      "via",
      "inSync",
      "missingHere",
      "missingThere",
    ]);
    deepEqual(
      (await kinlog.json<readonly Message[]>("show", "Ana", "--dir", newcomer)).map(({ text }) => text),
      ["before"],
    );
    await phone.end("SIGTERM");
  });

  it("P5: admits nobody after no, and tells both sides", async () => {
    const { link: linking, code, address } = await link();
    const joining = join(code, address);
    await linking.event("request");
    linking.write("no\n");
    const [refused, failed] = [await linking.end(), await joining];
    deepEqual([refused.code, refused.last["event"], refused.last["reason"]], [3, "refused", "no"]);
    deepEqual([failed.code, errorOf(failed.last)], [1, "CODE_REFUSED"]);
    equal((await kinlog.json<readonly Json[]>("devices", "--dir", member)).length, 1);
    equal(existsSync(newcomer) && readdirSync(newcomer).includes("device.key"), false);
  });

  it("P5: the end of stdin is no yes", async () => {
    const { link: linking, code, address } = await link();
    const joining = join(code, address);
    await linking.event("request");
    linking.child.stdin?.end();
    equal((await linking.end()).code, 3);
    equal((await joining).code, 1);
  });

  it("P1: a wrong guess ends the code on both sides, with the error as the last line", async () => {
    const { link: linking, code, address } = await link("--yes");
    const number = code.split("-")[0];
    const wrong = await join(`${number}-abandon-ability`, address);
    deepEqual([wrong.code, errorOf(wrong.last)], [1, "CODE_WRONG"]);
    const ended = await linking.end();
    deepEqual([ended.code, errorOf(ended.last)], [1, "CODE_WRONG"]);
    ok(linking.lines.some(({ event, reason }) => event === "refused" && reason === "CODE_WRONG"));
    equal((await kinlog.json<readonly Json[]>("devices", "--dir", member)).length, 1);
  });

  it("ends with CODE_EXPIRED when the time is over, and P3: takes no code without its secret part", async () => {
    const { link: linking } = await link("--yes", "--timeout", "1");
    const ended = await linking.end();
    deepEqual([ended.code, errorOf(ended.last)], [1, "CODE_EXPIRED"]);
    for (const code of ["42", "42-otter", "ocean-violin", "kinlog:link?n=42"]) {
      const ran = await join(code, "/ip4/127.0.0.1/tcp/9");
      deepEqual([ran.code, errorOf(ran.last)], [1, "CODE_UNKNOWN"], code);
    }
  });

  it("shows no code where nobody could say yes", async () => {
    const ran = await kinlog.run(["link", "--dir", member, "--json"]);
    deepEqual([ran.code, errorOf(ran.last)], [3, "CONFIRMATION_REQUIRED"]);
    ok(!ran.stdout.includes('"code":"') || !ran.stdout.includes('"event":"code"'));
    equal((await kinlog.run(["link", "--dir", member, "--json"], { input: "" })).code, 3);
  });

  it("takes no second code while one is open, and an interrupted one is over", async () => {
    const { link: linking } = await link("--yes");
    const second = await kinlog.run(["link", "--yes", "--dir", member, "--json"]);
    deepEqual([second.code, errorOf(second.last)], [1, "REQUEST_INVALID"]);
    const ended = await linking.end("SIGINT");
    deepEqual([ended.code, errorOf(ended.last)], [1, "ABORTED"]);
    const third = kinlog.begin(["link", "--yes", "--dir", member, "--json"]);
    await third.event("code");
  });

  it("replaces an untouched account while its node runs, which goes on as the new device", async () => {
    const running = await kinlog.start(newcomer, "--name", "service");
    const watch = kinlog.begin(["watch", "--dir", newcomer, "--json"]);
    const { code, address } = await link("--yes");
    const joined = await join(code, address);
    deepEqual([joined.code, joined.last["event"]], [0, "joined"]);
    await running.line(({ event, device }) => event === "ready" && device === joined.last["device"]);
    const status = await kinlog.json<Status>("status", "--dir", newcomer);
    deepEqual([status.device, status.name], [joined.last["device"], "phone"]);
    equal(running.child.exitCode, null);
    await kinlog.json("send", "Ana", "from the new one", "--dir", newcomer);
    await watch.event("message");
  });

  it("goes on with the old account where joining fails, and never replaces one that was used", async () => {
    await kinlog.start(newcomer, "--name", "service");
    const before = await kinlog.json<Status>("status", "--dir", newcomer);
    const { code, address } = await link("--yes");
    const wrong = await join(`${code.split("-")[0]}-abandon-ability`, address);
    deepEqual([wrong.code, errorOf(wrong.last)], [1, "CODE_WRONG"]);
    equal((await kinlog.json<Status>("status", "--dir", newcomer)).account, before.account);
    await kinlog.json("send", "Ana", "now it is used", "--dir", newcomer);
    const used = await join("42-abandon-ability", address);
    deepEqual([used.code, errorOf(used.last)], [1, "ACCOUNT_EXISTS"]);
    equal((await kinlog.json<readonly Message[]>("show", "Ana", "--dir", newcomer)).length, 1);
  });

  it("links without a node as well, and other commands go through it meanwhile", async () => {
    const linking = kinlog.begin(["link", "--yes", "--dir", member, "--json"]);
    const uri = String((await linking.event("code"))["uri"]);
    equal((await kinlog.json<Status>("status", "--dir", member)).name, "laptop");
    const second = await kinlog.run(["start", "--dir", member, "--json"]);
    equal(errorOf(second.last), "NODE_RUNNING");
    const joined = await kinlog.run(["join", uri, "--name", "phone", "--dir", newcomer, "--json"]);
    equal(joined.code, 0);
    equal((await linking.end()).code, 0);
    deepEqual(readdirSync(dirname(newcomer)), ["data"]);
  });

  it("sync gives up after its time, says so, and exits with 1", async () => {
    const { code, address } = await link("--yes");
    equal((await join(code, address)).code, 0);
    await kinlog.json("stop", "--dir", member);
    const ran = await kinlog.run(["sync", "--timeout", "1", "--dir", newcomer, "--json"]);
    deepEqual([ran.code, ran.last["inSync"], Object.keys(ran.last)], [1, false, ["inSync", "fingerprint"]]);
  });
});

function errorOf(last: Json): unknown {
  return (last["error"] as Json | undefined)?.["code"];
}
