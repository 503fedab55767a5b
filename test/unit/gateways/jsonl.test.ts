/** Kinlog's own export, out and in again. Threats U3, U4, U11, U12. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import type { DeviceId, MessageId } from "../../../src/core/base/ids.ts";
import type {
  ExportedConversation,
  ExportedEdit,
  ExportedMessage,
  ExportedReaction,
  ExportedSetting,
} from "../../../src/core/inbox/import-types.ts";
import { DELIVERY_STATES, type OrderKey } from "../../../src/core/inbox/types.ts";
import { readJsonl } from "../../../src/io/gateways/jsonl-reader.ts";
import {
  conversationLine,
  editLine,
  endLine,
  headerLine,
  messageLine,
  reactionLine,
  settingLine,
} from "../../../src/io/gateways/jsonl-writer.ts";
import { NOW_MS, deviceOf, idOf, orderAt } from "../../support/operations.ts";
import { ImportFiles, readThrough, zipped, type ReadThrough } from "../../support/import-files.ts";

type Line<Kind> = Omit<Kind, "kind" | "line">;

const message: Line<ExportedMessage> = {
  id: idOf(1),
  author: deviceOf(1),
  stamp: { ms: NOW_MS, counter: 2 },
  conversation: "+4930123",
  direction: "in",
  service: "sms",
  sender: "Mum",
  text: "hi",
  sentAtMs: NOW_MS,
  receivedAtMs: NOW_MS + 1,
  replyTo: null,
  takenIn: true,
  readAtSource: false,
  read: true,
  deletedBy: null,
  unsent: null,
  delivery: null,
};
const conversation: Line<ExportedConversation> = {
  conversation: "+4930123",
  title: { text: "Mum", order: orderAt(NOW_MS, 3), author: deviceOf(2) },
  readUpTo: orderAt(NOW_MS, 1, 2),
  markedUnread: true,
  pin: { on: true, rank: 1, order: orderAt(NOW_MS, 6) },
  mute: null,
  archive: null,
  draft: null,
  participants: null,
};
const properties = { pin: null, mute: null, archive: null, draft: null, participants: null };

const noNullPrototype = true;
const bytes = (size: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map(hex);
const id = bytes(16) as fc.Arbitrary<MessageId>;
const author = bytes(32) as fc.Arbitrary<DeviceId>;
const ms = fc.oneof(
  fc.maxSafeNat().map((value) => value % 2 ** 48),
  fc.constantFrom(0, 2 ** 48 - 1),
);
const stamp = fc.record({ ms, counter: fc.nat(65_535) }, { noNullPrototype });
const order: fc.Arbitrary<OrderKey> = fc.record({ stamp, id }, { noNullPrototype });
const text = fc.string({ unit: "binary", maxLength: 60 });
const address = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((some) => some.trim() !== "");
const anyMessage: fc.Arbitrary<Line<ExportedMessage>> = fc.record(
  {
    id,
    author,
    stamp,
    conversation: address,
    direction: fc.constantFrom("in" as const, "out" as const),
    service: fc.constantFrom("kinlog" as const, "sms" as const, "mms" as const),
    sender: fc.option(address),
    text,
    sentAtMs: ms,
    receivedAtMs: fc.option(ms),
    replyTo: fc.option(id),
    takenIn: fc.boolean(),
    readAtSource: fc.boolean(),
    read: fc.boolean(),
    deletedBy: fc.option(order),
    unsent: fc.option(fc.record({ order, author }, { noNullPrototype })),
    delivery: fc.option(fc.constantFrom(...DELIVERY_STATES)),
  },
  { noNullPrototype },
);
const anyConversation: fc.Arbitrary<Line<ExportedConversation>> = fc.record(
  {
    conversation: address,
    title: fc.option(fc.record({ text: address, order, author }, { noNullPrototype })),
    readUpTo: fc.option(order),
    markedUnread: fc.boolean(),
    pin: fc.option(fc.record({ on: fc.boolean(), rank: ms, order }, { noNullPrototype })),
    mute: fc.option(fc.record({ untilMs: ms, order }, { noNullPrototype })),
    archive: fc.option(fc.record({ on: fc.boolean(), order }, { noNullPrototype })),
    draft: fc.option(fc.record({ text, order, author }, { noNullPrototype })),
    participants: fc.option(
      fc.record({ list: fc.array(address, { maxLength: 4 }), order, author }, { noNullPrototype }),
    ),
  },
  { noNullPrototype },
);
const anyEdit: fc.Arbitrary<Line<ExportedEdit>> = fc.record(
  { message: id, conversation: address, text, order, author },
  { noNullPrototype },
);
const anyReaction: fc.Arbitrary<Line<ExportedReaction>> = fc.record(
  {
    message: id,
    conversation: address,
    sender: fc.option(address),
    emoji: fc.constantFrom("\u{1f44d}", "ok", ""),
    removed: fc.boolean(),
    order,
    author,
  },
  { noNullPrototype },
);
const anySetting: fc.Arbitrary<Line<ExportedSetting>> = fc.record(
  { name: fc.constantFrom("theme", "sounds"), value: text, order, author },
  { noNullPrototype },
);

describe("an export", () => {
  let files: ImportFiles;
  beforeEach(() => {
    files = new ImportFiles();
  });
  afterEach(() => files.remove());

  const read = (content: string | Uint8Array): Promise<ReadThrough> =>
    readThrough(readJsonl(files.write(content)));
  const exportOf = (...lines: readonly string[]): string =>
    headerLine() + lines.join("") + endLine(lines.length);
  const withField = (name: string, value: unknown): string =>
    `${JSON.stringify({ ...(JSON.parse(messageLine(message)) as object), [name]: value })}\n`;

  const ORDER = `018bcfe568000000${idOf(6)}`;
  const inConversation = (name: string, value: unknown): string =>
    `${JSON.stringify({ ...(JSON.parse(conversationLine(conversation)) as object), [name]: value })}\n`;

  it("of version 1 is taken as it was written, and has no lines of version 2", async () => {
    const old = (line: string, ...fields: readonly string[]): string => {
      const entries = Object.entries(JSON.parse(line) as object).filter(([name]) => !fields.includes(name));
      return `${JSON.stringify(Object.fromEntries(entries))}\n`;
    };
    const through = await read(
      '{"kinlog":"export","version":1}\n' +
        old(messageLine(message), "unsent", "delivery") +
        old(conversationLine(conversation), ...Object.keys(properties)) +
        settingLine({ name: "theme", value: "dark", order: orderAt(NOW_MS, 5), author: deviceOf(2) }) +
        endLine(3),
    );
    deepEqual(through.records, [
      { kind: "message", ...message, line: 2 },
      { kind: "conversation", ...conversation, ...properties, line: 3 },
    ]);
    deepEqual(through.problems, [{ line: 4, reason: "a kind of line that this version does not know" }]);
  });

  it("comes in again without loss", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { maxLength: 5 }),
        fc.array(anyConversation, { maxLength: 3 }),
        fc.tuple(anyEdit, anyReaction, anySetting),
        async (messages, conversations, [edit, reaction, setting]) => {
          const through = await read(
            exportOf(
              ...conversations.map(conversationLine),
              ...messages.map(messageLine),
              editLine(edit),
              reactionLine(reaction),
              settingLine(setting),
            ),
          );
          const behind = 2 + conversations.length + messages.length;
          deepEqual([through.error, through.problems], [null, []]);
          deepEqual(through.records, [
            ...conversations.map((each, at) => ({ kind: "conversation", ...each, line: at + 2 })),
            ...messages.map((each, at) => ({
              kind: "message",
              ...each,
              line: at + 2 + conversations.length,
            })),
            { kind: "edit", ...edit, line: behind },
            { kind: "reaction", ...reaction, line: behind + 1 },
            { kind: "setting", ...setting, line: behind + 2 },
          ]);
        },
      ),
    );
  });

  it("looks as the specification shows it", () => {
    equal(headerLine(), '{"kinlog":"export","version":2}\n');
    equal(
      messageLine(message),
      `{"kind":"message","id":"${idOf(1)}","order":"018bcfe568000002${idOf(1)}","author":"${deviceOf(1)}","conversation":"+4930123",` +
        '"direction":"in","sender":"Mum","service":"sms","text":"hi","sentAt":"2023-11-14T22:13:20.000Z",' +
        '"receivedAt":"2023-11-14T22:13:20.001Z","replyTo":null,"takenIn":true,"readAtSource":false,"read":true,' +
        '"deleted":false,"deletedBy":null,"unsent":null,"delivery":null}\n',
    );
    equal(
      conversationLine(conversation),
      `{"kind":"conversation","conversation":"+4930123","title":{"text":"Mum","order":"018bcfe568000000${idOf(3)}",` +
        `"author":"${deviceOf(2)}"},"readUpTo":"018bcfe568000002${idOf(1)}","markedUnread":true,` +
        `"pin":{"on":true,"rank":1,"order":"018bcfe568000000${idOf(6)}"},"mute":null,"archive":null,"draft":null,"participants":null}\n`,
    );
    const written = { order: orderAt(NOW_MS, 5), author: deviceOf(2) };
    equal(
      reactionLine({
        message: idOf(1),
        conversation: "+4930123",
        sender: null,
        emoji: "\u{1f44d}",
        removed: false,
        ...written,
      }),
      `{"kind":"reaction","message":"${idOf(1)}","conversation":"+4930123","sender":null,"emoji":"\u{1f44d}","removed":false,` +
        `"order":"018bcfe568000000${idOf(5)}","author":"${deviceOf(2)}"}\n`,
    );
    equal(endLine(2), '{"kind":"end","lines":2}\n');
  });

  it("of a year that RFC 3339 cannot write keeps its times", async () => {
    const late = { ...message, sentAtMs: 2 ** 48 - 1, receivedAtMs: 0 };
    const [record] = (await read(exportOf(messageLine(late)))).records;
    ok(record?.kind === "message");
    deepEqual([record.sentAtMs, record.receivedAtMs], [2 ** 48 - 1, 0]);
  });

  it("is read from gzip, and in batches", async () => {
    const lines = Array.from({ length: 1_100 }, (_, n) => messageLine({ ...message, id: idOf(n) }));
    const through = await read(zipped(exportOf(...lines)));
    deepEqual([through.error, through.records.length], [null, 1_100]);
    ok(through.batchSizes.every((size) => size <= 500));
  });

  it("leaves out lines that say something impossible, with the reason, and takes the rest", async () => {
    const bad: readonly (readonly [line: string, reason: string])[] = [
      ["not json\n", "not JSON"],
      ["[]\n", "not a JSON object"],
      ["\n", "not JSON"],
      ['{"kind":"poll"}\n', "a kind of line that this version does not know"],
      ["{}\n", "kind is missing"],
      [withField("id", "x"), "id is no id of 32 hex digits"],
      [withField("id", idOf(2)), "order and id name different messages"],
      [withField("order", "zz"), "order is no order"],
      [withField("author", deviceOf(1).toUpperCase()), "author is no id of 64 hex digits"],
      [withField("conversation", ""), "an address or title is empty"],
      [withField("conversation", null), "conversation is no text"],
      [withField("direction", "up"), "direction is none of in, out"],
      [withField("service", "toString"), "service is none of kinlog, sms, mms"],
      [withField("text", "x".repeat(65_537)), "a message is over 65536 bytes"],
      [withField("text", "\ud83d"), "a message has half a surrogate pair, which no UTF-8 can hold"],
      [withField("sentAt", "2023-13-01T00:00:00.000Z"), "sentAt is an impossible time"],
      [withField("sentAt", "2023-11-14"), "sentAt is an impossible time"],
      [withField("sentAt", "1969-12-31T23:59:59.999Z"), "sentAt is an impossible time"],
      [messageLine(message).replace(/"sentAt":"[^"]*"/, '"sentAt":1e400'), "sentAt is no text"],
      [withField("takenIn", 1), "takenIn is neither true nor false"],
      [withField("replyTo", undefined), "replyTo is missing"],
      [withField("unsent", undefined), "unsent is missing"],
      [withField("delivery", "lost"), "delivery is none of queued, failed, sent, delivered, read"],
      ['{"kind":"edit"}\n', "text is missing"],
      [inConversation("pin", { on: true, rank: 2 ** 48, order: ORDER }), "rank is too large"],
      [inConversation("pin", { on: 1, rank: 1, order: ORDER }), "on is neither true nor false"],
      [inConversation("mute", { until: "soon", order: ORDER }), "until is an impossible time"],
      [
        inConversation("participants", { list: "Mum", order: ORDER, author: deviceOf(1) }),
        "list is no list of texts",
      ],
      [
        inConversation("participants", {
          list: Array.from({ length: 100 }, () => "x".repeat(1_000)),
          order: ORDER,
          author: deviceOf(1),
        }),
        "participants are over 65536 bytes",
      ],
      [
        inConversation("draft", { text: "x".repeat(65_537), order: ORDER, author: deviceOf(1) }),
        "a message is over 65536 bytes",
      ],
    ];
    const through = await read(exportOf(...bad.map(([line]) => line), messageLine(message)));
    equal(through.error, null);
    equal(through.skipped, bad.length);
    deepEqual(
      through.problems,
      bad.map(([, reason], at) => ({ line: at + 2, reason })),
    );
    equal(through.records.length, 1);
  });

  it("U3: reads own fields only, and changes no prototype", async () => {
    const proto = messageLine(message).replace('"text":"hi"', '"__proto__":{"text":"inherited"}');
    const through = await read(exportOf(proto));
    deepEqual(through.problems, [{ line: 2, reason: "text is missing" }]);
    equal(Object.hasOwn(Object.prototype, "text"), false);
    equal((await read(exportOf(withField("__proto__", { a: 1 })))).records.length, 1);
  });

  it("U4: leaves out a line that is not UTF-8, and only that", async () => {
    const content = Buffer.from(exportOf(messageLine({ ...message, text: "@" }), messageLine(message)));
    content[content.indexOf('"@"') + 1] = 0xff;
    const through = await read(content);
    deepEqual(
      [through.records.length, through.problems],
      [1, [{ line: 2, reason: "the line is not UTF-8" }]],
    );
  });

  it("U11: drops a line of a gigabyte as it comes, and takes the next", async () => {
    const long = `{"kind":"message","text":"${"x".repeat(40_000_000)}"}\n`;
    const through = await read(zipped(exportOf(long, messageLine(message))));
    deepEqual([through.records.length, through.problems], [1, [{ line: 2, reason: "a line is too long" }]]);
  });

  it("U2, U12: survives JSON that nests deep and numbers that are none", async () => {
    const through = await read(
      exportOf(
        `${"[".repeat(200_000)}\n`,
        `{"kind":${"[".repeat(100_000)}${"]".repeat(100_000)}}\n`,
        withField("read", -0),
        messageLine(message),
      ),
    );
    deepEqual([through.records.length, through.skipped, through.error], [1, 3, null]);
  });

  it("that was cut off gives what is there and says so", async () => {
    const whole = exportOf(messageLine(message), messageLine({ ...message, id: idOf(2) }));
    for (let end = headerLine().length; end < whole.length; end += 13) {
      const through = await read(whole.slice(0, end));
      equal(through.error?.code, "IMPORT_TRUNCATED", `cut at ${end}`);
    }
    const lines = whole.split("\n");
    const shorter = await read([lines[0], lines[1], lines[3], ""].join("\n"));
    deepEqual([shorter.error?.code, shorter.records.length], ["IMPORT_TRUNCATED", 1]);
  });

  it("that goes on behind its end is malformed", async () => {
    const through = await read(exportOf(messageLine(message)) + messageLine(message));
    deepEqual([through.error?.code, through.records.length], ["IMPORT_MALFORMED", 1]);
  });

  it("of a newer version, or none at all, is refused whole", async () => {
    for (const first of [
      '{"kinlog":"export","version":3}',
      '{"kinlog":"export"}',
      '{"kinlog":"x","version":1}',
      "{}",
      "x",
      "",
      '{"kinlog":"export","version":1e400}',
      '{"kinlog":"export","version":-0}',
    ]) {
      const through = await read(`${first}\n${messageLine(message)}${endLine(1)}`);
      deepEqual([through.error?.code, through.records], ["IMPORT_FORMAT_UNKNOWN", []], first);
      ok(through.error?.remedy !== undefined);
    }
  });
});
