/**
 * A member that links by the rules and then sends what it likes: the member's side of docs/spec/link.md, written once more, with a
 * place where its answer can be altered.
 */
import { ByteWriter } from "../../src/core/base/byte-writer.ts";
import { bytesToId, idBytes } from "../../src/core/base/ids.ts";
import type { AccountId, DeviceId } from "../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../src/core/base/ports.ts";
import type { ByteStream } from "../../src/core/sync/ports.ts";
import { LINK_KIND, LinkChannel } from "../../src/app/link/link-channel.ts";
import { passwordOfWords } from "../../src/app/link/link-code.ts";
import type { Replica } from "../../src/app/replica/replica.ts";

const SOON_MS = 10_000;

export interface Answer {
  account: AccountId;
  linkedBy: string;
  name: string;
  /** How many batches are promised. */
  count: number;
  batches: Uint8Array[];
}

/** Answers one stream. `admits` false: the account that is sent does not know the new device. */
export async function answerAsMember(
  stream: ByteStream,
  replica: Replica,
  lie: { readonly code: string; readonly admits: boolean; readonly alter: (answer: Answer) => void },
): Promise<void> {
  const { ports, self } = replica;
  const channel = new LinkChannel(stream, ports);
  const soon = (): MonotonicMs => (ports.clock.monotonicMs() + SOON_MS) as MonotonicMs;
  await channel.greet(soon());
  const share = await channel.receive(LINK_KIND.share, soon());
  share.u8();
  const own = channel.share(passwordOfWords(lie.code));
  channel.send(LINK_KIND.shareBack, own.share);
  if (!channel.finish(own, share.raw(32)) || !(await channel.isConfirmed(soon()))) {
    channel.end("wrong");
    return;
  }
  channel.confirm();
  const request = await channel.receiveSealed(LINK_KIND.request, soon());
  const device = bytesToId<DeviceId>(request.raw(32));
  const openKey = request.raw(32).slice();
  const name = request.text(256);
  if (lie.admits) {
    const wraps = await replica.keys.wrapAllFor({ device, openKey }, replica.members, ports.entropy);
    await replica.writer.appendControl([
      { kind: "admit", device, openKey, wraps, epochs: wraps.map(({ epoch }) => epoch) },
    ]);
  }
  const batches = await controlBatches(replica);
  const answer: Answer = {
    account: replica.account,
    linkedBy: "member",
    name,
    count: batches.length,
    batches,
  };
  lie.alter(answer);
  const decision = new ByteWriter()
    .u8(1)
    .raw(idBytes(answer.account))
    .raw(idBytes(self))
    .text(answer.linkedBy)
    .text(answer.name)
    .uint(answer.count);
  channel.sendSealed(LINK_KIND.decision, decision.finish());
  for (const batch of answer.batches) channel.sendSealed(LINK_KIND.batch, batch);
  channel.closeAfter(channel.gone());
}

async function controlBatches(replica: Replica): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = [];
  for (const owner of replica.members.logs.values()) {
    const state = replica.frontier.get(owner.log);
    if (state === undefined || owner.logClass !== "control") continue;
    const { head } = state;
    const want = { head, ranges: [{ from: 0, to: head.length }], bytesMax: 300, newestFirst: false };
    for await (const { bytes } of replica.ports.store.batches(want)) batches.push(bytes.slice());
  }
  return batches;
}
