/** Entries of control logs that nobody can read: docs/spec/membership.md, "Control entry". */
import { deepEqual, equal } from "node:assert/strict";
import { batchOfAppend, LogAppender } from "../../../src/core/log/appender.ts";
import { signHead } from "../../../src/core/log/head.ts";
import { leavesOf } from "../../../src/core/log/header.ts";
import type { BatchEntry } from "../../../src/core/log/types.ts";
import { encodeControl } from "../../../src/core/membership/operation.ts";
import type { ControlBody } from "../../../src/core/membership/types.ts";
import { CONTROL_KIND } from "../../../src/app/replica/control-book.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { batchesOf, ownLog, TestDevice } from "../../support/replicas.ts";

const entryOf = (bytes: Uint8Array, kind = CONTROL_KIND): BatchEntry => ({
  kind,
  state: "present",
  payloadLength: bytes.length,
  bytes,
});

describe("Control entries that nobody can read", function () {
  this.timeout(20_000);

  it("C4: keep their places, so that what their author writes after them counts, after a restart too", async () => {
    const laptop = await TestDevice.found(new ManualClock());
    const phone = await laptop.admit("phone", 2);
    await laptop.ingest(await batchesOf(phone.replica), phone.replica);
    const { replica } = phone;
    const log = ownLog(replica, "control");
    const known = replica.frontier.get(log);
    const body: ControlBody = { kind: "cloud", address: "/dns4/cloud", peerKey: new Uint8Array(32).fill(7) };
    const after = encodeControl({ parents: replica.members.heads, rootSignature: null, body });
    const entries = [
      entryOf(Uint8Array.of(1, 200, 1)),
      entryOf(after, { ...CONTROL_KIND, flags: 0 }),
      entryOf(after),
    ];
    const appended = LogAppender.at(known).append(leavesOf(entries));
    const { length, root, peaks } = appended.next;
    const head = signHead(replica.signingKey, { account: replica.account, log, length, root });
    const adoption = { from: appended.from, head, peaks, nodes: [] };
    await laptop.replica.writer.ingest(batchOfAppend(appended, head, entries), adoption);

    deepEqual(laptop.replica.members.cloud, { address: body.address, peerKey: body.peerKey });
    equal(laptop.replica.members.devices.get(replica.self)?.state, "active");
    await laptop.restart();
    deepEqual(laptop.replica.members.cloud, { address: body.address, peerKey: body.peerKey });
  });
});
