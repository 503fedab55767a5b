/** Wrong usage: exit code 2. Its text says what was wrong and what would be right. */
import { EngineError } from "../src/app/api/errors.ts";

export function usageError(message: string, remedy?: string): EngineError {
  return new EngineError("USAGE", message, remedy === undefined ? {} : { remedy });
}
