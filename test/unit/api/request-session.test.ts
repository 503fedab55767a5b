/** One connection of the local API, without a socket: what comes in, what goes out, and when. Spec: docs/spec/api.md. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { EngineError } from "../../../src/app/api/errors.ts";
import { type Line, LineSplitter } from "../../../src/app/api/line-splitter.ts";
import type { Call } from "../../../src/app/api/method-entry.ts";
import { LINE_BYTES_MAX } from "../../../src/app/api/protocol.ts";
import { RequestSession } from "../../../src/app/api/request-session.ts";
import { settle } from "../../support/manual-clock.ts";

interface Asked {
  readonly method: string;
  readonly params: unknown;
  readonly call: Call;
  readonly answer: (result: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** A session whose requests the test answers, and whose lines it reads. */
class Connection {
  readonly asked: Asked[] = [];
  readonly lines: { readonly id: unknown; readonly [field: string]: unknown }[] = [];
  bytes: number[] = [];
  isFull = false;
  readonly session: RequestSession;

  constructor() {
    const dispatch = async (method: string, params: unknown, call: Call): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      this.asked.push({ method, params, call, answer: resolve, fail: reject });
      call.signal.addEventListener("abort", () => reject(call.signal.reason as Error), { once: true });
      return promise;
    };
    this.session = new RequestSession(dispatch, {
      write: (line) => {
        this.bytes.push(new TextEncoder().encode(line).length);
        this.lines.push(JSON.parse(line) as (typeof this.lines)[number]);
        return Promise.resolve();
      },
      isFull: () => this.isFull,
    });
  }

  take(request: unknown): Promise<boolean> {
    return this.session.take(lineOf(typeof request === "string" ? request : JSON.stringify(request)));
  }

  get codes(): readonly unknown[] {
    return this.lines.map(({ id, error }) => [id, (error as { code?: string } | undefined)?.code]);
  }
}

function lineOf(text: string): Line {
  return { kind: "line", text };
}

