/** The table of methods: what each takes, strictly, and the question of linking. The node is a double that notes what it is asked. */
import { deepEqual, equal } from "node:assert/strict";
import type { Dispatch } from "../../../src/app/api/method-entry.ts";
import { createDispatch, isMethod, lastingOf } from "../../../src/app/api/methods.ts";
import { EngineError } from "../../../src/core/base/errors.ts";
import type { KinlogNode, LinkAttempt } from "../../../src/app/node/types.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

type Asked = readonly [string, ...unknown[]];

interface Bench {
  readonly asked: Asked[];
  readonly events: object[];
  readonly call: (method: string, params?: unknown, signal?: AbortSignal) => Promise<unknown>;
}

function bench(node: object = {}, clock = new ManualClock()): Bench {
  const asked: Asked[] = [];
  const events: object[] = [];
  const note =
    (name: string, result: unknown = { done: 1 }) =>
    (...given: unknown[]): Promise<unknown> => {
      asked.push([name, ...given]);
      return Promise.resolve(result);
    };
  const double = {
    status: note("status", { messages: 0 }),
    doctor: note("doctor", []),
    sync: note("sync"),
    connect: note("connect"),
    verify: note("verify"),
    import: note("import"),
    messages: {
      send: note("send"),
      show: note("show", []),
      delete: note("delete"),
      restore: note("restore"),
      purge: note("purge"),
      edit: note("edit"),
      unsend: note("unsend"),
      react: note("react"),
      setStatus: note("setStatus"),
      history: note("history", []),
    },
    conversations: {
      list: note("list", []),
      read: note("read"),
      unread: note("unread"),
      delete: note("bin"),
      title: note("title"),
      pin: note("pin"),
      unpin: note("unpin"),
      mute: note("mute"),
      unmute: note("unmute"),
      archive: note("archive"),
      unarchive: note("unarchive"),
      draft: note("draft"),
      participants: note("participants"),
    },
    purges: { list: note("purges", []), approve: note("approve"), stop: note("stop") },
    settings: { get: note("get", "dark"), set: note("set"), list: note("settings", []) },
    devices: { list: note("devices", []), rename: note("rename") },
    ...node,
  };
  const dispatch: Dispatch = createDispatch({
    node: () => double as unknown as KinlogNode,
    successor: () => Promise.resolve(null),
    clock,
    stop: () => Promise.resolve(),
    join: () => Promise.reject(new EngineError("ACCOUNT_EXISTS", "used")),
  });
  return {
    asked,
    events,
    call: (method, params, signal = new AbortController().signal) =>
      dispatch(method, params, {
        signal,
        emit: (event) => {
          events.push(event);
          return Promise.resolve();
        },
        tell: (event) => void events.push(event),
      }),
  };
}

