/** What this device writes itself: a random id, and a stamp that the writer's turn gives. */
import { bytesToId } from "../../core/base/ids.ts";
import type { MessageId } from "../../core/base/ids.ts";
import type { Draft, OperationBody } from "../../core/inbox/types.ts";
import type { Replica } from "../replica/replica.ts";

export function freshDraft(replica: Replica, body: OperationBody): Draft {
  return {
    id: bytesToId<MessageId>(replica.ports.entropy.bytes(16)),
    author: replica.self,
    stamp: null,
    body,
  };
}
