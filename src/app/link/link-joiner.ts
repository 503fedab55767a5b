/**
 * The new device's side of linking, up to what it must store. One exchange for one typed code, with one peer. Rules: docs/spec/link.md.
 * Tests: test/integration/app/link.test.ts.
 */
import type { AccountId, DeviceId } from "../../core/base/ids.ts";
import { bytesToId } from "../../core/base/ids.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { EngineError } from "../../core/base/errors.ts";
import type { Clock, Entropy, MonotonicMs } from "../../core/base/ports.ts";
import { labelled, labels } from "../../core/crypto/labels.ts";
import { createSigningKey, sign } from "../../core/crypto/sign.ts";
import { NAME_BYTES_MAX } from "../../core/inbox/types.ts";
import { decodeBatch } from "../../core/log/batch.ts";
import type { Batch } from "../../core/log/types.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { LINK_KIND, LinkChannel } from "./link-channel.ts";
import type { LinkSecret } from "./link-code.ts";

const EXCHANGE_MS = 20_000;
/** A person must answer on the other device; a little longer than a code lives. */
const DECISION_MS = 310_000;
const CONTROL_BATCHES_MAX = 4_096;
/** All control logs of an account; a member that sends more is none that this device wants to know. */
const CONTROL_BYTES_MAX = 64 * 1024 * 1024;

export interface JoinerKeys {
  readonly signSeed: Uint8Array;
  readonly openKey: Uint8Array;
}

/** What the member gave: not verified beyond who sent it. */
export interface Admission {
  readonly account: AccountId;
  readonly linkedBy: { readonly device: DeviceId; readonly name: string };
  /** The name as the account knows it now. */
  readonly name: string;
  readonly control: readonly Batch[];
}

/** A stream whose other end answered the greeting: it costs no guess yet. */
export async function greetMember(
  stream: ByteStream,
  ports: { readonly clock: Clock; readonly entropy: Entropy },
): Promise<LinkChannel> {
  const channel = new LinkChannel(stream, ports);
  await channel.greet((ports.clock.monotonicMs() + EXCHANGE_MS) as MonotonicMs);
  return channel;
}

/**
 * The one exchange, the request, and the member's answer. `onAsked` is called when the member's person is asked.
 *
 * @throws EngineError `CODE_WRONG`, `CODE_EXPIRED`, `CODE_REFUSED`, `TIMED_OUT`, `PEER_CLOSED`, `WIRE_*`.
 */
export async function askMember(
  channel: LinkChannel,
  input: {
    readonly secret: LinkSecret;
    readonly keys: JoinerKeys;
    readonly name: string;
    readonly clock: Clock;
    readonly onAsked?: () => void;
  },
): Promise<Admission> {
  const { secret, keys, name, clock } = input;
  const soon = (clock.monotonicMs() + EXCHANGE_MS) as MonotonicMs;
  const own = channel.share(secret.password);
  channel.send(
    LINK_KIND.share,
    new ByteWriter()
      .u8(secret.kind === "words" ? 1 : 2)
      .raw(own.share)
      .finish(),
  );
  const answer = await channel.receive(LINK_KIND.shareBack, soon);
  const theirs = answer.raw(32);
  answer.end();
  if (!channel.finish(own, theirs)) throw new EngineError("CODE_WRONG", "the code is wrong, and is now dead");
  channel.confirm();
  if (!(await channel.isConfirmed(soon)))
    throw new EngineError("CODE_WRONG", "the code is wrong, and is now dead");

  const key = createSigningKey(keys.signSeed);
  const signature = sign(key, labelled(labels.linkKey, channel.transcript));
  const request = new ByteWriter().raw(key.publicKey).raw(keys.openKey).text(name).raw(signature).finish();
  channel.sendSealed(LINK_KIND.request, request);
  input.onAsked?.();
  return readAdmission(channel, (clock.monotonicMs() + DECISION_MS) as MonotonicMs);
}

async function readAdmission(channel: LinkChannel, deadline: MonotonicMs): Promise<Admission> {
  const reader = await channel.receiveSealed(LINK_KIND.decision, deadline);
  if (!reader.flag()) throw new EngineError("CODE_REFUSED", "the other device said no");
  const account = bytesToId<AccountId>(reader.raw(32));
  const device = bytesToId<DeviceId>(reader.raw(32));
  const linkedBy = { device, name: reader.text(NAME_BYTES_MAX) };
  const name = reader.text(NAME_BYTES_MAX);
  const count = reader.uint(CONTROL_BATCHES_MAX);
  reader.end();
  const control: Batch[] = [];
  let bytes = 0;
  for (let n = 0; n < count; n++) {
    const sealed = await channel.receiveSealed(LINK_KIND.batch, deadline);
    bytes += sealed.left;
    if (bytes > CONTROL_BYTES_MAX)
      throw new EngineError("WIRE_LIMIT_EXCEEDED", "the other device sends more than an account has");
    control.push(decodeBatch(sealed.raw(sealed.left).slice()));
  }
  channel.close();
  return { account, linkedBy, name, control };
}