describe("The methods of the local API", () => {
  it("call the node with exactly what was given", async () => {
    const { asked, call } = bench();
    await call("status");
    await call("messages.send", { conversation: "Ana", text: "hello", replyTo: "abcdef" });
    await call("messages.show", { conversation: "Ana", limit: 5, before: "abcdef", deleted: true });
    await call("messages.delete", { ids: ["abcdef"], confirmed: true });
    await call("conversations.list", {});
    await call("conversations.delete", { conversation: "Ana", before: "2026-01-31T00:00:00.000Z" });
    await call("devices.rename", { device: "laptop", name: "desk" });
    await call("sync", { timeoutMs: 0 });
    deepEqual(asked, [
      ["status"],
      ["send", { conversation: "Ana", text: "hello", replyTo: "abcdef" }],
      ["show", "Ana", { limit: 5, before: "abcdef", deleted: true }],
      ["delete", ["abcdef"], { confirmed: true }],
      ["list", {}],
      ["bin", "Ana", { before: "2026-01-31T00:00:00.000Z" }],
      ["rename", "laptop", "desk"],
      ["sync", { timeoutMs: 0 }],
    ]);
  });

  it("of messages, conversations and settings call the node with exactly what was given", async () => {
    const { asked, call } = bench();
    await call("messages.edit", { id: "abcdef", text: "" });
    await call("messages.unsend", { id: "abcdef" });
    await call("messages.purge", { ids: ["abcdef"], confirmed: true });
    await call("purges.list");
    await call("purges.approve", { id: "abcdef" });
    await call("purges.stop", { id: "abcdef" });
    await call("messages.react", { id: "abcdef", emoji: "\u{1f44d}", remove: true, from: "Ana" });
    await call("messages.setStatus", { id: "abcdef", status: "delivered" });
    await call("messages.history", { id: "abcdef" });
    await call("conversations.list", { archived: true });
    await call("conversations.title", { conversation: "Ana", title: "" });
    await call("conversations.pin", { conversation: "Ana", rank: 3 });
    await call("conversations.pin", { conversation: "Ana" });
    await call("conversations.mute", { conversation: "Ana", until: "2030-01-31T00:00:00.000Z" });
    for (const name of ["unpin", "unmute", "archive", "unarchive"])
      await call(`conversations.${name}`, { conversation: "Ana" });
    await call("conversations.draft", { conversation: "Ana", text: "See" });
    await call("conversations.participants", { conversation: "Ana", participants: ["a", "b"] });
    deepEqual(await call("settings.get", { name: "theme", scope: "device" }), { value: "dark" });
    await call("settings.set", { name: "theme", value: "dark" });
    await call("settings.list", { scope: "account" });
    deepEqual(asked, [
      ["edit", "abcdef", ""],
      ["unsend", "abcdef"],
      ["purge", ["abcdef"], { confirmed: true }],
      ["purges"],
      ["approve", "abcdef"],
      ["stop", "abcdef"],
      ["react", "abcdef", "\u{1f44d}", { remove: true, from: "Ana" }],
      ["setStatus", "abcdef", "delivered"],
      ["history", "abcdef"],
      ["list", { archived: true }],
      ["title", "Ana", ""],
      ["pin", "Ana", { rank: 3 }],
      ["pin", "Ana", {}],
      ["mute", "Ana", { until: "2030-01-31T00:00:00.000Z" }],
      ["unpin", "Ana"],
      ["unmute", "Ana"],
      ["archive", "Ana"],
      ["unarchive", "Ana"],
      ["draft", "Ana", "See"],
      ["participants", "Ana", ["a", "b"]],
      ["get", "theme", { scope: "device" }],
      ["set", "theme", "dark", {}],
      ["settings", { scope: "account" }],
    ]);
  });

  it("U12: refuse params of the wrong kind or size before the node hears of them", async () => {
    const { asked, call } = bench();
    const bad: readonly (readonly [string, unknown])[] = [
      ["status", { more: 1 }],
      ["status", []],
      ["status", "x"],
      ["messages.send", { conversation: "Ana" }],
      ["messages.send", { conversation: "Ana", text: 5 }],
      ["messages.send", { conversation: "Ana", text: "x", from: null }],
      ["messages.show", { conversation: "Ana", limit: 0 }],
      ["messages.show", { conversation: "Ana", limit: -0 }],
      ["messages.show", { conversation: "Ana", limit: 1.5 }],
      ["messages.show", { conversation: "Ana", limit: "5" }],
      ["messages.show", { conversation: "Ana", limit: 1e9 }],
      ["messages.show", { conversation: "Ana", deleted: "yes" }],
      ["messages.show", { conversation: "Ana", before: "x".repeat(65) }],
      ["messages.delete", { ids: [] }],
      ["messages.delete", { ids: "abcdef" }],
      ["messages.delete", { ids: ["abcdef", 5] }],
      ["messages.delete", { ids: Array.from({ length: 10_001 }, () => "abcdef") }],
      ["messages.edit", { id: "abcdef" }],
      ["messages.unsend", { id: "" }],
      ["messages.react", { id: "abcdef", emoji: 1 }],
      ["messages.setStatus", { id: "abcdef", status: "received" }],
      ["conversations.pin", { conversation: "Ana", rank: -1 }],
      ["conversations.pin", { conversation: "Ana", rank: 2 ** 48 }],
      [
        "conversations.participants",
        { conversation: "Ana", participants: Array.from({ length: 257 }, () => "a") },
      ],
      ["settings.get", { name: "theme", scope: "everybody" }],
      ["settings.set", { name: "theme", value: null }],
      ["sync", { timeoutMs: 2 ** 31 }],
      ["sync", { timeoutMs: -1 }],
      ["import", { path: "relative.xml" }],
      ["events", { kinds: [] }],
      ["events", { kinds: ["nothing"] }],
      ["devices.link.answer", { accept: "yes" }],
    ];
    for (const [method, params] of bad) {
      await assertRejectsWithCode(call(method, params), "REQUEST_INVALID");
    }
    deepEqual(asked, []);
  });

  it("U3: are not found by names of Object.prototype, and take no field from one", async () => {
    const { asked, call } = bench();
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", ""]) {
      equal(isMethod(name), false);
      await assertRejectsWithCode(call(name), "REQUEST_INVALID");
    }
    const planted: unknown = JSON.parse('{"__proto__":{"conversation":"Ana"},"text":"x"}');
    await assertRejectsWithCode(call("messages.send", planted), "REQUEST_INVALID");
    await assertRejectsWithCode(
      call("messages.send", Object.create({ conversation: "Ana", text: "x" })),
      "REQUEST_INVALID",
    );
    deepEqual(asked, []);
  });

  it("name an import's format that is not known", async () => {
    await assertRejectsWithCode(
      bench().call("import", { path: "/x", format: "pdf" }),
      "IMPORT_FORMAT_UNKNOWN",
    );
  });

  it("say how long they last, so that a closing node knows for what to wait", () => {
    deepEqual(["messages.send", "sync", "devices.link", "events", "stop", "nothing"].map(lastingOf), [
      "finite",
      "waiting",
      "attended",
      "endless",
      "ending",
      "finite",
    ]);
  });

  it("stop at their caller's word, whatever the node still does", async () => {
    const { call } = bench({ sync: () => new Promise(() => undefined) });
    const ending = new AbortController();
    const synced = call("sync", {}, ending.signal);
    ending.abort();
    await assertRejectsWithCode(synced, "ABORTED");
  });
});

