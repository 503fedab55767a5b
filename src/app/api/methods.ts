/**
 * Every method of the local API, in one table: what it takes, how long it may last, and what of the node it calls. Spec: docs/spec/api.md.
 * Knows no connection: that is request-session.ts. Tests: test/unit/api/methods.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import { normaliseAddress } from "../../core/inbox/address.ts";
import type { ImportFormat } from "../../core/inbox/import-types.ts";
import type { EventKind, KinlogEvent, KinlogNode } from "../node/types.ts";
import { INBOX_METHODS } from "./inbox-methods.ts";
import { LinkQuestion, openLink } from "./link-question.ts";
import type { Call, Dispatch, Lasting, MethodEntry, MethodHost, Running } from "./method-entry.ts";
import { flag, list, oneOf, optional, readParams, shortText, text, whole } from "./params.ts";
import { progressOf } from "./progress.ts";
import type { ApiMethods, MethodName } from "./protocol.ts";

const ADDRESS_CHARACTERS_MAX = 1_024;
const PATH_CHARACTERS_MAX = 32_768;
const CODE_CHARACTERS_MAX = 4_096;
const FORMAT_CHARACTERS_MAX = 64;
/** A hundred years. */
const DAYS_MAX = 36_500;
/** Longer timers overflow. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
/** An event of this size fits a line even where every character is escaped twice. */
const EXPORT_CHARACTERS_TARGET = 64 * 1024;

const address = shortText({ charactersMax: ADDRESS_CHARACTERS_MAX });
const timeoutMs = optional(whole({ min: 0, max: TIMEOUT_MS_MAX }));

const FORMATS: Readonly<Record<ImportFormat, true>> = { "sms-backup": true, jsonl: true };
const IMPORT_FORMATS: ReadonlySet<string> = new Set(Object.keys(FORMATS));

/** A record of all kinds, so that none can be forgotten here. */
const EVENT_KINDS: Readonly<Record<EventKind, true>> = {
  created: true,
  ready: true,
  message: true,
  "message-changed": true,
  read: true,
  conversation: true,
  "peer-connected": true,
  "peer-disconnected": true,
  synced: true,
  progress: true,
  "device-linked": true,
  "device-revoked": true,
  alarm: true,
  resync: true,
  stopped: true,
};
const kinds = Object.keys(EVENT_KINDS) as EventKind[];

/** Those of messages, conversations and settings are in inbox-methods.ts. */
const METHODS: { readonly [Name in MethodName]: MethodEntry<Name> } = {
  status: { fields: {}, run: ({ node }) => node.status() },
  doctor: { fields: {}, run: ({ node }) => node.doctor() },
  stop: {
    fields: {},
    lasts: "ending",
    run: async ({ host }) => {
      await host.stop();
      return { stopped: true };
    },
  },
  join: {
    fields: {
      code: shortText({ charactersMax: CODE_CHARACTERS_MAX }),
      name: text,
      address: optional(address),
    },
    lasts: "waiting",
    run: (running, params) =>
      running.host.join(params, { signal: running.call.signal, onProgress: progressOf(running) }),
  },
  "devices.list": { fields: {}, run: ({ node }) => node.devices.list() },
  "devices.rename": {
    fields: { device: address, name: text },
    run: ({ node }, { device, name }) => node.devices.rename(device, name),
  },
  "devices.link": {
    fields: { timeoutMs: optional(whole({ min: 1, max: TIMEOUT_MS_MAX })) },
    lasts: "attended",
    run: ({ node, question, host, call }, params) =>
      openLink({ node, question, clock: host.clock, call }, params),
  },
  "devices.link.answer": {
    fields: { accept: flag },
    run: ({ question }, { accept }) => {
      question.answer(accept);
      return Promise.resolve({ done: 1 });
    },
  },
  ...INBOX_METHODS,
  sync: { fields: { timeoutMs }, lasts: "waiting", run: ({ node }, options) => node.sync(options) },
  evict: {
    fields: { olderThanDays: optional(whole({ min: 0, max: DAYS_MAX })) },
    run: ({ node }, options) => node.evict(options),
  },
  retention: {
    fields: { days: optional(whole({ min: 0, max: DAYS_MAX })) },
    run: ({ node }, { days }) => node.retention(days === undefined ? {} : { days: days === 0 ? null : days }),
  },
  verify: {
    fields: { repair: optional(flag) },
    run: (running, options) => running.node.verify({ ...options, onProgress: progressOf(running) }),
  },
  connect: {
    fields: { address },
    lasts: "waiting",
    run: ({ node }, params) => node.connect(params.address),
  },
  import: {
    fields: {
      path: shortText({ charactersMax: PATH_CHARACTERS_MAX }),
      format: optional(shortText({ charactersMax: FORMAT_CHARACTERS_MAX })),
    },
    run: (running, { path, ...options }) => {
      // The node's working directory is not the caller's.
      if (!isAbsolutePath(path)) throw new EngineError("REQUEST_INVALID", "path must be absolute");
      if (options.format !== undefined && !IMPORT_FORMATS.has(options.format)) {
        const known = [...IMPORT_FORMATS].join(" and ");
        throw new EngineError("IMPORT_FORMAT_UNKNOWN", `the formats that can be imported are ${known}`);
      }
      return running.node.import(path, { ...options, onProgress: progressOf(running) });
    },
  },
  export: { fields: {}, run: (running) => exportLines(running) },
  "recovery.show": { fields: {}, run: ({ node }) => node.recovery.show() },
  events: {
    fields: {
      kinds: optional(list(oneOf(kinds), { min: 1, max: kinds.length })),
      conversation: optional(text),
    },
    lasts: "endless",
    run: tellEvents,
  },
};

