/** Linking over real streams: what a person mistypes, refuses or forgets, and what others try. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { idBytes } from "../../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../../src/core/base/ports.ts";
import type { Net } from "../../../src/core/sync/ports.ts";
import { LINK_KIND, LINK_PROTOCOL, LinkChannel } from "../../../src/app/link/link-channel.ts";
import { parseCode } from "../../../src/app/link/link-code.ts";
import { askMember, greetMember } from "../../../src/app/link/link-joiner.ts";
import { joinAccount } from "../../../src/app/node/join-account.ts";
import { initAccount } from "../../../src/app/node/open-node.ts";
import { machineClock, machineEntropy, machineWorkers } from "../../../src/app/node/platform.ts";
import type { KinlogNode, LinkAttempt } from "../../../src/app/node/types.ts";
import { createDeviceKeys } from "../../../src/app/replica/founding.ts";
import { createNet } from "../../../src/io/net/create-net.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, TestDevices } from "../../support/devices.ts";

const ports = { clock: machineClock, entropy: machineEntropy, workers: machineWorkers };

const soon = (): MonotonicMs => (machineClock.monotonicMs() + 5_000) as MonotonicMs;

/** Another number of the same two words, or other words: never right. */
function wrongWords(code: string): string {
  const [number, first, second] = code.split("-");
  return `${number}-${first}-${second === "zoo" ? "zone" : "zoo"}`;
}