describe("Linking over the local API", () => {
  /** An attempt whose steps the test takes. */
  function attempt(): LinkAttempt & {
    readonly did: string[];
    readonly ask: () => void;
    readonly fail: (error: Error) => void;
  } {
    const { promise, resolve, reject } = Promise.withResolvers<{ device: string; name: string }>();
    promise.catch(() => undefined);
    const did: string[] = [];
    return {
      did,
      code: "42-ocean-violin",
      uri: "kinlog:link?n=42",
      expiresAt: "1970-01-01T00:05:00.000Z",
      request: promise,
      ask: () => resolve({ device: "aa", name: "phone" }),
      fail: reject,
      confirm: () => {
        did.push("confirm");
        return Promise.resolve({ device: "aa", name: "phone" });
      },
      refuse: () => {
        did.push("refuse");
        return Promise.resolve();
      },
      cancel: () => {
        did.push("cancel");
        return Promise.resolve();
      },
    };
  }

  function linking(): ReturnType<typeof attempt> & Bench & { readonly clock: ManualClock } {
    const clock = new ManualClock();
    clock.setWall(0);
    const open = attempt();
    return { ...open, clock, ...bench({ devices: { link: () => Promise.resolve(open) } }, clock) };
  }

  it("tells code and request, and admits after yes from any connection", async () => {
    const { call, events, ask, did } = linking();
    const linked = call("devices.link", {});
    await settle();
    ask();
    await settle();
    deepEqual(
      events.map((event) => (event as { event: string }).event),
      ["code", "request"],
    );
    deepEqual(did, []);
    deepEqual(await call("devices.link.answer", { accept: true }), { done: 1 });
    deepEqual(await linked, { device: "aa", name: "phone" });
    deepEqual(did, ["confirm"]);
  });

  it("P5: admits nobody after no, after silence, or when the one who linked is gone", async () => {
    const refused = linking();
    const first = refused.call("devices.link", {});
    await settle();
    refused.ask();
    await settle();
    await refused.call("devices.link.answer", { accept: false });
    await assertRejectsWithCode(first, "CODE_REFUSED");
    deepEqual(refused.did, ["refuse"]);

    const silent = linking();
    const second = silent.call("devices.link", {});
    await settle();
    silent.ask();
    await settle();
    silent.clock.advance(300_000);
    await assertRejectsWithCode(second, "CODE_EXPIRED");
    deepEqual(silent.did, ["refuse"]);

    const gone = linking();
    const ending = new AbortController();
    const third = gone.call("devices.link", {}, ending.signal);
    await settle();
    gone.ask();
    await settle();
    ending.abort();
    await assertRejectsWithCode(third, "ABORTED");
    await settle();
    deepEqual(gone.did, ["refuse"]);
  });

  it("takes no answer before the question or after it", async () => {
    const { call, ask } = linking();
    await assertRejectsWithCode(call("devices.link.answer", { accept: true }), "REQUEST_INVALID");
    const linked = call("devices.link", {});
    await settle();
    await assertRejectsWithCode(call("devices.link.answer", { accept: true }), "REQUEST_INVALID");
    ask();
    await settle();
    await call("devices.link.answer", { accept: true });
    await linked;
    await assertRejectsWithCode(call("devices.link.answer", { accept: true }), "REQUEST_INVALID");
  });

  it("ends with what ended the code", async () => {
    const { call, fail, did } = linking();
    const linked = call("devices.link", {});
    await settle();
    fail(new EngineError("CODE_WRONG", "a wrong code"));
    await assertRejectsWithCode(linked, "CODE_WRONG");
    deepEqual(did, ["cancel"]);
  });
});
