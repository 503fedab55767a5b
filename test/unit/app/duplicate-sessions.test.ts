/** Of two sessions with one peer both sides keep the same one, in whatever order they see them. */
import { equal } from "node:assert/strict";
import fc from "fast-check";
import type { DeviceId } from "../../../src/core/base/ids.ts";
import { keepsOlder, type SessionOrigin } from "../../../src/app/sessions/duplicate-sessions.ts";
import { bytesOf } from "../../support/membership.ts";

const A = "a".repeat(64) as DeviceId;
const B = "b".repeat(64) as DeviceId;

interface Dial {
  readonly by: DeviceId;
  readonly nonce: string;
}

/** A dial as one of the two devices sees it. */
function seenBy(self: DeviceId, { by, nonce }: Dial, openedAtMs: number): SessionOrigin {
  return {
    initiator: by === self,
    ownTransport: bytesOf(`transport ${self}`),
    peerTransport: bytesOf(`transport ${self === A ? B : A}`),
    nonce: bytesOf(nonce),
    openedAtMs,
  };
}

/** Which of the two dials a device keeps that saw them in this order. */
function kept(self: DeviceId, first: Dial, second: Dial, laterMs: number): Dial {
  const older = seenBy(self, first, 0);
  const newer = seenBy(self, second, laterMs);
  return keepsOlder(older, newer, { self, peer: self === A ? B : A }) ? first : second;
}

describe("Two sessions with one peer", () => {
  it("N11: at about the same time both sides keep the same one, whatever the order", () => {
    const dial = fc.record({ by: fc.constantFrom(A, B), nonce: fc.string({ minLength: 1 }) });
    const late = fc.nat(3_000);
    fc.assert(
      fc.property(dial, dial, late, late, (one, other, onA, onB) => {
        if (one.nonce === other.nonce) return;
        const choices = [
          kept(A, one, other, onA),
          kept(A, other, one, onA),
          kept(B, one, other, onB),
          kept(B, other, one, onB),
        ];
        equal(new Set(choices).size, 1);
      }),
    );
  });

  it("the one stays that the smaller device dialled", () => {
    const [byA, byB] = [
      { by: A, nonce: "x" },
      { by: B, nonce: "y" },
    ];
    equal(kept(A, byB, byA, 10), byA);
    equal(kept(B, byA, byB, 10), byA);
  });

  it("what began clearly later takes the place of the older one on both sides", () => {
    for (const by of [A, B]) {
      for (const self of [A, B]) {
        const [older, newer] = [
          { by: A, nonce: "x" },
          { by, nonce: "y" },
        ];
        equal(kept(self, older, newer, 3_001), newer);
      }
    }
  });

  it("under another transport identity the newer one stays: the older is dead without knowing it", () => {
    const older = seenBy(A, { by: A, nonce: "x" }, 0);
    const again = { ...seenBy(A, { by: B, nonce: "y" }, 100), peerTransport: bytesOf("after its restart") };
    equal(keepsOlder(older, again, { self: A, peer: B }), false);
  });
});
