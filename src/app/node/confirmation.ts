/** What many messages at once ask for first: a program may go wrong. */
import { EngineError } from "../../core/base/errors.ts";
import type { Confirmed } from "./types.ts";

/** More than anybody means by accident. */
const UNCONFIRMED_MAX = 100;

/** `what` happens to that many messages. @throws EngineError `CONFIRMATION_REQUIRED` */
export function requireConfirmed(count: number, { confirmed = false }: Confirmed, what: string): void {
  if (count <= UNCONFIRMED_MAX || confirmed) return;
  throw new EngineError("CONFIRMATION_REQUIRED", `${count} messages would ${what} on all devices`, {
    remedy: "Ask the person, then say `confirmed`.",
  });
}
