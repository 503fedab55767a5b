/** Threat L15: a message of a kind that only a newer Kinlog knows, written by a newer device, on a device that is older. */
import { deepEqual, equal } from "node:assert/strict";
import { signHead } from "../../../src/core/log/head.ts";
import { entryAssociated } from "../../../src/core/crypto/derive.ts";
import { pad, seal, SEAL_OVERHEAD_BYTES } from "../../../src/core/crypto/seal.ts";
import { encodeOperation } from "../../../src/core/inbox/operation.ts";
import { batchOfAppend, LogAppender } from "../../../src/core/log/appender.ts";
import { headerWithoutHash, leavesOf } from "../../../src/core/log/header.ts";
import type { BatchEntry } from "../../../src/core/log/types.ts";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import type { Message } from "../../../src/app/node/types.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idOf } from "../../support/operations.ts";
import { batchesOf, draftOf, messageBody, ownLog, TestDevice } from "../../support/replicas.ts";

const KIND_AT = 1;

/** As a newer version of `writer` would append it as its first message: the front of a message, a kind of its own, and more behind. */
async function takeLaterMessage(writer: Replica, reader: Replica): Promise<void> {
  const { account, self, members, keys, signingKey } = writer;
  const log = ownLog(writer, "messages");
  const operation = {
    id: idOf(64),
    author: self,
    stamp: { ms: 1_750_000_000_000, counter: 0 },
    body: messageBody(""),
  };
  const payload = Uint8Array.of(...encodeOperation(operation, { logDevice: self }), 1, 2, 3);
  payload[KIND_AT] = 64;
  const plaintext = pad(payload);
  const epoch = members.sealing!;
  const kind = { version: 1, flags: 0, epoch };
  const payloadLength = plaintext.length + SEAL_OVERHEAD_BYTES;
  const header = { headerWithoutHash: headerWithoutHash(kind, payloadLength) };
  const associated = entryAssociated({ account, log, position: 0, ...header });
  const bytes = seal({ key: keys.key(epoch)!, nonce: new Uint8Array(24), plaintext, associated });
  const entries: readonly BatchEntry[] = [{ kind, state: "present", payloadLength, bytes }];
  const appended = LogAppender.at(undefined).append(leavesOf(entries));
  const { length, root, peaks } = appended.next;
  const head = signHead(signingKey, { account, log, length, root });
  await reader.writer.ingest(batchOfAppend(appended, head, entries), { from: 0, head, peaks, nodes: [] });
}

async function shown(replica: Replica): Promise<readonly Message[]> {
  const inbox = new InboxReader(replica, () => ({ here: true, devices: [], cloud: null }));
  const id = replica.fold!.conversationOf("Zoë");
  const read = await inbox.messages(id, { limit: 10, before: null, deleted: false });
  return read.map((message) => inbox.message(message, undefined));
}

describe("L15: a message of a later kind", () => {
  it("is shown in its place as one that needs a newer Kinlog, and counted; what refers to it counts as well", async () => {
    const clock = new ManualClock();
    const newer = await TestDevice.found(clock);
    const older = await newer.admit("phone", 2);
    await older.ingest(await batchesOf(newer.replica, { logClass: "control" }), newer.replica);
    await takeLaterMessage(newer.replica, older.replica);
    const target = { conversation: older.replica.fold!.conversationOf("Zoë"), message: idOf(64) };
    await older.replica.writer.append([
      draftOf(older, messageBody("hi")),
      draftOf(older, { kind: "reaction", ...target, sender: null, emoji: "\u{1f44d}", removed: false }),
    ]);
    const expected = [
      { text: "", needsUpdate: true, reactions: 1, conversation: "Zoë" },
      { text: "hi", needsUpdate: false, reactions: 0, conversation: "Zoë" },
    ];
    const brief = (messages: readonly Message[]): unknown =>
      messages.map(({ text, needsUpdate, reactions, conversation }) => ({
        text,
        needsUpdate,
        reactions: reactions.length,
        conversation,
      }));
    deepEqual(brief(await shown(older.replica)), expected);
    equal(older.replica.ledger.counts.unknown, 1);

    // After an upgrade the view is built anew from the logs, and nothing is counted twice.
    await older.replica.writer.remember(new Map([[META.viewVersion, Uint8Array.of(1)]]));
    const replica = await older.restart();
    deepEqual(brief(await shown(replica)), expected);
    equal(replica.ledger.counts.unknown, 1);
  });
});
