/** Who is on the same network and of no account, or of another: garbage, floods, half of a handshake. No device may suffer from it. */
import { EngineError } from "../../src/core/base/errors.ts";
import type { ByteStream } from "../../src/core/sync/ports.ts";
import { encodeFrame } from "../../src/core/wire/frame-codec.ts";
import { LINK_PROTOCOL } from "../../src/app/link/link-channel.ts";
import { SYNC_PROTOCOL } from "../../src/app/sessions/run-handshake.ts";
import type { MemoryHub, MemoryNet } from "../doubles/memory-net.ts";
import type { Random } from "../doubles/random.ts";
import type { Machine } from "./machine.ts";
import type { FaultStep } from "./steps.ts";

/**
 * What a peer needs that is no member: the seam for all that come from outside. It stands on the hub under a name of its own
 * (`hub.createNet(name)`, then `dial` or `handle`), where links, cuts and the tap on the wire find it as any machine; it is told the
 * time, and what it begins may fail as everyday life does. A cloud peer that withholds, rolls back and swaps comes in here, as strangers
 * and hostile-device.ts do: steps of a plan and chance of its own (so that no other seed changes), a case in `World`, rows in registers.
 */
export interface OutsidersWorld {
  readonly hub: MemoryHub;
  readonly random: Random;
  readonly after: (delayMs: number, work: () => void) => void;
  readonly begin: (work: Promise<unknown>, name: string) => void;
}

type How = Extract<FaultStep, { kind: "stranger" }>["how"];

const FLOOD = 60;
const STAYS_MS = 30_000;

export class Strangers {
  readonly #hub: MemoryHub;
  readonly #random: Random;
  readonly #after: (delayMs: number, work: () => void) => void;
  readonly #begin: (work: Promise<unknown>, name: string) => void;
  /** A device of another account on the same network. */
  readonly #foreigner: () => Promise<Machine>;
  #net: MemoryNet | null = null;

  constructor(input: OutsidersWorld & { readonly foreigner: () => Promise<Machine> }) {
    this.#hub = input.hub;
    this.#random = input.random;
    this.#after = input.after;
    this.#begin = input.begin;
    this.#foreigner = input.foreigner;
  }

  readonly come = (how: How, machine: Machine): void => {
    const address = machine.running?.node.addresses()[0];
    if (address !== undefined) this.#begin(this.#come(how, address), `stranger ${how}`);
  };

  async #come(how: How, address: string): Promise<void> {
    this.#net ??= this.#hub.createNet("stranger");
    switch (how) {
      case "garbage":
        return this.#say(address, SYNC_PROTOCOL, this.#random.bytes(this.#random.between(1, 3_000)));
      case "half-handshake":
        return this.#say(address, SYNC_PROTOCOL, this.#hello());
      case "half-link":
        // The kind of a hello, a version and its random bytes; then nothing more.
        return this.#say(address, LINK_PROTOCOL, Uint8Array.of(34, 1, 1, ...this.#random.bytes(32)));
      case "flood":
        for (let n = 0; n < FLOOD; n++)
          this.#begin(this.#say(address, SYNC_PROTOCOL, this.#hello()), "flood");
        return;
      case "wrong-account":
        return this.#connectForeigner(address);
    }
  }

  async #connectForeigner(address: string): Promise<void> {
    const { running } = await this.#foreigner();
    await running!.node.connect(address);
    throw new EngineError("UNEXPECTED", "a device of another account was let in");
  }

  #hello(): Uint8Array {
    return encodeFrame({
      kind: "hello-initiator",
      hello: { version: 1, features: 0 },
      nonce: this.#random.bytes(32),
      selector: this.#random.bytes(32),
    });
  }

  async #say(address: string, protocol: string, bytes: Uint8Array): Promise<void> {
    const stream = await this.#net!.dial(address, protocol, 5_000);
    this.#begin(stream.sink(this.#thenNothing(bytes)), "stranger's stream");
    await drain(stream);
  }

  async *#thenNothing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes;
    await new Promise<void>((resolve) => this.#after(STAYS_MS, resolve));
  }
}

async function drain(stream: ByteStream): Promise<void> {
  for await (const piece of stream.source) if (piece.length === 0) return;
}
