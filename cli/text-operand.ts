/** A text given as an operand, or over stdin where it is `-`. */
import type { Context } from "./command.ts";

/** As the inbox has it. */
const TEXT_BYTES_MAX = 65_536;

/**
 * Read before anything is opened: a slow writer must not hold the store.
 *
 * @throws EngineError `TEXT_NOT_UTF8`, `TEXT_TOO_LONG`.
 */
export async function textOperand(
  { args, input }: Pick<Context, "args" | "input">,
  place: number,
): Promise<string> {
  const given = args.operand(place);
  return given === "-" ? input.text({ bytesMax: TEXT_BYTES_MAX }) : given;
}