describe("A session of the local API", () => {
  it("runs requests side by side and gives results as they are ready", async () => {
    const connection = new Connection();
    for (const id of [1, "two", 3]) await connection.take({ id, method: "status" });
    connection.asked[2]!.answer("c");
    await settle();
    connection.asked[0]!.answer("a");
    connection.asked[1]!.fail(new EngineError("NOT_FOUND", "nothing"));
    await settle();
    deepEqual(
      connection.lines.map(({ id, result, error }) => [id, result ?? (error as { code: string }).code]),
      [
        [3, "c"],
        [1, "a"],
        ["two", "NOT_FOUND"],
      ],
    );
  });

  it("tells events under the request's id, before its result", async () => {
    const connection = new Connection();
    await connection.take({ id: 7, method: "verify", params: {} });
    const { call, answer } = connection.asked[0]!;
    await call.emit({ event: "one" });
    call.tell({ event: "two" });
    answer({ bad: 0 });
    await settle();
    deepEqual(connection.lines, [
      { id: 7, event: { event: "one" } },
      { id: 7, event: { event: "two" } },
      { id: 7, result: { bad: 0 } },
    ]);
  });

  it("leaves out what may be missed while the reader is slow", async () => {
    const connection = new Connection();
    await connection.take({ id: 1, method: "verify" });
    connection.isFull = true;
    connection.asked[0]!.call.tell({ event: "progress" });
    connection.isFull = false;
    connection.asked[0]!.call.tell({ event: "progress" });
    await settle();
    equal(connection.lines.length, 1);
  });

  it("U12: refuses what is no request, says why, and goes on", async () => {
    const connection = new Connection();
    const bad = [
      "no json",
      "[]",
      "5",
      "null",
      '"text"',
      "{}",
      '{"id":1.5,"method":"status"}',
      '{"id":1e400,"method":"status"}',
      '{"id":9007199254740993,"method":"status"}',
      '{"id":"","method":"status"}',
      `{"id":"${"x".repeat(65)}","method":"status"}`,
      '{"id":{},"method":"status"}',
    ];
    for (const text of bad) equal(await connection.take(text), true, text);
    deepEqual(
      connection.codes,
      bad.map(() => [null, "REQUEST_INVALID"]),
    );
    for (const text of ['{"id":1}', '{"id":1,"method":5}', '{"id":1,"method":"status","more":1}']) {
      await connection.take(text);
    }
    deepEqual(
      connection.codes.slice(bad.length),
      [1, 1, 1].map((id) => [id, "REQUEST_INVALID"]),
    );
    equal(connection.asked.length, 0);
    await connection.take({ id: 1, method: "status" });
    equal(connection.asked.length, 1);
  });

  it("U3: takes fields of a prototype for no fields, and changes no prototype", async () => {
    const connection = new Connection();
    await connection.take('{"id":1,"method":"status","__proto__":{"params":{}}}');
    await connection.take('{"__proto__":{"id":2,"method":"status"}}');
    await connection.take('{"id":3,"method":"status","params":{"__proto__":{"polluted":true}}}');
    deepEqual(connection.codes, [
      [1, "REQUEST_INVALID"],
      [null, "REQUEST_INVALID"],
    ]);
    equal(({} as { polluted?: boolean }).polluted, undefined);
    equal(connection.asked.length, 1);
  });

  it("U2: survives a megabyte of opening brackets", async () => {
    const connection = new Connection();
    equal(await connection.take("[".repeat(LINE_BYTES_MAX - 1)), true);
    equal(await connection.take(`{"id":1,"method":"status","params":${"[".repeat(400_000)}`), true);
    deepEqual(connection.codes, [
      [null, "REQUEST_INVALID"],
      [null, "REQUEST_INVALID"],
    ]);
  });

  it("U11: ends the connection at a line that is too long", async () => {
    const connection = new Connection();
    const splitter = new LineSplitter(LINE_BYTES_MAX);
    const [line] = [...splitter.take(new Uint8Array(LINE_BYTES_MAX).fill(0x20))];
    equal(await connection.session.take(line!), false);
    deepEqual(connection.codes, [[null, "REQUEST_TOO_LARGE"]]);
  });

  it("refuses an id that is under way, and takes it again afterwards", async () => {
    const connection = new Connection();
    await connection.take({ id: 1, method: "status" });
    await connection.take({ id: 1, method: "doctor" });
    deepEqual(connection.codes, [[1, "REQUEST_INVALID"]]);
    connection.asked[0]!.answer({});
    await settle();
    await connection.take({ id: 1, method: "doctor" });
    equal(connection.asked.length, 2);
  });

  it("cancels a running request, and forgives a cancel that comes too late", async () => {
    const connection = new Connection();
    await connection.take({ id: 1, method: "events" });
    await connection.take({ id: 1, cancel: true });
    await settle();
    deepEqual(connection.codes, [[1, "ABORTED"]]);
    await connection.take({ id: 1, cancel: true });
    await connection.take({ id: 99, cancel: true });
    equal(connection.lines.length, 1);
  });

  it("runs 256 at once, lets 256 wait, and reads no more until one is answered", async () => {
    const connection = new Connection();
    for (let id = 1; id <= 511; id++) await connection.take({ id, method: "status" });
    equal(connection.asked.length, 256);
    let hasRoom = false;
    const last = connection.take({ id: 512, method: "status" }).then(() => {
      hasRoom = true;
    });
    await settle();
    equal(hasRoom, false);
    connection.asked[0]!.answer({});
    await last;
    equal(connection.asked.length, 257);
    for (let at = 1; at < 512; at++) {
      connection.asked[at]!.answer({});
      await settle();
    }
    deepEqual(new Set(connection.lines.map(({ id }) => id)).size, 512);
  });

  it("cancels one that still waits", async () => {
    const connection = new Connection();
    for (let id = 1; id <= 257; id++) await connection.take({ id, method: "status" });
    await connection.take({ id: 257, cancel: true });
    deepEqual(connection.codes, [[257, "ABORTED"]]);
    equal(connection.asked.length, 256);
  });

  it("gives a list that fits no line in parts, each item once and in order, no line over 1 MiB", async () => {
    const connection = new Connection();
    await connection.take({ id: 1, method: "messages.show" });
    const items = Array.from({ length: 40 }, (_, at) => ({ at, text: "\u0001".repeat(65_000) }));
    connection.asked[0]!.answer(items);
    await settle();
    ok(connection.lines.length > 15);
    ok(Math.max(...connection.bytes) <= LINE_BYTES_MAX);
    const kinds = connection.lines.map((line) => ("part" in line ? "part" : "result"));
    equal(kinds.indexOf("result"), kinds.length - 1);
    const got = connection.lines.flatMap(
      (line) => (line["part"] ?? line["result"]) as readonly { at: number }[],
    );
    deepEqual(
      got.map(({ at }) => at),
      items.map(({ at }) => at),
    );
  });

  it("says so where one answer is too large for any line", async () => {
    const connection = new Connection();
    await connection.take({ id: 1, method: "status" });
    connection.asked[0]!.answer({ text: "x".repeat(LINE_BYTES_MAX) });
    await settle();
    deepEqual(connection.codes, [[1, "REQUEST_TOO_LARGE"]]);
  });

  it("answers what is under way when the input ends, and ends what needs its caller", async () => {
    const connection = new Connection();
    await connection.take({ id: 1, method: "events" });
    await connection.take({ id: 2, method: "messages.send" });
    await connection.take({ id: 3, method: "devices.link" });
    let isOver = false;
    const finished = connection.session.finish().then(() => {
      isOver = true;
    });
    await settle();
    deepEqual(connection.codes, [
      [1, "ABORTED"],
      [3, "ABORTED"],
    ]);
    equal(isOver, false);
    connection.asked[1]!.answer({ id: "x" });
    await finished;
    deepEqual(connection.lines[2], { id: 2, result: { id: "x" } });
  });

  it("closes in order: breaks off what waits, answers what ends soon, leaves `stop` and `events` for last", async () => {
    const connection = new Connection();
    const methods = ["events", "stop", "sync", "messages.send", "devices.link"];
    for (const [id, method] of methods.entries()) await connection.take({ id, method });
    let isDrained = false;
    const drained = connection.session.drain().then(() => {
      isDrained = true;
    });
    await settle();
    deepEqual(connection.codes, [
      [2, "NODE_CLOSED"],
      [4, "NODE_CLOSED"],
    ]);
    equal(isDrained, false);
    connection.asked[3]!.answer({});
    await drained;
    await connection.take({ id: 9, method: "status" });
    deepEqual(connection.codes.at(-1), [9, "NODE_CLOSED"]);
    connection.asked[1]!.answer({ stopped: true });
    connection.asked[0]!.answer({});
    await connection.session.answered();
    equal(connection.asked.length, 5);
  });

  it("ends everything when nobody is there any more", async () => {
    const connection = new Connection();
    for (const id of [1, 2]) await connection.take({ id, method: "status" });
    connection.session.abort(new EngineError("ABORTED", "gone"));
    await connection.session.answered();
    ok(connection.asked.every(({ call }) => call.signal.aborted));
  });
});
