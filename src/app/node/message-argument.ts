/** Which messages are meant in the calls that take their ids. Tests: test/integration/app/inbox.test.ts. */
import type { MessageId } from "../../core/base/ids.ts";
import { EngineError } from "../../core/base/errors.ts";
import {
  messageOfKey,
  messagePrefixBounds,
  messageRowKey,
  type OrderedMessage,
  readMessageRow,
} from "../../core/inbox/view.ts";
import type { Row, RowKey } from "../../core/log/rows.ts";
import type { Replica } from "../replica/replica.ts";

const DIGITS = 32;
/** Messages that begin with one argument and are named in its refusal. */
const NAMED_MAX = 10;
/** Looked up at once. */
const TOGETHER = 1_000;

type Source = Pick<Replica, "view" | "purged">;

/** Those of full ids that are here and not purged. All are looked up together. */
export async function messagesOfIds(
  source: Source,
  given: readonly string[],
): Promise<ReadonlyMap<string, OrderedMessage>> {
  const found = new Map<string, OrderedMessage>();
  for (let at = 0; at < given.length; at += TOGETHER) {
    const some = given.slice(at, at + TOGETHER).map((argument) => argument.toLowerCase());
    const keys = some.filter((digits) => isId(digits)).map((digits) => messageRowKey(digits as MessageId));
    const rows = await source.view.rows(keys);
    const read = keys.flatMap((key, n) => (rows[n] === undefined ? [] : [[key, rows[n]] as const]));
    for (const message of await shownOf(source, read)) found.set(message.id, message);
  }
  return found;
}

/** All that a full id means, or a beginning of at least six digits. @throws EngineError `NOT_FOUND` where it is none. */
export async function messagesOfArgument(
  source: Source,
  argument: string,
): Promise<readonly OrderedMessage[]> {
  const digits = argument.toLowerCase();
  if (isId(digits)) return [...(await messagesOfIds(source, [digits])).values()];
  if (!/^[0-9a-f]{6,31}$/.test(digits)) {
    throw new EngineError("NOT_FOUND", "this is no message id", {
      remedy: "Ids have 32 hex digits; the first six or more will do.",
    });
  }
  const bounds = messagePrefixBounds(digits);
  return shownOf(source, await source.view.rowRange({ ...bounds, reverse: false, limit: NAMED_MAX }));
}

/** @throws EngineError `NOT_FOUND`, `AMBIGUOUS`. */
export function onlyOne(found: readonly OrderedMessage[]): OrderedMessage {
  if (found.length > 1) {
    throw new EngineError(
      "AMBIGUOUS",
      `several messages begin with that: ${found.map(({ id }) => id).join(", ")}`,
    );
  }
  const [only] = found;
  if (only === undefined) throw new EngineError("NOT_FOUND", "there is no message with this id");
  return only;
}

function isId(digits: string): boolean {
  return digits.length === DIGITS && /^[0-9a-f]*$/.test(digits);
}

function shownOf(
  { purged }: Source,
  rows: readonly (readonly [RowKey, Row])[],
): Promise<readonly OrderedMessage[]> {
  const read = rows.map(([key, row]) => readMessageRow(messageOfKey(key), row));
  return purged.without(read.filter((message) => message !== null));
}
