/**
 * The member's side of linking: one open code, one guess, one question to the person, one admission. Rules: docs/spec/link.md.
 * Tests: test/integration/app/link.test.ts.
 */
import type { DeviceId } from "../../core/base/ids.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { utf8 } from "../../core/base/bytes.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { MonotonicMs } from "../../core/base/ports.ts";
import { labelled, labels } from "../../core/crypto/labels.ts";
import { verify } from "../../core/crypto/sign.ts";
import { validateName } from "../../core/inbox/address.ts";
import { BATCH_BYTES_TARGET } from "../../core/log/types.ts";
import { NAME_BYTES_MAX } from "../../core/inbox/types.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { writeDeviceName } from "../replica/founding.ts";
import { LINK_KIND, LinkChannel, type LinkEnd } from "./link-channel.ts";
import { CODE_LIVES_MS, createCode, passwordOfWords } from "./link-code.ts";

/** Half of a frame's limit, so that a sealed batch always fits. */
const CONTROL_BATCH_BYTES = Math.min(32 * 1024, BATCH_BYTES_TARGET);
const EXCHANGE_MS = 20_000;
/** Streams that were greeted and have not guessed yet: strangers cannot have more of them open. */
const GREETED_MAX = 8;

interface Asking {
  readonly channel: LinkChannel;
  /** Resolves when the new device has gone. */
  readonly gone: Promise<void>;
  readonly device: DeviceId;
  readonly openKey: Uint8Array;
  readonly name: string;
}

export class LinkMember {
  readonly number: number;
  readonly text: string;
  readonly qrSecret: string;
  readonly expiresAtMs: number;
  /** The device that proved to know the code. */
  readonly request: Promise<{ readonly device: DeviceId; readonly name: string }>;
  /** Resolves once the code can be used no more, whatever came of it. */
  readonly done: Promise<void>;
  readonly #replica: Replica;
  readonly #ownName: string;
  readonly #freeName: (wanted: string) => Promise<string>;
  readonly #deadline: MonotonicMs;
  readonly #asked: PromiseWithResolvers<Asking>;
  readonly #cancelExpiry: () => void;
  readonly #setDone: () => void;
  #greeted = 0;
  #spent = false;
  /** Who has asked and has no answer yet. */
  #asking: Asking | null = null;
  #confirming: Promise<{ readonly device: DeviceId; readonly name: string }> | null = null;
  /** Why nothing more can be done with the code. */
  #ended: EngineError | null = null;

