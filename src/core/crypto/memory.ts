/**
 * Memory for short results, cut from a larger piece: an allocation of its own costs 0.6 µs, half as much as sealing a
 * message. No byte is handed out twice. A result shares its `buffer` with others, so read it through its own offset and
 * copy it before it goes to another thread. Used by seal.ts and derive.ts. Tests: test/unit/crypto/memory.test.ts.
 */
import { markAsUntransferable } from "node:worker_threads";

/** A result that is kept keeps its whole slab, so slabs are small. */
const SLAB_BYTES = 16 * 1024;
const SHARED_BYTES_MAX = 1024;

let slab = new ArrayBuffer(0);
let used = 0;

/** `size` bytes of zero. */
export function takeMemory(size: number): Uint8Array {
  if (size > SHARED_BYTES_MAX) return new Uint8Array(size);
  if (used + size > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES);
    // Moving one result to another thread would empty the others.
    markAsUntransferable(slab);
    used = 0;
  }
  const view = new Uint8Array(slab, used, size);
  used += size;
  return view;
}
