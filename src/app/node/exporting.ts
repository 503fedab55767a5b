/** Everything a person could read, as lines of Kinlog's own JSONL. Format: docs/spec/export.md. */
import type { Replica } from "../replica/replica.ts";
import type { InboxReader } from "./inbox-reader.ts";
import type { OnProgress } from "./types.ts";

export async function* exportLines(_input: {
  readonly replica: Replica;
  readonly inbox: InboxReader;
  readonly onProgress: OnProgress | undefined;
}): AsyncGenerator<string, void, undefined> {
  yield* [];
}
