/** Threat L15: a message of a kind that only a newer Kinlog knows, written by a newer device, on a device that is older. */
import { deepEqual, equal } from "node:assert/strict";
import { InboxReader } from "../../../src/app/node/inbox-reader.ts";
import type { Message } from "../../../src/app/node/types.ts";
import { META } from "../../../src/app/replica/meta-names.ts";
import type { Replica } from "../../../src/app/replica/replica.ts";
import { takeLaterMessage } from "../../support/later-message.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { idOf } from "../../support/operations.ts";
import { batchesOf, draftOf, messageBody, TestDevice } from "../../support/replicas.ts";

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
