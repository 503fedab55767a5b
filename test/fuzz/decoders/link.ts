/**
 * Fuzzed: link codes as people type and scan them, and what comes on the stream of a link. Format: docs/spec/link.md.
 * The member of the second is honest up to its last word, which is the input, sealed as it should be: without that nothing but
 * seals would be tried.
 */
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import { hex, utf8, utf8ToText } from "../../../src/core/base/bytes.ts";
import { idBytes } from "../../../src/core/base/ids.ts";
import type { Entropy, MonotonicMs } from "../../../src/core/base/ports.ts";
import { encodeBatch } from "../../../src/core/log/batch.ts";
import type { ByteStream } from "../../../src/core/sync/ports.ts";
import { LINK_KIND, LinkChannel } from "../../../src/app/link/link-channel.ts";
import {
  createCode,
  type LinkSecret,
  parseCode,
  passwordOfWords,
  uriOf,
} from "../../../src/app/link/link-code.ts";
import { askMember, greetMember } from "../../../src/app/link/link-joiner.ts";
import { Outbox } from "../../../src/app/sessions/outbox.ts";
import { Random } from "../../../simulations/doubles/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { sampleAccount, sampleAuthor, SampleLog } from "../../support/sample-log.ts";
import { type Decoder, promise } from "../decoder.ts";
import { looseText } from "./membership.ts";

function entropyOf(seed: number): Entropy {
  const random = new Random(seed);
  return { bytes: (size) => random.bytes(size) };
}

const code: Decoder = {
  name: "link-code",
  group: "link",
  codes: ["CODE_UNKNOWN"],
  words: ["kinlog:link?", "n=", "&s=", "&a=", "42-ocean-violin", "ocean", "violin", "-"],
  samples: (seed) => {
    const { text, number, qrSecret } = createCode(entropyOf(seed));
    const addresses = ["/ip4/192.168.1.7/tcp/4001", "/ip6/fe80::1/tcp/4001"];
    return [text, text.toUpperCase().replaceAll("-", "  "), uriOf({ number, qrSecret, addresses })].map(utf8);
  },
  read: (input) => {
    const { number, secret, addresses } = parseCode(looseText(input));
    promise(number >= 1 && number <= 99, "a code begins with a number from 1 to 99");
    promise(secret.password.length >= 7, "no code is without its secret part");
    promise(addresses.length <= 16, "addresses are few");
    const words = utf8ToText(secret.password);
    const written =
      secret.kind === "words" ? `${number}-${words}` : uriOf({ number, qrSecret: words, addresses });
    const read = parseCode(written);
    promise(hex(read.secret.password) === hex(secret.password), "a code is read as it was written");
    // A URI leaves out loopback addresses beside others, and nothing else.
    const others = addresses.filter((address) => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
    const expected = others.length > 0 ? others : addresses;
    promise(
      read.number === number && read.addresses.join() === expected.join(),
      "with its number and addresses",
    );
  },
};

const SECRET: LinkSecret = { kind: "words", password: passwordOfWords("42-ocean-violin") };
const LATE = 1e9 as MonotonicMs;

class End implements ByteStream {
  readonly initiator: boolean;
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  readonly peerAddress = "";
  /** What the other end sends. */
  readonly source = new Outbox();
  peer: End | undefined;

  constructor(initiator: boolean) {
    this.initiator = initiator;
    this.ownTransport = new Uint8Array(32).fill(initiator ? 1 : 2);
    this.peerTransport = new Uint8Array(32).fill(initiator ? 2 : 1);
  }

  readonly sink = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of bytes) this.peer?.source.put(chunk);
    this.peer?.source.end();
  };

  readonly abort = (): void => {
    this.source.end();
    this.peer?.source.end();
  };
}

const channelOn = (end: End, seed: number): LinkChannel =>
  new LinkChannel(end, { clock: new ManualClock(), entropy: entropyOf(seed) });

/** Up to the new device's request as a member does it, then what the input says. */
async function answerWith(end: End, words: readonly Uint8Array[]): Promise<void> {
  const channel = channelOn(end, 2);
  await channel.greet(LATE);
  const asked = await channel.receive(LINK_KIND.share, LATE);
  asked.u8();
  const theirs = asked.raw(32);
  const own = channel.share(SECRET.password);
  channel.send(LINK_KIND.shareBack, own.share);
  promise(channel.finish(own, theirs), "an honest share is a point");
  promise(await channel.isConfirmed(LATE), "the same password gives the same keys");
  channel.confirm();
  await channel.receiveSealed(LINK_KIND.request, LATE);
  for (const [at, word] of words.entries())
    channel.sendSealed(at === 0 ? LINK_KIND.decision : LINK_KIND.batch, word);
  channel.close();
}

const decision = (batches: number): Uint8Array =>
  new ByteWriter()
    .u8(1)
    .raw(idBytes(sampleAccount))
    .raw(idBytes(sampleAuthor))
    .text("Desk")
    .text("Laptop")
    .uint(batches)
    .finish();

const batches = [new SampleLog(8).batch(0, 8), new SampleLog(8).batch(2, 5)].map(encodeBatch);
/** The first byte: 0 for bytes as they come from nobody known, else what a member says. */
const channel: Decoder = {
  name: "link-channel",
  group: "link",
  codes: ["WIRE_*", "TEXT_NOT_UTF8", "CODE_*", "PEER_CLOSED", "TIMED_OUT", "CRYPTO_OPEN_FAILED"],
  samples: () => [
    stream([2, LINK_KIND.end, 1]),
    stream(
      [34, LINK_KIND.answer, 1, ...new Uint8Array(32)],
      [33, LINK_KIND.shareBack, ...new Uint8Array(32)],
    ),
    said(decision(0)),
    said(decision(1), batches[0]!),
    said(decision(2), ...batches),
    said(Uint8Array.of(0)),
  ],
  read: async (input) => {
    const joiner = new End(true);
    const member = new End(false);
    joiner.peer = member;
    if ((input[0] ?? 0) === 0) {
      joiner.source.put(input.subarray(1));
      joiner.source.end();
      await join(joiner);
      return promise(false, "nobody links without the code");
    }
    member.peer = joiner;
    const words = wordsOf(new ByteReader(input.subarray(1)));
    const [joined] = await Promise.allSettled([join(joiner), answerWith(member, words)]);
    if (joined.status === "rejected") throw joined.reason;
    promise(joined.value <= words.length - 1, "what was not said is not taken");
  },
};

async function join(end: End): Promise<number> {
  const clock = new ManualClock();
  const greeted = await greetMember(end, { clock, entropy: entropyOf(1) });
  const keys = { signSeed: new Uint8Array(32).fill(5), openKey: new Uint8Array(32).fill(6) };
  const { control } = await askMember(greeted, { secret: SECRET, keys, name: "Laptop", clock });
  return control.length;
}

function stream(...frames: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([0, ...frames.flat()]);
}

function said(...words: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter().u8(1);
  for (const word of words) writer.u16(word.length).raw(word);
  return writer.finish();
}

/** Each with its size before it; what is cut off counts as far as it goes. */
function wordsOf(reader: ByteReader): readonly Uint8Array[] {
  const words: Uint8Array[] = [];
  while (reader.left >= 2 && words.length < 4) {
    const size = reader.u16();
    words.push(reader.raw(Math.min(size, reader.left)));
  }
  return words;
}

export const linkDecoders: readonly Decoder[] = [code, channel];
