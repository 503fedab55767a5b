/**
 * Linking by a short code: CPace (draft-irtf-cfrg-cpace-21), initiator-responder setting. Both sides derive the same key
 * if they typed the same words, and a wrong guess costs one run; what was recorded cannot be searched later (threat P2).
 * Sends nothing: who sends what when is the linking protocol's matter. Parameters: docs/spec/crypto.md.
 * Tests: test/unit/crypto/password-exchange.test.ts (the draft's vectors).
 */
import { equalBytes } from "../base/bytes.ts";
import { EngineError } from "../base/errors.ts";
import { calculateGenerator, multiplyVerified, seedToScalar, sessionKey } from "./cpace.ts";
import { hkdfSha256 } from "./hash.ts";
import { requireKeySize } from "./key-size.ts";
import { labelled, labels } from "./labels.ts";

/** Bytes of the key that an exchange gives. */
export const EXCHANGED_KEY_BYTES = 64;

export interface PasswordShare {
  /** 32 bytes to send. */
  readonly share: Uint8Array;
  /** 32 bytes for `finishPasswordExchange` and nothing else; forget them after it. */
  readonly secret: Uint8Array;
}

/**
 * One side's half of one run.
 *
 * `channel` (CI) names both transport ids, the initiator's first; `sessionId` (sid) is made of fresh bytes of both
 * sides; `scalarSeed` is 64 fresh random bytes, used for this run only.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a seed of another length.
 */
export function createPasswordShare(input: {
  readonly password: Uint8Array;
  readonly channel: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly scalarSeed: Uint8Array;
}): PasswordShare {
  const generator = calculateGenerator(input.password, input.channel, input.sessionId);
  const secret = seedToScalar(input.scalarSeed);
  const share = multiplyVerified(secret, generator);
  // Needs a hash that maps to the identity: a chance of 2^-252.
  if (share === undefined) throw new EngineError("CRYPTO_KEY_INVALID", "a share is the identity");
  return { share, secret };
}

/**
 * The key (64 bytes) that the peer has too if password, channel, session and both sides' messages are the same.
 * Undefined for a share that is no point, is the identity, or is our own sent back: then the run ends.
 */
export function finishPasswordExchange(input: {
  readonly secret: Uint8Array;
  readonly role: "initiator" | "responder";
  readonly ownShare: Uint8Array;
  readonly ownAssociated: Uint8Array;
  readonly peerShare: Uint8Array;
  readonly peerAssociated: Uint8Array;
  readonly sessionId: Uint8Array;
}): Uint8Array | undefined {
  if (equalBytes(input.ownShare, input.peerShare)) return undefined;
  const shared = multiplyVerified(input.secret, input.peerShare);
  if (shared === undefined) return undefined;
  const own = { share: input.ownShare, associated: input.ownAssociated };
  const peer = { share: input.peerShare, associated: input.peerAssociated };
  const [initiator, responder] = input.role === "initiator" ? [own, peer] : [peer, own];
  return sessionKey({ sessionId: input.sessionId, shared, initiator, responder });
}

/** What both sides derive of an exchanged key; 32 bytes each. Compare tags with `constantTimeEqual`. */
export interface LinkKeys {
  /** The initiator sends it to prove that it has the key; the first thing sent that depends on the password. */
  readonly confirmInitiator: Uint8Array;
  /** The responder's answer. */
  readonly confirmResponder: Uint8Array;
  /** Seals what the initiator sends. */
  readonly sealInitiator: Uint8Array;
  /** Seals what the responder sends. */
  readonly sealResponder: Uint8Array;
}

/**
 * HKDF of the exchanged key under four separate labels: no value tells anything of another.
 *
 * @throws EngineError `CRYPTO_KEY_INVALID` for a key that is not 64 bytes.
 */
export function linkKeys(isk: Uint8Array): LinkKeys {
  requireKeySize(isk, EXCHANGED_KEY_BYTES, "an exchanged key");
  const derive = (info: Uint8Array): Uint8Array =>
    hkdfSha256({ secret: isk, salt: new Uint8Array(0), info, size: 32 });
  return {
    confirmInitiator: derive(labelled(labels.linkInitiator)),
    confirmResponder: derive(labelled(labels.linkResponder)),
    sealInitiator: derive(labelled(labels.linkKey, Uint8Array.of(1))),
    sealResponder: derive(labelled(labels.linkKey, Uint8Array.of(2))),
  };
}
