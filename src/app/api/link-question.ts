/**
 * Linking over the local API: a code is opened by one request, and whoever may open the socket answers the question that comes of it by
 * another. Spec: docs/spec/api.md, "Linking". Tests: test/unit/api/methods.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";
import type { Clock } from "../../core/base/ports.ts";
import type { KinlogNode } from "../node/types.ts";
import type { ApiMethods, LinkEvent } from "./protocol.ts";

/** The question that is open now, if any. */
export class LinkQuestion {
  #answer: ((accept: boolean) => void) | null = null;

  /** Tells who asks; resolves with the answer, or never where it is closed before. */
  async ask(tell: () => Promise<void>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#answer = resolve;
    // The answer may come while the telling still waits for a slow reader.
    await Promise.race([tell(), promise]);
    return promise;
  }

  /** @throws EngineError `REQUEST_INVALID` where nobody asks. */
  answer(accept: boolean): void {
    if (this.#answer === null) {
      throw new EngineError("REQUEST_INVALID", "no device asks to be linked", {
        remedy: "Answer after the event `request`.",
      });
    }
    this.#answer(accept);
    this.#answer = null;
  }

  close(): void {
    this.#answer = null;
  }
}

/** From the code to the device's admission. @throws EngineError `CODE_WRONG`, `CODE_EXPIRED`, `CODE_REFUSED`, `ABORTED`. */
export async function openLink(
  parts: {
    readonly node: KinlogNode;
    readonly question: LinkQuestion;
    readonly clock: Clock;
    readonly call: {
      readonly emit: (event: LinkEvent) => Promise<void>;
      readonly signal: AbortSignal;
    };
  },
  options: ApiMethods["devices.link"]["params"],
): Promise<ApiMethods["devices.link"]["result"]> {
  const { node, question, clock, call } = parts;
  const at = (): string => new Date(clock.wallMs()).toISOString();
  const attempt = await node.devices.link(options);
  const { code, uri, expiresAt } = attempt;
  const ended = Promise.withResolvers<never>();
  // It may come to nothing before anyone waits for it.
  ended.promise.catch(() => undefined);
  const abort = (): void => ended.reject(new EngineError("ABORTED", "linking was ended"));
  call.signal.addEventListener("abort", abort, { once: true });
  if (call.signal.aborted) abort();
  // A person who does not answer in time has not said yes.
  const cancelExpiry = clock.after(Date.parse(expiresAt) - clock.wallMs(), () =>
    ended.reject(new EngineError("CODE_EXPIRED", "the code expired before anybody was linked")),
  );
  let asked = false;
  try {
    await call.emit({ event: "code", at: at(), code, uri, expiresAt });
    const device = await Promise.race([attempt.request, ended.promise]);
    asked = true;
    const answer = question.ask(() => call.emit({ event: "request", at: at(), ...device }));
    if (await Promise.race([answer, ended.promise])) return await attempt.confirm();
    throw new EngineError("CODE_REFUSED", `${JSON.stringify(device.name)} was refused`);
  } catch (error) {
    // A device that waits for the answer hears a no; before that nobody is there to hear.
    await (asked ? attempt.refuse() : attempt.cancel());
    throw error;
  } finally {
    question.close();
    cancelExpiry();
    call.signal.removeEventListener("abort", abort);
  }
}
