/** What a session was asked for, pulled batch by batch while its credit lasts. */
import { deepEqual, equal } from "node:assert/strict";
import { EngineError } from "../../../src/core/base/errors.ts";
import type { LogId } from "../../../src/core/base/ids.ts";
import type { Head } from "../../../src/core/log/types.ts";
import type { BatchSource, EncodedBatch } from "../../../src/core/sync/ports.ts";
import type { Input, Ticket } from "../../../src/core/sync/types.ts";
import { Outbox } from "../../../src/app/sessions/outbox.ts";
import { Serving } from "../../../src/app/sessions/serving.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { settle } from "../../support/manual-clock.ts";

const log = (name: string): LogId => name.repeat(64) as LogId;
const headOf = (name: string): Head => ({ log: log(name), length: 100 }) as Head;
const ticket = (number: number): Ticket => number as Ticket;

/** Batches of one entry, numbered by their position; counts what was pulled. */
class Source implements BatchSource {
  readonly pulled: string[] = [];

  async *batches({ head, ranges }: Parameters<BatchSource["batches"]>[0]): AsyncGenerator<EncodedBatch> {
    for (const { from, to } of ranges) {
      for (let at = from; at < to; at++) {
        await Promise.resolve();
        this.pulled.push(`${head.log[0]}${at}`);
        yield { bytes: Uint8Array.of(at), log: head.log, from: at, to: at + 1 };
      }
    }
  }
}

interface Setting {
  readonly source: Source;
  readonly serving: Serving;
  readonly fed: Input[];
  readonly sent: () => readonly string[];
  readonly allow: (batches: number) => void;
}

function set(credit: number): Setting {
  const source = new Source();
  const fed: Input[] = [];
  let left = credit;
  const serving = new Serving({
    source,
    outbox: new Outbox(),
    mayServe: () => left > 0,
    feed: (input) => {
      fed.push(input);
      if (input.kind === "served") left--;
    },
  });
  return {
    source,
    serving,
    fed,
    sent: () =>
      fed.flatMap((input) => (input.kind === "served" ? [`${input.log[0]}${input.ranges[0]!.from}`] : [])),
    allow: (batches) => {
      left += batches;
      serving.advance();
    },
  };
}

const serve = (
  number: number,
  name: string,
  count: number,
  isPush = false,
): Parameters<Serving["serve"]>[0] => ({
  kind: "serve",
  ticket: ticket(number),
  head: headOf(name),
  ranges: [{ from: 0, to: count }],
  newestFirst: false,
  isPush,
});

describe("Serving", () => {
  it("sends while the credit lasts, one batch ahead of it at most, and goes on when there is more", async () => {
    const { serving, source, sent, allow, fed } = set(2);
    const done = serving.serve(serve(1, "a", 5), Promise.resolve());
    await settle();
    deepEqual(sent(), ["a0", "a1"]);
    equal(source.pulled.length, 3);
    allow(1);
    await settle();
    deepEqual(sent(), ["a0", "a1", "a2"]);
    allow(10);
    await done;
    deepEqual(sent(), ["a0", "a1", "a2", "a3", "a4"]);
    deepEqual(fed.at(-1), { kind: "exhausted", ticket: 1 });
  });

  it("a push goes before history that waits", async () => {
    const { serving, sent, allow } = set(0);
    const history = serving.serve(serve(1, "a", 2), Promise.resolve());
    await settle();
    const push = serving.serve(serve(2, "b", 1, true), Promise.resolve());
    await settle();
    allow(1);
    await settle();
    deepEqual(sent(), ["b0"]);
    allow(2);
    await Promise.all([history, push]);
    deepEqual(sent(), ["b0", "a0", "a1"]);
  });

  it("begins only once what must go before it has been sent", async () => {
    const { serving, sent } = set(9);
    const before = Promise.withResolvers<void>();
    const done = serving.serve(serve(1, "a", 1), before.promise);
    await settle();
    deepEqual(sent(), []);
    before.resolve();
    await done;
    deepEqual(sent(), ["a0"]);
  });

  it("pulls no more of what is stopped, and says that it has come to its end", async () => {
    const { serving, source, sent, allow, fed } = set(1);
    const done = serving.serve(serve(1, "a", 50), Promise.resolve());
    await settle();
    serving.stop(ticket(1));
    allow(20);
    await done;
    deepEqual(sent(), ["a0"]);
    equal(source.pulled.length <= 3, true);
    deepEqual(fed.at(-1), { kind: "exhausted", ticket: 1 });
  });

  it("lets others go on when one that waits is stopped", async () => {
    const { serving, sent, allow } = set(0);
    const first = serving.serve(serve(1, "a", 1), Promise.resolve());
    const second = serving.serve(serve(2, "b", 1), Promise.resolve());
    await settle();
    serving.stop(ticket(1));
    allow(1);
    await Promise.all([first, second]);
    deepEqual(sent(), ["b0"]);
  });

  it("ends all of them at once, and says nothing more", async () => {
    const { serving, fed } = set(0);
    const all = [
      serving.serve(serve(1, "a", 9), Promise.resolve()),
      serving.serve(serve(2, "b", 9), Promise.resolve()),
    ];
    await settle();
    serving.end();
    await Promise.all(all);
    deepEqual(fed, []);
  });

  it("tells its caller when the store fails", async () => {
    const failing: BatchSource = {
      // eslint-disable-next-line require-yield
      async *batches() {
        await Promise.resolve();
        throw new EngineError("STORE_POISONED", "a write failed");
      },
    };
    const serving = new Serving({
      source: failing,
      outbox: new Outbox(),
      mayServe: () => true,
      feed: () => undefined,
    });
    await assertRejectsWithCode(serving.serve(serve(1, "a", 1), Promise.resolve()), "STORE_POISONED");
  });
});
