/**
 * One dial of the double of Net, until it is answered or given up. Who gives a dial up closes its socket, and no packet of it is sent again:
 * where the network was cut meanwhile, nothing of it arrives when it heals. What the other side has accepted by then is aborted at once.
 * Tests: test/unit/doubles/memory-net.test.ts.
 */
import { EngineError } from "../../src/core/base/errors.ts";
import type { CancelTimer, Clock } from "../../src/core/base/ports.ts";
import type { ByteStream } from "../../src/core/sync/ports.ts";

export class MemoryDial {
  /** Rejects with `TIMED_OUT`, or with what it was answered. */
  readonly result: Promise<ByteStream>;
  readonly #settle = Promise.withResolvers<ByteStream>();
  readonly #cancel: CancelTimer;
  #isGivenUp = false;
  #accepted: ByteStream | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.result = this.#settle.promise;
    this.#cancel = clock.after(timeoutMs, () => {
      this.#isGivenUp = true;
      this.#accepted?.abort();
      this.#settle.reject(new EngineError("TIMED_OUT", "the device did not answer in time"));
    });
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** The dialler's end, open at the other side; the answer is on its way. */
  accepted(stream: ByteStream | undefined): void {
    this.#accepted = stream;
  }

  answered(): void {
    if (this.#isGivenUp) return;
    this.#cancel();
    if (this.#accepted !== undefined) this.#settle.resolve(this.#accepted);
    else this.#settle.reject(new EngineError("PEER_UNREACHABLE", "no device answers at that address"));
  }
}
