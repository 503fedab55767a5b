/** C9: a member that knows the code and lies about the account: the new device's directory stays as it was. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AccountId } from "../../../src/core/base/ids.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import type { Net } from "../../../src/core/sync/ports.ts";
import { LINK_PROTOCOL } from "../../../src/app/link/link-channel.ts";
import { openReplica } from "../../../src/app/node/device-directory.ts";
import { deviceDirectory } from "../../../src/app/node/machine-directory.ts";
import { joinAccount } from "../../../src/app/node/join-account.ts";
import { initAccount } from "../../../src/app/node/open-node.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { createNet } from "../../../src/io/net/create-net.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { LOOPBACK, TestDevices } from "../../support/devices.ts";
import { type Answer, answerAsMember } from "../../support/lying-member.ts";

describe("A new device before a member that lies", function () {
  this.timeout(40_000);
  let devices: TestDevices;
  let net: Net;
  let replica: Replica;
  beforeEach(async () => {
    devices = await TestDevices.create();
    net = await createNet({ listen: [LOOPBACK] });
    await initAccount({ dir: devices.dir("liar"), name: "liar" });
    ({ replica } = await openReplica(deviceDirectory(devices.dir("liar"))));
  });
  afterEach(async () => {
    await net.close();
    await replica.close();
    await devices.cleanup();
  });

  async function joinLiar(
    name: string,
    alter: (answer: Answer) => void,
    admits = true,
  ): ReturnType<typeof joinAccount> {
    const code = "42-zoo-zone";
    net.handle(LINK_PROTOCOL, (stream) => {
      answerAsMember(stream, replica, { code, admits, alter }).catch(() => stream.abort());
    });
    return joinAccount({ dir: devices.dir(name), code, name, address: net.addresses()[0]! });
  }

  const lies: readonly (readonly [string, (answer: Answer) => void])[] = [
    ["another account's name", (answer) => (answer.account = "ab".repeat(32) as AccountId)],
    ["an altered entry", ({ batches }) => (batches[0]![batches[0]!.length - 1]! ^= 1)],
    ["an altered signature", ({ batches }) => (batches[0]![32 + 3 + 40]! ^= 1)],
    ["a batch cut short", ({ batches }) => (batches[0] = batches[0]!.subarray(0, 50))],
    ["no genesis", ({ batches }) => batches.fill(batches.at(-1)!)],
    ["nothing", (answer) => ((answer.count = 0), (answer.batches.length = 0))],
    ["less than was promised", ({ batches }) => batches.pop()],
    ["more than may be", (answer) => (answer.count = 5_000)],
  ];
  for (const [what, alter] of lies) {
    it(`C9: ${what}: nothing is written`, async () => {
      await mkdir(devices.dir("phone"), { mode: 0o700 });
      await rejects(joinLiar("phone", alter), (error) => isEngineError(error));
      deepEqual(await entriesOf(devices.dir("phone")), []);
    });
  }

  it("C9: an account that does not know the new device is none", async () => {
    await assertRejectsWithCode(
      joinLiar("phone", () => undefined, false),
      "NOT_A_MEMBER",
    );
    deepEqual(await entriesOf(devices.dir("phone")), []);
  });

  it("C9: an untouched account stays as it was", async () => {
    await initAccount({ dir: devices.dir("phone"), name: "phone" });
    const key = await readFile(join(devices.dir("phone"), "device.key"));
    await rejects(joinLiar("phone", ({ batches }) => batches.pop()));
    await assertRejectsWithCode(
      joinLiar("phone", () => undefined, false),
      "NOT_A_MEMBER",
    );
    deepEqual(await readFile(join(devices.dir("phone"), "device.key")), key);
    deepEqual(await entriesOf(devices.dir("phone")), ["db", "device.key"]);
    equal((await devices.start("phone")).name, "phone");
  });

  it("what is true is taken", async () => {
    const joined = await joinLiar("phone", () => undefined);
    equal(joined.account, replica.account);
    deepEqual(await entriesOf(devices.dir("phone")), ["db", "device.key"]);
  });
});

async function entriesOf(dir: string): Promise<readonly string[]> {
  return (await readdir(dir)).toSorted();
}
