/**
 * A file for import: read by a thread of its own (import-thread.ts), taken at the pace of whoever iterates.
 * Tests: test/integration/gateways/open-import.test.ts.
 */
import { Worker } from "node:worker_threads";
import { assert, EngineError } from "../../core/base/errors.ts";
import type {
  ImportFormat,
  ImportProblem,
  ImportRecord,
  ImportSource,
} from "../../core/inbox/import-types.ts";
import type { ImportOrder, ImportReply, ImportRequest, ImportState } from "./import-messages.ts";

const THREAD = new URL("./import-thread.js", import.meta.url);

/** An element has 4 MiB at most and a batch 500 records; without these the collector lets garbage grow to many times that. */
const THREAD_HEAP = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 } as const;

/**
 * The format by what is in the file, unless one is given. What is opened must be iterated: its end ends the thread.
 *
 * @throws EngineError `IMPORT_NOT_FOUND`, `IMPORT_FORMAT_UNKNOWN`, `IMPORT_MALFORMED`; iterating throws what RecordSource says.
 */
export async function openImport(order: ImportOrder): Promise<ImportSource> {
  const replies = new Replies(order);
  try {
    const first = await replies.next();
    assert(first.kind === "opened", "a thread says first what it reads");
    return new ThreadSource(first.format, replies);
  } catch (error) {
    await replies.end();
    throw error;
  }
}

class ThreadSource implements ImportSource {
  readonly format: ImportFormat;
  readonly problems: ImportProblem[] = [];
  skipped = 0;
  bytesRead = 0;
  bytesTotal = 0;
  readonly #replies: Replies;

  constructor(format: ImportFormat, replies: Replies) {
    this.format = format;
    this.#replies = replies;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly ImportRecord[], void, undefined> {
    try {
      for (;;) {
        const reply = await this.#replies.next();
        assert(reply.kind !== "opened", "a file is opened once");
        this.#note(reply.state);
        if (reply.kind === "ended") return;
        this.#replies.askMore();
        yield reply.records;
      }
    } finally {
      await this.#replies.end();
    }
  }

  #note({ skipped, bytesRead, bytesTotal, problems }: ImportState): void {
    this.skipped = skipped;
    this.bytesRead = bytesRead;
    this.bytesTotal = bytesTotal;
    this.problems.push(...problems);
  }
}

type Reply = Exclude<ImportReply, { readonly kind: "failed" }>;

/** What the thread says, one after the other; its failure is thrown where it stands in the order. */
class Replies {
  readonly #worker: Worker;
  readonly #waiting: ImportReply[] = [];
  #broken: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(order: ImportOrder) {
    this.#worker = new Worker(THREAD, { workerData: order, resourceLimits: THREAD_HEAP });
    this.#worker.on("message", (reply: ImportReply) => {
      this.#waiting.push(reply);
      this.#wake?.();
    });
    const fail = (error: Error): void => {
      this.#broken ??= error;
      this.#wake?.();
    };
    this.#worker.on("error", fail);
    this.#worker.on("exit", () => fail(new Error("the thread that reads the file has ended")));
  }

  /** @throws EngineError what reading threw. */
  async next(): Promise<Reply> {
    for (;;) {
      const reply = this.#waiting.shift();
      if (reply !== undefined) {
        if (reply.kind !== "failed") return reply;
        const { code, message, remedy } = reply;
        throw new EngineError(code, message, remedy === undefined ? {} : { remedy });
      }
      if (this.#broken !== undefined) throw this.#broken;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  askMore(): void {
    this.#worker.postMessage("more" satisfies ImportRequest);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
