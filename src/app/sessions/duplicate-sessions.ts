/**
 * Of two sessions with one peer, which one stays. Both sides come to the same answer by themselves, in whatever order the two reach
 * them: else each would end the one that the other keeps. Rules: docs/spec/sync.md, "Two sessions". Tests: test/unit/app/duplicate-sessions.test.ts.
 */
import { equalBytes } from "../../core/base/bytes.ts";
import type { DeviceId } from "../../core/base/ids.ts";

/** Sessions that began this close to each other may reach the other side in another order. */
const SIMULTANEOUS_MS = 3_000;

export interface SessionOrigin {
  readonly initiator: boolean;
  readonly ownTransport: Uint8Array;
  readonly peerTransport: Uint8Array;
  /** The initiator's nonce of the handshake: both sides know it. */
  readonly nonce: Uint8Array;
  readonly openedAtMs: number;
}

/**
 * True where the older one stays. What began clearly later stands for a connection that its side believes to be the only one. At about
 * the same time the one stays that the smaller device dialled; of two that one device dialled, that of the smaller nonce.
 */
export function keepsOlder(
  older: SessionOrigin,
  newer: SessionOrigin,
  devices: { readonly self: DeviceId; readonly peer: DeviceId },
): boolean {
  if (newer.openedAtMs - older.openedAtMs > SIMULTANEOUS_MS) return false;
  // Another transport identity: one side has started again, and the older session is dead without knowing it.
  if (!equalBytes(older.ownTransport, newer.ownTransport)) return false;
  if (!equalBytes(older.peerTransport, newer.peerTransport)) return false;
  if (older.initiator !== newer.initiator) return older.initiator === devices.self < devices.peer;
  return isSmaller(older.nonce, newer.nonce);
}

function isSmaller(a: Uint8Array, b: Uint8Array): boolean {
  for (const [at, byte] of a.entries()) {
    const other = b[at] ?? 0;
    if (byte !== other) return byte < other;
  }
  return false;
}
