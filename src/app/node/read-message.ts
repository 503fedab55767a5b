/** A message that was read, opened, and what its operations say to people. Tests: test/integration/app/inbox.test.ts. */
import type { Operation, OperationBody } from "../../core/inbox/types.ts";
import type { OrderedMessage } from "../../core/inbox/view.ts";
import type { ReadMarks } from "./marks-reader.ts";

type MessageBody = Extract<OperationBody, { kind: "message" }>;

/** A message found by the view, opened. */
export interface ReadMessage {
  readonly ordered: OrderedMessage;
  /** As it was written; of a kind that only a newer Kinlog reads with an empty text. */
  readonly operation: Operation & { readonly body: MessageBody };
  /** What was said of it afterwards. */
  readonly marks: ReadMarks;
}

/** As it counts now: nothing of a message that was unsent. */
export function textOf({ ordered, operation, marks }: ReadMessage): string {
  return ordered.unsent ? "" : (marks.edit?.text ?? operation.body.text);
}

/** What this version reads of a message, also of one of a later kind. */
export function messageBodyOf(body: OperationBody): MessageBody | null {
  if (body.kind === "message") return body;
  if (body.kind !== "later-message") return null;
  const { conversation, direction, service, sentAtMs, takenIn, readAtSource } = body;
  const unknown = { sender: null, text: "", receivedAtMs: null, replyTo: null };
  return { kind: "message", conversation, direction, service, sentAtMs, takenIn, readAtSource, ...unknown };
}

/** The address, title, draft or name that an operation gives; null where it gives none, or an empty one. */
export function nameIn(operation: Operation | null): string | null {
  switch (operation?.body.kind) {
    case "message":
    case "later-message":
      return operation.body.conversation;
    case "title":
      return operation.body.title === "" ? null : operation.body.title;
    case "draft":
      return operation.body.text;
    case "device-name":
      return operation.body.name;
    default:
      return null;
  }
}
