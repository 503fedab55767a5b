/** A message of a kind that only a newer Kinlog knows. */
import { entryAssociated } from "../../src/core/crypto/derive.ts";
import { pad, seal, SEAL_OVERHEAD_BYTES } from "../../src/core/crypto/seal.ts";
import { encodeOperation } from "../../src/core/inbox/operation.ts";
import { batchOfAppend, LogAppender } from "../../src/core/log/appender.ts";
import { signHead } from "../../src/core/log/head.ts";
import { headerWithoutHash, leavesOf } from "../../src/core/log/header.ts";
import type { BatchEntry } from "../../src/core/log/types.ts";
import type { Replica } from "../../src/app/replica/replica.ts";
import { idOf } from "./operations.ts";
import { messageBody, ownLog } from "./replicas.ts";

const KIND_AT = 1;

/** As a newer version of `writer` would append it as its first message: the front of a message, a kind of its own, and more behind. */
export async function takeLaterMessage(writer: Replica, reader: Replica): Promise<void> {
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
