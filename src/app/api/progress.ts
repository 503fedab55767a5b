/** Progress of a running request, as the event that its caller gets. */
import type { Clock } from "../../core/base/ports.ts";
import type { OnProgress } from "../node/types.ts";
import type { Call, MethodHost } from "./method-entry.ts";
import type { ProgressEvent } from "./protocol.ts";

export function progressOf({
  host,
  call,
}: {
  readonly host: MethodHost;
  readonly call: Call<ProgressEvent>;
}): OnProgress {
  return (progress) => call.tell({ event: "progress", at: timeNow(host.clock), ...progress });
}

export function timeNow(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString();
}
