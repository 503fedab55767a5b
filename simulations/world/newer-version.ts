/**
 * What a later version of the program writes and this one does not know: an entry of another version, or an operation of another kind.
 * Everyone must keep it, pass it on and count it. The bytes are made here, and signed as any other entry of the device.
 */
import type { LogId } from "../../src/core/base/ids.ts";
import { bytesToId } from "../../src/core/base/ids.ts";
import { entryAssociated, logIdOf } from "../../src/core/crypto/derive.ts";
import { NONCE_BYTES, pad, seal, SEAL_OVERHEAD_BYTES } from "../../src/core/crypto/seal.ts";
import { encodeOperation } from "../../src/core/inbox/operation.ts";
import { batchOfAppend, LogAppender } from "../../src/core/log/appender.ts";
import { VIEW_VERSION } from "../../src/core/inbox/rows.ts";
import { signHead } from "../../src/core/log/head.ts";
import { headerWithoutHash, leavesOf } from "../../src/core/log/header.ts";
import { rangeOf } from "../../src/core/log/ranges.ts";
import { adopt, withHeld } from "../../src/core/log/state.ts";
import type { BatchEntry, EntryKind } from "../../src/core/log/types.ts";
import { META } from "../../src/app/replica/meta-names.ts";
import type { Replica } from "../../src/app/replica/replica.ts";

/** A kind of operation far beyond those of this version. */
const OPERATION_KIND = 60;
/** Of those that are kept for messages: docs/spec/inbox.md, "Later kinds of message". */
const MESSAGE_KIND = 64;
/** Behind the version: docs/spec/inbox.md, "Operation". */
const KIND_AT = 1;

/** Where it stands, once it is durable; null where this device cannot write yet. */
export async function writeUnknown(
  replica: Replica,
  what: "entry" | "operation" | "message",
  conversation: string,
): Promise<{ readonly log: LogId; readonly position: number } | null> {
  const { account, self, members, ledger, ports, keys, signingKey } = replica;
  const incarnation = members.devices.get(self)?.incarnations.at(-1);
  const epoch = members.sealing;
  const key = epoch === null ? undefined : keys.key(epoch);
  if (incarnation === undefined || epoch === null || key === undefined) return null;
  const log = logIdOf({ account, device: self, incarnation, logClass: "messages" });
  const known = ledger.tips.get(log);
  const position = known?.head.length ?? 0;
  const place = { account, log, position };
  const kind: EntryKind = { version: what === "entry" ? 2 : 1, flags: 0, epoch };
  const plaintext = pad(plaintextOf(replica, what, conversation));
  const payloadLength = plaintext.length + SEAL_OVERHEAD_BYTES;
  const associated = entryAssociated({ ...place, headerWithoutHash: headerWithoutHash(kind, payloadLength) });
  const bytes = seal({ key, nonce: ports.entropy.bytes(NONCE_BYTES), plaintext, associated });
  const entry: BatchEntry = { kind, state: "present", payloadLength, bytes };
  const appended = LogAppender.at(known).append(leavesOf([entry]));
  const { length, root, peaks } = appended.next;
  const head = signHead(signingKey, { account, log, length, root });
  const batch = batchOfAppend(appended, head, [entry]);
  const state = withHeld(adopt(known, head, peaks), rangeOf(position, length));
  ports.store.numberOf(log);
  await ports.store.commit({
    logs: [{ state, from: position, entries: [entry], leaves: batch.leaves, nodes: batch.nodes }],
    puts: new Map(),
    dels: new Set(),
    // It leaves its own rows behind, and this version builds them anew.
    meta: new Map(what === "message" ? [[META.viewVersion, Uint8Array.of(VIEW_VERSION + 1)]] : []),
  });
  return { log, position };
}

function plaintextOf(
  replica: Replica,
  what: "entry" | "operation" | "message",
  conversation: string,
): Uint8Array {
  if (what === "entry") return replica.ports.entropy.bytes(40);
  return what === "operation" ? unknownOperation(replica) : laterMessage(replica, conversation);
}

/** The front of a message, and behind it what only a later version reads. */
function laterMessage({ self, ports }: Replica, conversation: string): Uint8Array {
  const nowMs = ports.clock.wallMs();
  const front = encodeOperation(
    {
      id: bytesToId(ports.entropy.bytes(16)),
      author: self,
      stamp: { ms: nowMs, counter: 0 },
      body: {
        kind: "message",
        conversation,
        direction: "in",
        service: "kinlog",
        sender: null,
        text: "",
        sentAtMs: nowMs,
        receivedAtMs: null,
        replyTo: null,
        takenIn: false,
        readAtSource: false,
      },
    },
    { logDevice: self },
  );
  front[KIND_AT] = MESSAGE_KIND;
  return Uint8Array.of(...front, ...ports.entropy.bytes(8));
}

/** An operation as any other, but for its kind. */
function unknownOperation({ self, ports, fold }: Replica): Uint8Array {
  const operation = encodeOperation(
    {
      id: bytesToId(ports.entropy.bytes(16)),
      author: self,
      stamp: { ms: 1, counter: 0 },
      body: { kind: "title", conversation: fold!.conversationOf("later"), title: "later" },
    },
    { logDevice: self },
  );
  operation[KIND_AT] = OPERATION_KIND;
  return operation;
}
