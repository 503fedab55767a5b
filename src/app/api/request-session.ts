/**
 * The answering side of one connection of the local API: reads request lines, runs them side by side, writes what they give. Knows no
 * socket: lines come in by `take` and go out by an outlet. Spec: docs/spec/api.md. Tests: test/unit/api/request-session.test.ts.
 */
import { describeError, EngineError } from "./errors.ts";
import type { Line } from "./line-splitter.ts";
import type { Call, Dispatch, Lasting } from "./method-entry.ts";
import { lastingOf } from "./methods.ts";
import { IN_FLIGHT_MAX, LINE_BYTES_MAX } from "./protocol.ts";

const ID_CHARACTERS_MAX = 64;
/** Requests that wait for their turn; beyond them nothing more is read. */
const WAITING_MAX = 256;
/** UTF-8 never takes more bytes for one UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

type RequestId = number | string;

/** Where lines go. */
export interface Outlet {
  /** Resolves when there is room for more; also where nobody reads any more. */
  readonly write: (line: string) => Promise<void>;
  /** True while what was written waits for its reader. */
  readonly isFull: () => boolean;
}

interface Waiting {
  readonly id: RequestId;
  readonly method: string;
  readonly params: unknown;
}

interface Running {
  readonly lasts: Lasting;
  readonly ending: AbortController;
}

export class RequestSession {
  readonly #dispatch: Dispatch;
  readonly #outlet: Outlet;
  readonly #running = new Map<RequestId, Running>();
  #waiting: Waiting[] = [];
  #closed: EngineError | null = null;
  #idle: (() => void)[] = [];
  #room: (() => void)[] = [];

  constructor(dispatch: Dispatch, outlet: Outlet) {
    this.#dispatch = dispatch;
    this.#outlet = outlet;
  }

