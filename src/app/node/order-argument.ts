/** What `before` means in the calls that give messages page by page. */
import { parseOrder } from "../../core/inbox/stamp.ts";
import type { OrderKey } from "../../core/inbox/types.ts";
import type { InboxReader } from "./inbox-reader.ts";

const ORDER_DIGITS = 48;

/** The order of the message that an id means, or an order itself, as messages bear it. @throws EngineError `NOT_FOUND`, `AMBIGUOUS`. */
export async function orderOfArgument(inbox: InboxReader, argument: string): Promise<OrderKey> {
  return argument.length === ORDER_DIGITS ? parseOrder(argument) : (await inbox.findMessage(argument)).order;
}
