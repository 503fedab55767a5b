/** Fuzzed: request lines of the local API, down to the params of its methods. Format: docs/spec/api.md. */
import { setImmediate as soon } from "node:timers/promises";
import { utf8 } from "../../../src/core/base/bytes.ts";
import { isErrorCode } from "../../../src/app/api/errors.ts";
import { type Line, LineSplitter } from "../../../src/app/api/line-splitter.ts";
import { createDispatch } from "../../../src/app/api/methods.ts";
import { RequestSession } from "../../../src/app/api/request-session.ts";
import type { KinlogNode } from "../../../src/app/node/types.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type Decoder, promise } from "../decoder.ts";

const LINE_BYTES_MAX = 48;

const lines: Decoder = {
  name: "api-lines",
  group: "api",
  codes: [],
  words: ["\r\n", "\n\n", "\r"],
  samples: () => [utf8("\u0007one\r\ntwo\n\nünï\nend"), utf8(`\u0001${"x".repeat(60)}\nafter`)],
  read: (input) => {
    const bytes = input.subarray(1);
    const cut = split(bytes, 1 + ((input[0] ?? 0) % 16));
    promise(cut === split(bytes, Math.max(1, bytes.length)), "how bytes are cut leaves no trace");
  },
};

function split(bytes: Uint8Array, size: number): string {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const found: Line[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...splitter.take(bytes.subarray(at, at + size)));
  found.push(...splitter.end());
  promise(
    found.filter(({ kind }) => kind === "too-long").length <= 1,
    "nothing is read after a line too long",
  );
  return JSON.stringify(found);
}

/** Every method gives at once whatever it was given, so that params are checked and nothing else happens. */
const node = nodeDouble();

function nodeDouble(): KinlogNode {
  const answer = (): Promise<unknown> => Promise.resolve({ done: 1, text: "x" });
  const part = new Proxy({}, { get: () => answer });
  const parts: Readonly<Record<string, object>> = { messages: part, conversations: part, devices: part };
  return new Proxy({}, { get: (_, name) => parts[String(name)] ?? answer }) as KinlogNode;
}

const requests: Decoder = {
  name: "api-requests",
  group: "api",
  codes: [],
  words: [
    `{"id":1,"method":"`,
    `"params":{`,
    `"cancel":true`,
    `"__proto__":{"a":1}`,
    `"constructor":1`,
    `"id":"`,
    "}\n",
    "messages.send",
    "messages.show",
    "messages.delete",
    "conversations.list",
    "devices.rename",
    "sync",
    "verify",
    "import",
    `"conversation":"Ana"`,
    `"text":"x"`,
    `"limit":`,
    `"ids":[`,
    `"path":"`,
    `"timeoutMs":`,
    "[[[[[[[[",
    "1e400",
    "-0",
    "9007199254740993",
  ],
  samples: () =>
    [
      `{"id":1,"method":"status"}\n`,
      `{"id":"a","method":"messages.send","params":{"conversation":"Ana","text":"hi","from":null}}\n`,
      `{"id":2,"method":"messages.show","params":{"conversation":"Ana","limit":5,"before":"ab"}}\n{"id":2,"cancel":true}\n`,
      `{"id":3,"method":"messages.delete","params":{"ids":["ab","cd"]}}\n{"id":3,"method":"verify","params":{"repair":true}}\n`,
      `{"id":4,"method":"sync","params":{"timeoutMs":0}}\n{"id":5,"method":"import","params":{"path":"x","format":"jsonl"}}\n`,
      `{"id":6,"method":"conversations.delete","params":{"conversation":"Ana","before":"2026-01-31T00:00:00.000Z"}}\n`,
      `{"id":7,"method":"devices.link.answer","params":{"accept":true}}\n{"id":8,"method":"join","params":{"code":"1-a-b","name":"x"}}\n`,
    ].map(utf8),
  read: async (input) => {
    const written: string[] = [];
    const dispatch = createDispatch({
      node: () => node,
      successor: () => Promise.resolve(null),
      clock: new ManualClock(),
      stop: () => Promise.resolve(),
      join: () => Promise.resolve({ account: "a", device: "b", name: "c", linkedBy: "d" }),
    });
    const session = new RequestSession(
      (method, params, call) => withoutStreams(dispatch, method, params, call),
      {
        write: (line) => Promise.resolve(void written.push(line)),
        isFull: () => false,
      },
    );
    const splitter = new LineSplitter(64 * 1024);
    let taken = 0;
    for (const line of [...splitter.take(input), ...splitter.end()]) {
      taken++;
      if (!(await session.take(line))) break;
    }
    await session.finish();
    await soon();
    for (const line of written) checkReply(line);
    promise(written.length <= 2 * taken, "no line has more than an answer and a cancellation");
  },
};

/** Streams of events never end by themselves, so what opens one is left to other tests. */
const STREAMS: ReadonlySet<string> = new Set(["events", "export", "devices.link", "conversations.delete"]);

function withoutStreams(
  dispatch: ReturnType<typeof createDispatch>,
  ...[method, params, call]: Parameters<ReturnType<typeof createDispatch>>
): Promise<unknown> {
  return STREAMS.has(method) ? Promise.resolve(null) : dispatch(method, params, call);
}

function checkReply(line: string): void {
  promise(line.endsWith("\n") && line.indexOf("\n") === line.length - 1, "an answer is one line");
  const reply = JSON.parse(line) as { readonly id?: unknown; readonly error?: { readonly code: string } };
  promise("id" in reply, "an answer names its request");
  if (reply.error === undefined) return;
  promise(isErrorCode(reply.error.code), "an error has a code that is documented");
  promise(reply.error.code !== "UNEXPECTED", `no request breaks a method: ${line.trim()}`);
}

export const apiDecoders: readonly Decoder[] = [lines, requests];
