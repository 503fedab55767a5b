/**
 * A thread of its own that reads a file: unpacking, parsing and the keyed hashes that make ids cost as much as taking the
 * messages in, so that both together take half as long on two cores. Started by open-import.ts; no further ahead of it than
 * `BATCHES_AHEAD`. Tests: test/integration/gateways/open-import.test.ts.
 */
import { parentPort, workerData } from "node:worker_threads";
import { assert, isEngineError } from "../../core/base/errors.ts";
import type { ImportRecord, ReadRecord, RecordSource } from "../../core/inbox/import-types.ts";
import { TakenInIds } from "../../core/inbox/taken-in.ts";
import {
  BATCHES_AHEAD,
  type ImportOrder,
  type ImportReply,
  type ImportRequest,
  type ImportState,
} from "./import-messages.ts";
import { readFile } from "./read-file.ts";

assert(parentPort !== null, "a file is read in a thread of its own");
const port = parentPort;
let allowed = BATCHES_AHEAD;
let wake: (() => void) | undefined;
port.on("message", (request: ImportRequest) => {
  assert(request === "more", "there is one request");
  allowed++;
  wake?.();
});

await run(workerData as ImportOrder).catch((error: unknown) => {
  if (!isEngineError(error)) throw error;
  say({ kind: "failed", code: error.code, message: error.message, remedy: error.remedy });
});
port.close();

async function run({ path, format, indexKey }: ImportOrder): Promise<void> {
  const source = await readFile(path, format);
  say({ kind: "opened", format: source.format });
  const ids = new TakenInIds(indexKey);
  const stateOf = createStateOf(source);
  for await (const batch of source) {
    const records = batch.map((record) => withId(record, ids));
    while (allowed === 0) await asked();
    allowed--;
    say({ kind: "records", records, state: stateOf() });
  }
  say({ kind: "ended", state: stateOf() });
}

/** Not a copy: nobody else has the record, and one of each message would cost as much as its id. */
function withId(record: ReadRecord, ids: TakenInIds): ImportRecord {
  return record.kind === "taken-in" ? Object.assign(record, { id: ids.next(record) }) : record;
}

function createStateOf(source: RecordSource<ReadRecord>): () => ImportState {
  let told = 0;
  return () => {
    const { skipped, bytesRead, bytesTotal } = source;
    const problems = source.problems.slice(told);
    told += problems.length;
    return { skipped, bytesRead, bytesTotal, problems };
  };
}

function asked(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve;
  });
}

function say(reply: ImportReply): void {
  port.postMessage(reply);
}
