/**
 * Runs the membership handshake over a stream that was just opened. Who does not pass learns nothing and gets no reason.
 * Machine: src/core/sync/handshake.ts. Rules: docs/spec/sync.md, "Handshake".
 */
import type { DeviceId } from "../../core/base/ids.ts";
import type { MonotonicMs } from "../../core/base/ports.ts";
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { InitiatorHandshake, ResponderHandshake } from "../../core/sync/handshake.ts";
import { type OpeningHeld, openingHeld } from "../../core/sync/comparing.ts";
import type { ByteStream } from "../../core/sync/ports.ts";
import { encodeFrame, decodeFrame } from "../../core/wire/frame-codec.ts";
import type { HandshakeFrame } from "../../core/wire/frames.ts";
import type { Replica } from "../replica/replica.ts";
import type { FrameReader } from "./frame-reader.ts";
import type { Outbox } from "./outbox.ts";

export const SYNC_PROTOCOL = "/kinlog/sync/1";
const NONCE_BYTES = 32;

export interface Proved {
  readonly peer: DeviceId;
  /** The initiator's. */
  readonly nonce: Uint8Array;
  readonly opening: OpeningHeld | undefined;
}

/**
 * The device at the other end, proved. `refusals` says how often it was dialled in vain: each time with another of the discovery keys that are
 * accepted here, since a member can make an epoch whose discovery key is another one for each device.
 *
 * @throws EngineError `NOT_A_MEMBER` where the other end does not know the account, `TIMED_OUT`, `PEER_CLOSED`.
 */
export async function runHandshake(
  replica: Replica,
  stream: ByteStream,
  reader: FrameReader,
  outbox: Outbox,
  refusals = 0,
): Promise<Proved> {
  const { clock, entropy } = replica.ports;
  const discoveryKeys = replica.keys.discoveryKeys(replica.members);
  const discoveryKey = discoveryKeys[refusals % Math.max(1, discoveryKeys.length)];
  if (discoveryKey === undefined)
    throw new EngineError("EPOCH_KEY_MISSING", "this device has no discovery key yet");
  const options = {
    account: replica.account,
    key: replica.signingKey,
    protocol: SYNC_PROTOCOL,
    ownTransport: stream.ownTransport,
    peerTransport: stream.peerTransport,
    nonce: entropy.bytes(NONCE_BYTES),
    now: clock.monotonicMs(),
  };
  const machine = stream.initiator
    ? new InitiatorHandshake({ ...options, discoveryKey })
    : new ResponderHandshake({ ...options, discoveryKeys });

  let { nonce } = options;
  let opening: OpeningHeld | undefined;
  let outputs = machine.handle({ kind: "start" }, clock.monotonicMs());
  for (;;) {
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          outbox.put(encodeFrame(output.frame));
          break;
        case "proved":
          // The peer knows the account's discovery key: what is held here goes along in the same flight.
          opening = openingHeld(replica);
          outbox.put(encodeFrame(opening.frame));
          break;
        case "done":
          return { peer: output.peerDevice, nonce, opening };
        case "failed":
          throw new EngineError("NOT_A_MEMBER", "the other end is no device of this account");
      }
    }
    const bytes = await nextFrame(reader, machine.wakeAt, stream);
    if (bytes === undefined) throw new EngineError("TIMED_OUT", "the other end did not answer in time");
    const frame = decodeFrame(bytes) as HandshakeFrame;
    if (frame.kind === "hello-initiator") nonce = frame.nonce;
    outputs = machine.handle({ kind: "received", frame }, clock.monotonicMs());
  }
}

/** Who does not know the account closes without a word; so that is what a silent close means to the one who dialled. */
async function nextFrame(
  reader: FrameReader,
  until: MonotonicMs,
  { initiator }: ByteStream,
): Promise<Uint8Array | undefined> {
  try {
    return await reader.next(until);
  } catch (error) {
    if (!initiator || !isEngineError(error, "PEER_CLOSED")) throw error;
    throw new EngineError(
      "NOT_A_MEMBER",
      "the other end closed without a word: it is no device of this account",
      {
        cause: error,
      },
    );
  }
}
