/** What a person is asked before much is done at once, or what cannot be taken back. */
import { EngineError } from "../src/app/api/errors.ts";
import type { Context } from "./command.ts";

/** @throws EngineError `CONFIRMATION_REQUIRED` where the answer is not yes. */
export async function confirm(
  { args, input, output, signal }: Context,
  { question, verb, done }: { readonly question: string; readonly verb: string; readonly done: string },
): Promise<void> {
  if (args.flag("yes")) return;
  await output.raw(`${question} Type yes: `);
  const answer = await input.ask(signal);
  if (answer?.trim().toLowerCase() === "yes") return;
  throw new EngineError("CONFIRMATION_REQUIRED", `nothing was ${done}, since the answer was not yes`, {
    remedy: `Answer yes to ${verb}.`,
  });
}

/** Before anything is opened. @throws EngineError `CONFIRMATION_REQUIRED` */
export function requireAnswerer({ args, input, output }: Context, what: string): void {
  if (args.flag("yes") || (input.isTerminal && output.isTerminal)) return;
  throw new EngineError("CONFIRMATION_REQUIRED", `${what} asks first, and nobody is there to answer`);
}
