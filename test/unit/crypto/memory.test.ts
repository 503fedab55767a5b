/** The shared memory of src/core/crypto/memory.ts. */
import { deepEqual, equal } from "node:assert/strict";
import { takeMemory } from "../../../src/core/crypto/memory.ts";

describe("shared memory", () => {
  it("hands out zeroes, and no byte twice", () => {
    const views = Array.from({ length: 2_000 }, (_, n) => takeMemory(n % 1_500));
    for (const [n, view] of views.entries()) {
      equal(view.length, n % 1_500);
      equal(
        view.every((byte) => byte === 0),
        true,
        `view ${n}`,
      );
      view.fill((n % 255) + 1);
    }
    for (const [n, view] of views.entries()) {
      equal(
        view.every((byte) => byte === (n % 255) + 1),
        true,
        `view ${n}`,
      );
    }
  });

  it("keeps large results apart", () => {
    const large = takeMemory(1_025);
    equal(large.buffer.byteLength, 1_025);
  });

  it("cannot be moved to another thread under the others", () => {
    const first = takeMemory(100).fill(1);
    const second = takeMemory(100).fill(2);
    equal(first.buffer, second.buffer);
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(first, [first.buffer as ArrayBuffer]);
    } catch {
      // Newer runtimes refuse; Node 20 copies instead.
    } finally {
      port1.close();
      port2.close();
    }
    deepEqual(second, new Uint8Array(100).fill(2));
  });
});
