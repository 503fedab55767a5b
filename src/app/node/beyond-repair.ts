/** What to do where a damaged store cannot be set right in its place. */
import { EngineError } from "../../core/base/errors.ts";

/** Nothing can be verified, or fetched again, by a store that cannot be read. */
export function beyondRepair(cause: EngineError): EngineError {
  return new EngineError("STORE_DAMAGED", `this device's store is beyond repair: ${cause.message}`, {
    cause,
    remedy:
      "Link this machine anew: `kinlog link` on another device of yours, then here `kinlog join CODE --name NAME --dir NEW`, and all that your other devices hold comes back. Keep the damaged directory until then.",
  });
}