const byName: ReadonlyMap<string, unknown> = new Map(Object.entries(METHODS));

export function isMethod(name: string): name is MethodName {
  return byName.has(name);
}

export function lastingOf(method: string): Lasting {
  return isMethod(method) ? (METHODS[method].lasts ?? "finite") : "finite";
}

/** One per node: it also remembers which link request waits for an answer. */
export function createDispatch(host: MethodHost): Dispatch {
  const question = new LinkQuestion();
  const run = async <Name extends MethodName>(name: Name, params: unknown, call: Call): Promise<unknown> => {
    const { fields, run: runMethod } = METHODS[name];
    const read = readParams<ApiMethods[Name]["params"]>(params, fields);
    const running = { host, question, call, node: name === "stop" ? NO_NODE : host.node() };
    return runMethod(running, read);
  };
  return async (method, params, call) => {
    if (!isMethod(method)) {
      throw new EngineError("REQUEST_INVALID", `there is no method ${JSON.stringify(method.slice(0, 64))}`);
    }
    return untilAborted(run(method, params, call), call.signal);
  };
}

/** `stop` must work at any moment, and it is the one method that looks at no node. */
const NO_NODE = Object.freeze({}) as KinlogNode;

/** Rejects with the signal's reason as soon as it aborts. What was under way by then may still come to its end. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(abortReason(signal));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    // Whichever of the two lost has nobody left to tell.
    promise.catch(() => undefined);
    work.catch(() => undefined);
  }
}

export function abortReason(signal: AbortSignal): EngineError {
  return signal.reason instanceof EngineError
    ? signal.reason
    : new EngineError("ABORTED", "the request was ended before it was done");
}

async function exportLines(running: Running<"export">): Promise<{ readonly exported: number }> {
  const { node, call } = running;
  let lines: string[] = [];
  let characters = 0;
  let exported = 0;
  const flush = async (): Promise<void> => {
    const full = lines;
    lines = [];
    characters = 0;
    if (full.length > 0) await call.emit({ event: "lines", lines: full });
  };
  for await (const line of node.export({ onProgress: progressOf(running) })) {
    if (call.signal.aborted) throw abortReason(call.signal);
    lines.push(line);
    characters += line.length;
    exported++;
    if (characters >= EXPORT_CHARACTERS_TARGET) await flush();
  }
  await flush();
  return { exported };
}

/** Goes on with the next node where an untouched account gives way to another. */
async function tellEvents(
  { host, node, call }: Running<"events">,
  { kinds: wanted, conversation }: ApiMethods["events"]["params"],
): Promise<Readonly<Record<never, never>>> {
  const concerns = conversation === undefined ? null : await conversationFilter(node, conversation);
  const options = wanted === undefined ? {} : { kinds: wanted };
  for (let open: KinlogNode | null = node; open !== null && !call.signal.aborted;) {
    let stopped: KinlogEvent | null = null;
    for await (const event of open.events({ ...options, signal: call.signal })) {
      if (event.event === "stopped") stopped = event;
      else if (concerns === null || concerns(event)) await call.emit(event);
    }
    open = await host.successor(open);
    if (open === null && stopped !== null) await call.emit(stopped);
  }
  return {};
}

/** One conversation may be written in several ways; what is of no conversation concerns every one. */
async function conversationFilter(
  node: KinlogNode,
  argument: string,
): Promise<(event: KinlogEvent) => boolean> {
  const [newest] = await node.messages.show(argument, { limit: 1, deleted: true });
  const wanted = normaliseAddress(newest?.conversation ?? argument);
  return (event) => {
    const about = conversationOf(event);
    return about === null || normaliseAddress(about) === wanted;
  };
}

function conversationOf(event: KinlogEvent): string | null {
  switch (event.event) {
    case "message":
      return event.message.conversation;
    case "message-changed":
    case "read":
    case "conversation":
      return event.conversation;
    default:
      return null;
  }
}

/** Of either family of systems. */
function isAbsolutePath(path: string): boolean {
  return path.startsWith("/") || path.startsWith("\\\\") || /^[A-Za-z]:[\\/]/.test(path);
}