describe("Linking a device", function () {
  this.timeout(40_000);
  let devices: TestDevices;
  let nets: Net[];
  beforeEach(async () => {
    devices = await TestDevices.create();
    nets = [];
  });
  afterEach(async () => {
    for (const net of nets) await net.close();
    await devices.cleanup();
  });

  async function someNet(): Promise<Net> {
    const net = await createNet({ listen: [] });
    nets.push(net);
    return net;
  }

  function joining(member: KinlogNode, code: string, name = "phone"): ReturnType<typeof joinAccount> {
    const joined = joinAccount({ dir: devices.dir(name), code, name, address: addressOf(member) });
    // Waited for later, perhaps after something else has failed.
    joined.catch(() => undefined);
    return joined;
  }

  /** One guess by hand, over a stream of its own. */
  async function guess(member: KinlogNode, code: string): Promise<unknown> {
    const net = await someNet();
    const channel = await greetMember(await net.dial(addressOf(member), LINK_PROTOCOL, 5_000), ports);
    const keys = await createDeviceKeys(ports);
    return askMember(channel, { secret: parseCode(code).secret, keys, name: "guest", clock: machineClock });
  }

  it("P1: wrong words fail on both sides, and the code is dead, for the right words too", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const net = await someNet();
    const early = await greetMember(await net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000), ports);

    await assertRejectsWithCode(joining(laptop, wrongWords(attempt.code)), "CODE_WRONG");
    await assertRejectsWithCode(attempt.request, "CODE_WRONG");
    await assertRejectsWithCode(attempt.confirm(), "CODE_WRONG");

    // Who was connected before is told so; who comes now finds no door.
    const keys = await createDeviceKeys(ports);
    const secret = parseCode(attempt.code).secret;
    await assertRejectsWithCode(
      askMember(early, { secret, keys, name: "late", clock: machineClock }),
      "CODE_EXPIRED",
    );
    await assertRejectsWithCode(guess(laptop, attempt.code), "PEER_UNREACHABLE");
    equal((await laptop.devices.list()).length, 1);
    deepEqual(await entriesOf(devices.root), ["laptop"]);

    // A new code works.
    equal((await devices.join(laptop, "phone")).name, "phone");
  });

  it("P1: many at once have one guess between them", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const net = await someNet();
    const channels = await Promise.all(
      Array.from({ length: 6 }, async () =>
        greetMember(await net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000), ports),
      ),
    );
    const words = ["zoo-zoo", "abandon-abandon", "zone-zoo", "zoo-zone", "able-able"];
    const secrets = [...words.map((each) => `42-${each}`), attempt.code].map(
      (code) => parseCode(code).secret,
    );
    const codes = await Promise.all(
      channels.map(async (channel, at) => {
        const keys = await createDeviceKeys(ports);
        try {
          await askMember(channel, { secret: secrets[at]!, keys, name: "guest", clock: machineClock });
          return "admitted";
        } catch (error) {
          return isEngineError(error) ? error.code : String(error);
        }
      }),
    );
    // The first to share had the guess, and it was wrong.
    equal(codes.filter((code) => code === "CODE_WRONG").length, 1);
    equal(codes.filter((code) => code === "CODE_EXPIRED").length, 5);
    await assertRejectsWithCode(attempt.request, "CODE_WRONG");
  });

  it("P1: a guess that is broken off is a guess", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const net = await someNet();
    const stream = await net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000);
    const channel = await greetMember(stream, ports);
    const own = channel.share(parseCode("1-zoo-zoo").secret.password);
    channel.send(LINK_KIND.share, Uint8Array.of(1, ...own.share));
    // The member's answer depends on the code: that is what a guess learns from.
    await channel.receive(LINK_KIND.shareBack, soon());
    stream.abort();
    await assertRejectsWithCode(attempt.request, "CODE_WRONG");
    equal((await laptop.devices.list()).length, 1);
  });

  it("P2: the member proves the code only after the new device has", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const net = await someNet();
    const channel = await greetMember(await net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000), ports);
    const own = channel.share(parseCode(attempt.code).secret.password);
    channel.send(LINK_KIND.share, Uint8Array.of(1, ...own.share));
    await channel.receive(LINK_KIND.shareBack, soon());
    channel.send(LINK_KIND.confirm, new Uint8Array(32));
    // Its next word is no proof, but that the code is dead.
    await assertRejectsWithCode(channel.receive(LINK_KIND.confirmBack, soon()), "CODE_WRONG");
    await assertRejectsWithCode(attempt.request, "CODE_WRONG");
  });

  it("P4: the new device tells nothing to who does not prove the code", async () => {
    const net = await someNet();
    const rogue = await createNet({ listen: ["/ip4/127.0.0.1/tcp/0"] });
    nets.push(rogue);
    const asked = Promise.withResolvers<void>();
    rogue.handle(LINK_PROTOCOL, (stream) => {
      const channel = new LinkChannel(stream, ports);
      const answer = async (): Promise<void> => {
        await channel.greet(soon());
        await channel.receive(LINK_KIND.share, soon());
        channel.send(LINK_KIND.shareBack, channel.share(parseCode("1-zoo-zoo").secret.password).share);
        await channel.receive(LINK_KIND.confirm, soon());
        channel.send(LINK_KIND.confirmBack, new Uint8Array(32));
        await channel.receive(LINK_KIND.request, soon());
      };
      answer()
        .finally(() => channel.close())
        .then(asked.resolve, asked.reject);
    });
    const channel = await greetMember(await net.dial(rogue.addresses()[0]!, LINK_PROTOCOL, 5_000), ports);
    const keys = await createDeviceKeys(ports);
    const secret = parseCode("1-able-able").secret;
    const told = askMember(channel, { secret, keys, name: "guest", clock: machineClock });
    const heard = assertRejectsWithCode(asked.promise, "PEER_CLOSED");
    await assertRejectsWithCode(told, "CODE_WRONG");
    channel.close();
    await heard;
  });

  it("P7: a device that does not prove the key that it gives is not asked about", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const net = await someNet();
    const channel = await greetMember(await net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000), ports);
    const own = channel.share(parseCode(attempt.code).secret.password);
    channel.send(LINK_KIND.share, Uint8Array.of(1, ...own.share));
    const theirs = (await channel.receive(LINK_KIND.shareBack, soon())).raw(32);
    equal(channel.finish(own, theirs), true);
    channel.confirm();
    equal(await channel.isConfirmed(soon()), true);
    const { device, openKey } = await createDeviceKeys(ports);
    const request = new ByteWriter().raw(idBytes(device)).raw(openKey).text("guest").raw(new Uint8Array(64));
    channel.sendSealed(LINK_KIND.request, request.finish());
    await assertRejectsWithCode(attempt.request, "CODE_WRONG");
    equal((await laptop.devices.list()).length, 1);
  });

  it("a person's no reaches the other device, and a new code may be opened", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const joined = joining(laptop, attempt.code);
    equal((await attempt.request).name, "phone");
    await assertRejectsWithCode(laptop.devices.link(), "REQUEST_INVALID");
    await attempt.refuse();
    await assertRejectsWithCode(joined, "CODE_REFUSED");
    await assertRejectsWithCode(attempt.confirm(), "CODE_REFUSED");
    equal((await laptop.devices.list()).length, 1);
    await (await laptop.devices.link()).cancel();
  });

  it("P6: a code that nobody used expires, and one that nobody confirmed too", async () => {
    const laptop = await devices.found("laptop");
    const unused = await laptop.devices.link({ timeoutMs: 50 });
    await assertRejectsWithCode(unused.request, "CODE_EXPIRED");
    await assertRejectsWithCode(unused.confirm(), "CODE_EXPIRED");

    const asked = await laptop.devices.link({ timeoutMs: 1_500 });
    const joined = joining(laptop, asked.code);
    await asked.request;
    await assertRejectsWithCode(joined, "CODE_EXPIRED");
    await assertRejectsWithCode(asked.confirm(), "CODE_EXPIRED");
    await (await laptop.devices.link()).cancel();
  });

  it("a device that goes away before the yes does not become a member", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const controller = new AbortController();
    const joined = joinAccount({
      dir: devices.dir("phone"),
      code: attempt.code,
      name: "phone",
      address: addressOf(laptop),
      signal: controller.signal,
    });
    joined.catch(() => undefined);
    await attempt.request;
    controller.abort();
    await assertRejectsWithCode(joined, "ABORTED");
    // Whether the end has come here by now or not, nobody is admitted for long who is gone.
    await untilFree(laptop);
    await assertRejectsWithCode(attempt.confirm(), "PEER_CLOSED");
    equal((await laptop.devices.list()).length, 1);
  });

  it("two answers at once admit one device", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const joined = joining(laptop, attempt.code);
    await attempt.request;
    const [first, second] = await Promise.all([attempt.confirm(), attempt.confirm()]);
    deepEqual(first, second);
    await joined;
    equal((await laptop.devices.list()).length, 2);
  });

  it("cancelling and closing end a code for both", async () => {
    const laptop = await devices.found("laptop");
    const cancelled = await laptop.devices.link();
    const joined = joining(laptop, cancelled.code);
    await cancelled.request;
    await cancelled.cancel();
    await assertRejectsWithCode(joined, "CODE_REFUSED");
    const open = await laptop.devices.link();
    await devices.stop(laptop);
    await assertRejectsWithCode(open.request, "ABORTED");
  });

  it("the QR links without words", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    ok(attempt.uri.includes(addressOf(laptop)));
    const joined = joining(laptop, attempt.uri);
    await attempt.request;
    await attempt.confirm();
    equal((await joined).account, laptop.account);
  });

  it("P3: a code without its secret part and a wrong address fail before anything is sent", async () => {
    await assertRejectsWithCode(
      joinAccount({ dir: devices.dir("phone"), code: "42", name: "phone" }),
      "CODE_UNKNOWN",
    );
    await assertRejectsWithCode(
      joinAccount({ dir: devices.dir("phone"), code: "42-zoo-zoo", name: "phone", address: "nonsense" }),
      "ADDRESS_INVALID",
    );
    await assertRejectsWithCode(
      joinAccount({ dir: devices.dir("phone"), code: "42-zoo-zoo", name: "" }),
      "NAME_INVALID",
    );
    deepEqual(await entriesOf(devices.root), []);
  });

  it("an account with content stays; an untouched one gives way", async () => {
    const laptop = await devices.found("laptop");
    const used = await devices.found("used");
    await used.messages.send({ conversation: "Zoë", text: "mine" });
    await devices.stop(used);
    const attempt = await laptop.devices.link();
    await assertRejectsWithCode(joining(laptop, attempt.code, "used"), "ACCOUNT_EXISTS");

    const untouched = await initAccount({ dir: devices.dir("untouched"), name: "untouched" });
    const joined = joining(laptop, attempt.code, "untouched");
    await attempt.request;
    await attempt.confirm();
    const { account, device } = await joined;
    equal(account, laptop.account);
    ok(account !== untouched.account && device !== untouched.device);
    const node = await devices.start("untouched");
    deepEqual([node.account, node.device], [account, device]);
    await node.connect(addressOf(laptop));
    equal((await node.sync({ timeoutMs: 10_000 })).inSync, true);
    deepEqual(await entriesOf(devices.dir("untouched")), ["db", "device.key"]);
  });

  it("N9, N10: strangers' nonsense on the link protocol costs the code nothing", async () => {
    const laptop = await devices.found("laptop");
    const attempt = await laptop.devices.link();
    const net = await someNet();
    const nonsense = [
      Uint8Array.of(0),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f),
      Uint8Array.of(0x80, 0x80, 0x40, 1),
      Uint8Array.of(34, 1, 2, ...new Uint8Array(32)),
      Uint8Array.of(2, 99, 1),
      new Uint8Array(100_000),
    ];
    for (const bytes of nonsense) {
      const stream = await net.dial(addressOf(laptop), LINK_PROTOCOL, 5_000);
      stream.sink(one(bytes)).catch(() => undefined);
      const answer = await all(stream.source);
      equal(answer.length, 0);
      stream.abort();
    }
    await assertJoins(laptop, attempt, devices);
  });
});

async function assertJoins(laptop: KinlogNode, attempt: LinkAttempt, devices: TestDevices): Promise<void> {
  const joined = joinAccount({
    dir: devices.dir("phone"),
    code: attempt.code,
    name: "phone",
    address: addressOf(laptop),
  });
  await Promise.all([joined, attempt.request.then(() => attempt.confirm())]);
}

/** A new code may be opened once the one before is over. */
async function untilFree(node: KinlogNode): Promise<void> {
  for (;;) {
    try {
      await (await node.devices.link()).cancel();
      return;
    } catch (error) {
      if (!isEngineError(error, "REQUEST_INVALID")) throw error;
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

async function entriesOf(dir: string): Promise<readonly string[]> {
  return (await readdir(dir)).toSorted();
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of source) chunks.push(chunk);
  } catch (error) {
    if (!isEngineError(error)) throw error;
  }
  return Buffer.concat(chunks);
}