  constructor(input: {
    readonly replica: Replica;
    readonly ownName: string;
    /** A name for a new device that no other has. */
    readonly freeName: (wanted: string) => Promise<string>;
    readonly livesMs?: number;
  }) {
    const { clock, entropy } = input.replica.ports;
    const livesMs = Math.min(input.livesMs ?? CODE_LIVES_MS, CODE_LIVES_MS);
    this.#replica = input.replica;
    this.#ownName = input.ownName;
    this.#freeName = input.freeName;
    const { number, text, qrSecret } = createCode(entropy);
    this.number = number;
    this.text = text;
    this.qrSecret = qrSecret;
    this.expiresAtMs = clock.wallMs() + livesMs;
    this.#deadline = (clock.monotonicMs() + livesMs) as MonotonicMs;
    this.#asked = Promise.withResolvers<Asking>();
    this.request = this.#asked.promise.then(({ device, name }) => ({ device, name }));
    // Who does not wait for the request must not be hit by its failure.
    this.request.catch(() => undefined);
    ({ promise: this.done, resolve: this.#setDone } = Promise.withResolvers<void>());
    this.#cancelExpiry = clock.after(livesMs, () =>
      this.#fail(new EngineError("CODE_EXPIRED", "nobody used the code in time"), "spent"),
    );
  }

  /** True once the code can be used no more. */
  get over(): boolean {
    return this.#ended !== null;
  }

  /** A stream of the link protocol came in. Never rejects for what came over it. */
  async answer(stream: ByteStream): Promise<void> {
    const channel = new LinkChannel(stream, this.#replica.ports);
    if (this.#greeted >= GREETED_MAX) {
      channel.end("busy");
      return;
    }
    this.#greeted++;
    try {
      await this.#exchange(channel);
    } catch (error) {
      channel.close();
      if (!isEngineError(error)) throw error;
    } finally {
      this.#greeted--;
    }
  }

  /**
   * Admits exactly the keys that came, once; resolves when that is durable and on its way.
   *
   * @throws EngineError as `request` does; `CODE_EXPIRED`, `PEER_CLOSED` where the new device waits no longer; `DISK_FULL`, ….
   */
  confirm(): Promise<{ readonly device: DeviceId; readonly name: string }> {
    this.#confirming ??= this.#admit();
    return this.#confirming;
  }

  refuse(): void {
    this.#fail(new EngineError("CODE_REFUSED", "the new device was refused"), "refused");
  }

  cancel(): void {
    this.#fail(new EngineError("ABORTED", "linking was ended"), "refused");
  }

  async #admit(): Promise<{ readonly device: DeviceId; readonly name: string }> {
    const asking = await this.#asked.promise;
    if (this.#ended !== null) throw this.#ended;
    // The person has answered: from here on neither the clock nor the new device can end it half-way.
    this.#asking = null;
    this.#finish(new EngineError("CODE_EXPIRED", "the code was used"));
    const { channel, gone, device, openKey, name: wanted } = asking;
    try {
      const { members, keys, ports, writer } = this.#replica;
      const wraps = await keys.wrapAllFor({ device, openKey }, members, ports.entropy);
      const name = await this.#freeName(wanted);
      await writer.appendControl([
        { kind: "admit", device, openKey, wraps, epochs: wraps.map((wrap) => wrap.epoch) },
      ]);
      await writeDeviceName(this.#replica, device, name);
      await this.#sendAccount(channel, name);
      channel.closeAfter(gone);
      return { device, name };
    } catch (error) {
      channel.end("busy");
      throw error;
    }
  }

  async #exchange(channel: LinkChannel): Promise<void> {
    const deadline = this.#soon();
    await channel.greet(deadline);
    const reader = await channel.receive(LINK_KIND.share, deadline);
    const secretKind = reader.u8();
    const theirs = reader.raw(32);
    reader.end();
    if (this.#spent || this.#ended !== null) {
      channel.end("spent");
      return;
    }
    // From here on the code is dead for everyone else, whatever this exchange comes to.
    this.#spent = true;
    const password = secretKind === 1 ? passwordOfWords(this.text) : utf8(this.qrSecret);
    const own = channel.share(password);
    channel.send(LINK_KIND.shareBack, own.share);
    try {
      if (!channel.finish(own, theirs) || !(await channel.isConfirmed(deadline))) {
        channel.end("wrong");
        throw new EngineError("CODE_WRONG", "somebody used a wrong code, which is now dead");
      }
      channel.confirm();
      this.#wait(await this.#readRequest(channel, deadline));
    } catch (error) {
      // A guess that was broken off is a guess.
      this.#fail(
        isEngineError(error, "CODE_WRONG")
          ? error
          : new EngineError("CODE_WRONG", "a guess at the code was broken off; the code is now dead", {
              cause: error,
            }),
      );
      throw error;
    }
  }

  /** The person is asked. A new device that goes away meanwhile must not become a member that nobody is. */
  #wait(asking: Asking): void {
    if (this.#ended !== null) {
      asking.channel.end("spent");
      return;
    }
    this.#asking = asking;
    this.#asked.resolve(asking);
    void asking.gone.then(() => {
      if (this.#asking === asking)
        this.#fail(new EngineError("PEER_CLOSED", "the new device waits no longer"));
    });
  }

  async #readRequest(channel: LinkChannel, deadline: MonotonicMs): Promise<Asking> {
    const reader = await channel.receiveSealed(LINK_KIND.request, deadline);
    const key = reader.raw(32).slice();
    const openKey = reader.raw(32).slice();
    const name = reader.text(NAME_BYTES_MAX);
    const signature = reader.raw(64);
    reader.end();
    validateName(name);
    const device = bytesToId<DeviceId>(key);
    if (
      !verify(key, labelled(labels.linkKey, channel.transcript), signature) ||
      this.#replica.members.devices.has(device)
    ) {
      throw new EngineError("CRYPTO_KEY_INVALID", "the new device did not prove its key");
    }
    return { channel, gone: channel.gone(), device, openKey, name };
  }

  /** All control logs, as batches that prove themselves: what the new device needs before it knows anyone. */
  async #sendAccount(channel: LinkChannel, name: string): Promise<void> {
    const { frontier, members, account, self, ports } = this.#replica;
    const batches: Uint8Array[] = [];
    for (const owner of members.logs.values()) {
      const state = owner.logClass === "control" ? frontier.get(owner.log) : undefined;
      if (state === undefined) continue;
      const ranges = [{ from: 0, to: state.head.length }];
      const source = ports.store.batches({
        head: state.head,
        ranges,
        bytesMax: CONTROL_BATCH_BYTES,
        newestFirst: false,
      });
      for await (const batch of source) batches.push(batch.bytes);
    }
    const decision = new ByteWriter()
      .u8(1)
      .raw(idBytes(account))
      .raw(idBytes(self))
      .text(this.#ownName)
      .text(name);
    channel.sendSealed(LINK_KIND.decision, decision.uint(batches.length).finish());
    for (const batch of batches) channel.sendSealed(LINK_KIND.batch, batch);
  }

  #soon(): MonotonicMs {
    const soon = this.#replica.ports.clock.monotonicMs() + EXCHANGE_MS;
    return Math.min(soon, this.#deadline) as MonotonicMs;
  }

  /** Ends it for all; who has asked and has no answer is told `why`. */
  #fail(error: EngineError, why: LinkEnd = "spent"): void {
    if (this.#ended !== null) return;
    this.#finish(error);
    this.#asked.reject(error);
    this.#asking?.channel.end(why);
    this.#asking = null;
  }

  #finish(error: EngineError): void {
    this.#ended = error;
    this.#cancelExpiry();
    this.#setDone();
  }
}
