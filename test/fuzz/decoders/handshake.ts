/**
 * Fuzzed: the four frames by which two devices prove who they are. The first byte says which side is tried, the rest is a
 * stream of frames. Keys and nonces are always the same, so that good ones can be made. Format: docs/spec/sync.md, "Handshake".
 */
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { concat, equalBytes } from "../../../src/core/base/bytes.ts";
import type { AccountId } from "../../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../../src/core/base/ports.ts";
import { createSigningKey } from "../../../src/core/crypto/sign.ts";
import {
  type HandshakeOptions,
  type HandshakeOutput,
  InitiatorHandshake,
  ResponderHandshake,
} from "../../../src/core/sync/handshake.ts";
import { decodeFrame, encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../../src/core/wire/frame-splitter.ts";
import type { HandshakeFrame } from "../../../src/core/wire/frames.ts";
import { type Decoder, promise } from "../decoder.ts";

const NOW = 1_000 as MonotonicMs;
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const discoveryKey = fill(9);

type Side = "initiator" | "responder";

function optionsOf(side: Side): HandshakeOptions {
  const isInitiator = side === "initiator";
  return {
    protocol: "/kinlog/sync/1",
    ownTransport: fill(isInitiator ? 1 : 2),
    peerTransport: fill(isInitiator ? 2 : 1),
    account: "ac".repeat(32) as AccountId,
    key: createSigningKey(fill(isInitiator ? 3 : 4)),
    nonce: fill(isInitiator ? 5 : 6),
    now: NOW,
  };
}

const machineOf = (side: Side): InitiatorHandshake | ResponderHandshake =>
  side === "initiator"
    ? new InitiatorHandshake({ ...optionsOf(side), discoveryKey })
    : new ResponderHandshake({ ...optionsOf(side), discoveryKeys: [fill(8), discoveryKey] });

/** What an honest peer says to this side. */
function honestFrames(side: Side): readonly Uint8Array[] {
  const said: Record<Side, Uint8Array[]> = { initiator: [], responder: [] };
  const machines = { initiator: machineOf("initiator"), responder: machineOf("responder") };
  const pass = (from: Side, outputs: readonly HandshakeOutput[]): void => {
    const to = from === "initiator" ? "responder" : "initiator";
    for (const output of outputs) {
      if (output.kind !== "send") continue;
      said[to].push(encodeFrame(output.frame));
      pass(to, machines[to].handle({ kind: "received", frame: output.frame }, NOW));
    }
  };
  pass("initiator", machines.initiator.handle({ kind: "start" }, NOW));
  return said[side];
}

const honest = { initiator: honestFrames("initiator"), responder: honestFrames("responder") };

export const handshakeDecoder: Decoder = {
  name: "handshake",
  group: "wire",
  codes: ["WIRE_*"],
  samples: () => [
    concat(Uint8Array.of(0), ...honest.initiator),
    concat(Uint8Array.of(1), ...honest.responder),
    concat(Uint8Array.of(0), ...honest.responder),
  ],
  read: (input) => {
    const side: Side = (input[0] ?? 0) % 2 === 0 ? "initiator" : "responder";
    const machine = machineOf(side);
    const outputs = [...machine.handle({ kind: "start" }, NOW)];
    const came: Uint8Array[] = [];
    for (const bytes of new FrameSplitter({ handshakeFrames: 4 }).push(input.subarray(1))) {
      const frame = decodeFrame(bytes);
      if (!isHandshake(frame)) break;
      came.push(bytes);
      outputs.push(...machine.handle({ kind: "received", frame }, NOW));
    }
    const ends = outputs.filter(({ kind }) => kind === "done" || kind === "failed");
    promise(ends.length <= 1, "a handshake ends once");
    const isDone = ends[0]?.kind === "done";
    const isNamed = outputs.some(
      (output) => output.kind === "send" && output.frame.kind === "proof-responder",
    );
    promise(!isNamed || isDone, "the responder names its device to nobody else than a member");
    // Keys are as good as unknown to chance, so what is not the honest peer's word cannot be proved.
    promise(!isDone || isHonest(came, side), "nobody passes without the keys");
  },
};

function isHonest(came: readonly Uint8Array[], side: Side): boolean {
  return honest[side].every((encoded, at) => {
    const reader = new ByteReader(encoded);
    reader.uint(256);
    const frame = came[at];
    return frame !== undefined && equalBytes(frame, encoded.subarray(reader.at));
  });
}

function isHandshake(frame: { readonly kind: string }): frame is HandshakeFrame {
  return /^(?:hello|proof)-/.test(frame.kind);
}
