import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { concat, hex, utf8 } from "../../../src/core/base/bytes.ts";
import { type AccountId, idBytes } from "../../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../../src/core/base/ports.ts";
import { createSigningKey, sign } from "../../../src/core/crypto/sign.ts";
import {
  type HandshakeOutput,
  InitiatorHandshake,
  ResponderHandshake,
} from "../../../src/core/sync/handshake.ts";
import { encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { HANDSHAKE_FRAME_BYTES_MAX, type HandshakeFrame } from "../../../src/core/wire/frames.ts";

const account = "a1".repeat(32) as AccountId;
const discoveryKey = new Uint8Array(32).fill(5);
const alice = createSigningKey(new Uint8Array(32).fill(1));
const bob = createSigningKey(new Uint8Array(32).fill(2));
const start = 1_000 as MonotonicMs;
const later = (ms: number): MonotonicMs => (start + ms) as MonotonicMs;
const transport = (value: number): Uint8Array => new Uint8Array(38).fill(value);

interface Choices {
  readonly key?: typeof alice;
  readonly account?: AccountId;
  readonly own?: Uint8Array;
  readonly peer?: Uint8Array;
  readonly keys?: readonly Uint8Array[];
  readonly nonce?: number;
  readonly protocol?: string;
}

const optionsOf = (choices: Choices, defaults: { key: typeof alice; own: number; peer: number }) => ({
  protocol: choices.protocol ?? "/kinlog/sync/1",
  ownTransport: choices.own ?? transport(defaults.own),
  peerTransport: choices.peer ?? transport(defaults.peer),
  account: choices.account ?? account,
  key: choices.key ?? defaults.key,
  nonce: new Uint8Array(32).fill(choices.nonce ?? defaults.own),
  now: start,
});

const initiator = (choices: Choices = {}): InitiatorHandshake =>
  new InitiatorHandshake({
    ...optionsOf(choices, { key: alice, own: 11, peer: 22 }),
    discoveryKey: choices.keys?.[0] ?? discoveryKey,
  });
const responder = (choices: Choices = {}): ResponderHandshake =>
  new ResponderHandshake({
    ...optionsOf(choices, { key: bob, own: 22, peer: 11 }),
    discoveryKeys: choices.keys ?? [discoveryKey],
  });

type Side = InitiatorHandshake | ResponderHandshake;

const tell = (side: Side, frame: HandshakeFrame): readonly HandshakeOutput[] =>
  side.handle({ kind: "received", frame }, start);
const sentIn = (outputs: readonly HandshakeOutput[]): HandshakeFrame[] =>
  outputs.flatMap((output) => (output.kind === "send" ? [output.frame] : []));
const failureIn = (outputs: readonly HandshakeOutput[]): string | undefined =>
  outputs.find((output) => output.kind === "failed")?.cause;

/** Carries frames to and fro until nothing comes any more; `change` may alter them on their way. */
function talk(
  first: InitiatorHandshake,
  second: ResponderHandshake,
  change: (frame: HandshakeFrame) => HandshakeFrame = (frame) => frame,
): { first: HandshakeOutput[]; second: HandshakeOutput[]; frames: HandshakeFrame[] } {
  const outputs = { first: [...first.handle({ kind: "start" }, start)], second: [] as HandshakeOutput[] };
  const frames: HandshakeFrame[] = [];
  second.handle({ kind: "start" }, start);
  let sending = sentIn(outputs.first);
  for (let turn = 0; sending.length > 0; turn++) {
    frames.push(...sending);
    const to = turn % 2 === 0 ? second : first;
    const answers = sending.flatMap((frame) => tell(to, change(frame)));
    outputs[turn % 2 === 0 ? "second" : "first"].push(...answers);
    sending = sentIn(answers);
  }
  return { ...outputs, frames };
}

const done = (outputs: readonly HandshakeOutput[]): Extract<HandshakeOutput, { kind: "done" }> | undefined =>
  outputs.find((output) => output.kind === "done");

describe("the handshake", () => {
  it("tells two members who the other is, and with which discovery key", () => {
    const keys = [new Uint8Array(32), discoveryKey, new Uint8Array(32).fill(9)];
    const talked = talk(initiator(), responder({ keys }));
    const expected = { kind: "done", account, discoveryKeyIndex: 0 };
    deepEqual(done(talked.first), { ...expected, peerDevice: hex(bob.publicKey) });
    deepEqual(done(talked.second), { ...expected, peerDevice: hex(alice.publicKey), discoveryKeyIndex: 1 });
  });

  it("keeps every frame within the limit of the handshake", () => {
    for (const frame of talk(initiator(), responder()).frames) {
      ok(encodeFrame(frame).length <= HANDSHAKE_FRAME_BYTES_MAX);
    }
  });

  it("lets the initiator speak on as soon as the peer has proved the key, and not before", () => {
    const first = initiator();
    const [hello] = sentIn(first.handle({ kind: "start" }, start));
    const [answer] = sentIn(tell(responder(), hello!));
    deepEqual(
      tell(first, answer!).map(({ kind }) => kind),
      ["send", "proved"],
    );
  });

  it("N12: the last frame does not stand for the one before it, which proves the discovery key", () => {
    const mallory = createSigningKey(new Uint8Array(32).fill(66));
    const first = initiator();
    first.handle({ kind: "start" }, start);
    // Nothing was said yet, so all of what is signed here is known to who knows the account's id.
    const message = concat(utf8("R"), idBytes(account));
    const signature = sign(mallory, message);
    equal(
      failureIn(tell(first, { kind: "proof-responder", device: mallory.publicKey, signature })),
      "unexpected-frame",
    );
  });

  it("N4: a stranger without the discovery key learns no key, no device and no reason", () => {
    const talked = talk(initiator({ keys: [new Uint8Array(32).fill(66)] }), responder());
    deepEqual(talked.second, [{ kind: "failed", cause: "unknown-key" }]);
    equal(talked.frames.length, 1);
    const texts = talked.frames.map((frame) => hex(encodeFrame(frame))).join("");
    for (const secret of [alice.publicKey, bob.publicKey, idBytes(account), discoveryKey]) {
      ok(!texts.includes(hex(secret)));
    }
  });

  it("N4: the responder shows its device only after the initiator's proof", () => {
    const second = responder();
    const [hello] = sentIn(initiator().handle({ kind: "start" }, start));
    const [answer] = sentIn(tell(second, hello!));
    ok(!hex(encodeFrame(answer!)).includes(hex(bob.publicKey)));
    const forged: HandshakeFrame = {
      kind: "proof-initiator",
      tag: new Uint8Array(32),
      account: idBytes(account),
      device: alice.publicKey,
      signature: new Uint8Array(64),
    };
    deepEqual(tell(second, forged), [{ kind: "failed", cause: "bad-tag" }]);
    deepEqual(tell(second, forged), []);
  });

  it("N4: a responder without the key gets the hello and no proof", () => {
    const first = initiator();
    first.handle({ kind: "start" }, start);
    const hello = { version: 1, features: 0 };
    const answer: HandshakeFrame = {
      kind: "hello-responder",
      hello,
      nonce: new Uint8Array(32),
      tag: new Uint8Array(32),
    };
    deepEqual(tell(first, answer), [{ kind: "failed", cause: "bad-tag" }]);
  });

  it("P4: reflecting a hello or a proof proves nothing", () => {
    const first = initiator();
    const [hello] = sentIn(first.handle({ kind: "start" }, start));
    equal(failureIn(tell(first, hello!)), "unexpected-frame");
    // The same device at both ends, as when a frame is turned around on its way.
    const talked = talk(initiator(), responder({ key: alice }));
    equal(failureIn(talked.second), "own-device");
    equal(done(talked.first), undefined);
    const other = initiator();
    const [otherHello] = sentIn(other.handle({ kind: "start" }, start));
    const second = responder();
    const [answer] = sentIn(tell(second, otherHello!));
    const [proof] = sentIn(tell(other, answer!));
    equal(failureIn(tell(other, proof!)), "unexpected-frame");
    // The tag and signature of one role are not those of the other.
    const swapped = proof as Extract<HandshakeFrame, { kind: "proof-initiator" }>;
    const fresh = initiator();
    fresh.handle({ kind: "start" }, start);
    tell(fresh, answer!);
    const turned = tell(fresh, {
      kind: "proof-responder",
      device: swapped.device,
      signature: swapped.signature,
    });
    equal(failureIn(turned), "own-device");
  });

  it("P4: a man in the middle shows other transport ids, and both sides notice", () => {
    // Both speak to the middle, whose ids differ from those that the far end sees.
    const talked = talk(initiator({ peer: transport(33) }), responder({ peer: transport(44) }));
    equal(failureIn(talked.second), "unknown-key");
    // One who knows the discovery key can make the hello fit, but not the proof.
    const middle = initiator({ own: transport(44), peer: transport(22), nonce: 11 });
    const [hello] = sentIn(middle.handle({ kind: "start" }, start));
    const second = responder({ peer: transport(44) });
    const [answer] = sentIn(tell(second, hello!));
    const victim = initiator({ peer: transport(33) });
    victim.handle({ kind: "start" }, start);
    equal(failureIn(tell(victim, answer!)), "bad-tag");
  });

  it("N12: a recorded handshake cannot be played again", () => {
    const recorded = talk(initiator(), responder()).frames;
    const second = responder({ nonce: 99 });
    equal(sentIn(tell(second, recorded[0]!)).length, 1);
    deepEqual(tell(second, recorded[2]!), [{ kind: "failed", cause: "bad-tag" }]);
    const first = initiator({ nonce: 99 });
    first.handle({ kind: "start" }, start);
    deepEqual(tell(first, recorded[1]!), [{ kind: "failed", cause: "bad-tag" }]);
  });

  it("N12: another's device key needs that device's signature", () => {
    const stranger = createSigningKey(new Uint8Array(32).fill(3));
    const asBob = (frame: HandshakeFrame): HandshakeFrame =>
      frame.kind === "proof-responder" ? { ...frame, device: stranger.publicKey } : frame;
    equal(failureIn(talk(initiator(), responder(), asBob).first), "bad-signature");
    const asAlice = (frame: HandshakeFrame): HandshakeFrame =>
      frame.kind === "proof-initiator" ? { ...frame, device: stranger.publicKey } : frame;
    equal(failureIn(talk(initiator(), responder(), asAlice).second), "bad-signature");
    // A signature over something else of the same length.
    const other = (frame: HandshakeFrame): HandshakeFrame =>
      frame.kind === "proof-initiator" ? { ...frame, signature: sign(alice, new Uint8Array(65)) } : frame;
    equal(failureIn(talk(initiator(), responder(), other).second), "bad-signature");
  });

  it("K10: what is changed on the way is noticed: features, nonce, account, protocol", () => {
    const features = (frame: HandshakeFrame): HandshakeFrame =>
      "hello" in frame ? { ...frame, hello: { ...frame.hello, features: 4 } } : frame;
    equal(failureIn(talk(initiator(), responder(), features).first), "bad-tag");
    const nonce = (frame: HandshakeFrame): HandshakeFrame =>
      frame.kind === "hello-responder" ? { ...frame, nonce: new Uint8Array(32) } : frame;
    equal(failureIn(talk(initiator(), responder(), nonce).first), "bad-tag");
    const version = (frame: HandshakeFrame): HandshakeFrame =>
      "hello" in frame ? { ...frame, hello: { ...frame.hello, version: 0 } } : frame;
    equal(failureIn(talk(initiator(), responder(), version).second), "version");
    equal(failureIn(talk(initiator({ protocol: "/kinlog/sync/0" }), responder()).second), "unknown-key");
    const others = "b2".repeat(32) as AccountId;
    equal(failureIn(talk(initiator({ account: others }), responder()).second), "other-account");
  });

  it("refuses a stream to oneself, by transport id and by device", () => {
    const self = transport(11);
    deepEqual(initiator({ peer: self }).handle({ kind: "start" }, start), [
      { kind: "failed", cause: "own-transport" },
    ]);
    deepEqual(responder({ own: self }).handle({ kind: "start" }, start), [
      { kind: "failed", cause: "own-transport" },
    ]);
    equal(failureIn(talk(initiator({ key: bob }), responder()).second), "own-device");
  });

  it("N10: ends after ten seconds, whatever has come by then", () => {
    const first = initiator();
    const [hello] = sentIn(first.handle({ kind: "start" }, start));
    const second = responder();
    equal(second.wakeAt, later(10_000));
    equal(sentIn(second.handle({ kind: "received", frame: hello! }, later(9_999))).length, 1);
    deepEqual(first.handle({ kind: "woken" }, later(9_999)), []);
    deepEqual(first.handle({ kind: "woken" }, later(10_000)), [{ kind: "failed", cause: "timed-out" }]);
    const late = second.handle({ kind: "received", frame: hello! }, later(10_000));
    deepEqual(late, [{ kind: "failed", cause: "timed-out" }]);
  });

  it("tries eight discovery keys and no more", () => {
    const wrong = Array.from({ length: 7 }, (_, n) => new Uint8Array(32).fill(100 + n));
    const eighth = talk(initiator(), responder({ keys: [...wrong, discoveryKey] }));
    equal(done(eighth.second)?.discoveryKeyIndex, 7);
    const ninth = talk(initiator(), responder({ keys: [...wrong, new Uint8Array(32), discoveryKey] }));
    equal(failureIn(ninth.second), "unknown-key");
  });

  it("says other things each time, since the nonces differ", () => {
    const one = talk(initiator({ nonce: 1 }), responder({ nonce: 2 }))
      .frames.map(encodeFrame)
      .map(hex);
    const two = talk(initiator({ nonce: 3 }), responder({ nonce: 4 }))
      .frames.map(encodeFrame)
      .map(hex);
    for (const [at, text] of one.entries()) notDeepEqual(text, two[at]);
  });
});