  /** Resolves when the next line may be read. False: nothing more is to be read on this connection. */
  async take(line: Line): Promise<boolean> {
    switch (line.kind) {
      case "too-long":
        await this.#writeError(
          null,
          new EngineError("REQUEST_TOO_LARGE", `a request is longer than ${LINE_BYTES_MAX} bytes`),
        );
        return false;
      case "not-utf8":
        await this.#writeError(null, new EngineError("REQUEST_INVALID", "a request is not UTF-8"));
        return true;
      case "line":
        if (line.text.trim() !== "") await this.#takeText(line.text);
        return true;
    }
  }

  /** No more requests come: those that need their caller end now, the others are answered first. */
  async finish(): Promise<void> {
    for (const { lasts, ending } of this.#running.values()) {
      if (needsCaller(lasts)) ending.abort(new EngineError("ABORTED", "the input has ended"));
    }
    const ended = this.#waiting.filter(({ method }) => needsCaller(lastingOf(method)));
    this.#waiting = this.#waiting.filter((request) => !ended.includes(request));
    for (const { id } of ended) await this.#writeError(id, new EngineError("ABORTED", "the input has ended"));
    await this.#untilIdle(() => this.#running.size === 0 && this.#waiting.length === 0);
  }

  /** The node closes: what waits for something is broken off; resolves when what ends soon has been answered. */
  async drain(): Promise<void> {
    this.#closed ??= closing();
    for (const { lasts, ending } of this.#running.values()) {
      if (lasts === "waiting" || lasts === "attended") ending.abort(this.#closed);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#wake();
    for (const { id } of waiting) await this.#writeError(id, this.#closed);
    await this.#untilIdle(() => [...this.#running.values()].every(({ lasts }) => isLast(lasts)));
  }

  /** Resolves when everything has been answered. */
  answered(): Promise<void> {
    return this.#untilIdle(() => this.#running.size === 0);
  }

  /** Nobody is there any more, or nobody may wait any longer. */
  abort(reason: EngineError): void {
    this.#closed ??= reason;
    this.#waiting = [];
    for (const { ending } of this.#running.values()) ending.abort(reason);
    this.#wake();
  }

  async #takeText(text: string): Promise<void> {
    let fields: ReadonlyMap<string, unknown>;
    try {
      fields = fieldsOf(JSON.parse(text));
    } catch (cause) {
      if (!(cause instanceof SyntaxError || cause instanceof EngineError)) throw cause;
      return this.#writeError(
        null,
        new EngineError("REQUEST_INVALID", "a request must be one JSON object a line"),
      );
    }
    const id = fields.get("id");
    if (!isId(id)) {
      return this.#writeError(
        null,
        new EngineError(
          "REQUEST_INVALID",
          `id must be a whole number or a text of 1 to ${ID_CHARACTERS_MAX}`,
        ),
      );
    }
    if (fields.get("cancel") === true) return this.#cancel(id);
    const method = fields.get("method");
    const unknown = [...fields.keys()].find(
      (name) => name !== "id" && name !== "method" && name !== "params",
    );
    if (typeof method !== "string" || unknown !== undefined) {
      const why =
        unknown === undefined ? "method must be a text" : "a request has id, method and params only";
      return this.#writeError(id, new EngineError("REQUEST_INVALID", why));
    }
    if (this.#running.has(id) || this.#waiting.some((waiting) => waiting.id === id)) {
      return this.#writeError(id, new EngineError("REQUEST_INVALID", "a request with this id is under way"));
    }
    return this.#admit({ id, method, params: fields.get("params") });
  }

  async #admit(request: Waiting): Promise<void> {
    if (this.#closed !== null) return this.#writeError(request.id, this.#closed);
    if (this.#running.size < IN_FLIGHT_MAX) {
      this.#start(request);
      return;
    }
    this.#waiting.push(request);
    while (this.#waiting.length >= WAITING_MAX)
      await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  async #cancel(id: RequestId): Promise<void> {
    const reason = new EngineError("ABORTED", "the request was cancelled");
    if (this.#waiting.some((waiting) => waiting.id === id)) {
      this.#waiting = this.#waiting.filter((waiting) => waiting.id !== id);
      return this.#writeError(id, reason);
    }
    // One that was answered meanwhile is nobody's fault.
    this.#running.get(id)?.ending.abort(reason);
  }

  #start(request: Waiting): void {
    const ending = new AbortController();
    this.#running.set(request.id, { lasts: lastingOf(request.method), ending });
    void this.#run(request, ending.signal);
  }

  /** Never rejects: whatever happens becomes the answer, and an outlet does not fail. */
  async #run({ id, method, params }: Waiting, signal: AbortSignal): Promise<void> {
    const call: Call = {
      signal,
      emit: (event) => this.#outlet.write(`${JSON.stringify({ id, event })}\n`),
      tell: (event) => {
        if (!this.#outlet.isFull()) void this.#outlet.write(`${JSON.stringify({ id, event })}\n`);
      },
    };
    try {
      await this.#writeResult(id, await this.#dispatch(method, params, call));
    } catch (error) {
      await this.#writeError(id, error);
    }
    this.#running.delete(id);
    const next = this.#waiting.shift();
    if (next !== undefined) this.#start(next);
    this.#wake();
  }

  /** A list that fits no line comes in parts, the last of them as the result. */
  async #writeResult(id: RequestId, result: unknown): Promise<void> {
    const line = `${JSON.stringify({ id, result })}\n`;
    if (fitsLine(line)) return this.#outlet.write(line);
    if (!Array.isArray(result) || result.length < 2) {
      throw new EngineError("REQUEST_TOO_LARGE", "the answer is longer than a line may be");
    }
    const items: readonly unknown[] = result;
    const middle = Math.floor(items.length / 2);
    await this.#writePart(id, items.slice(0, middle));
    return this.#writeResult(id, items.slice(middle));
  }

  async #writePart(id: RequestId, part: readonly unknown[]): Promise<void> {
    const line = `${JSON.stringify({ id, part })}\n`;
    if (fitsLine(line)) return this.#outlet.write(line);
    if (part.length < 2) throw new EngineError("REQUEST_TOO_LARGE", "one item is longer than a line may be");
    const middle = Math.floor(part.length / 2);
    await this.#writePart(id, part.slice(0, middle));
    return this.#writePart(id, part.slice(middle));
  }

  #writeError(id: RequestId | null, error: unknown): Promise<void> {
    return this.#outlet.write(`${JSON.stringify({ id, error: describeError(error) })}\n`);
  }

  async #untilIdle(isIdle: () => boolean): Promise<void> {
    while (!isIdle()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #wake(): void {
    const sleepers = [...this.#idle, ...(this.#waiting.length < WAITING_MAX ? this.#room : [])];
    this.#idle = [];
    if (this.#waiting.length < WAITING_MAX) this.#room = [];
    for (const wake of sleepers) wake();
  }
}

function closing(): EngineError {
  return new EngineError("NODE_CLOSED", "the node is ending");
}

function needsCaller(lasts: Lasting): boolean {
  return lasts === "endless" || lasts === "attended";
}

function isLast(lasts: Lasting): boolean {
  return lasts === "endless" || lasts === "ending";
}

function isId(id: unknown): id is RequestId {
  return typeof id === "string" ? id.length > 0 && id.length <= ID_CHARACTERS_MAX : Number.isSafeInteger(id);
}

/** Only own keys count (threat U3). @throws EngineError */
function fieldsOf(request: unknown): ReadonlyMap<string, unknown> {
  if (typeof request !== "object" || request === null || Array.isArray(request)) {
    throw new EngineError("REQUEST_INVALID", "a request must be an object");
  }
  return new Map<string, unknown>(Object.entries(request));
}

function fitsLine(line: string): boolean {
  if (line.length * BYTES_PER_UNIT_MAX <= LINE_BYTES_MAX) return true;
  return line.length <= LINE_BYTES_MAX && new TextEncoder().encode(line).length <= LINE_BYTES_MAX;
}
