import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { concat, hex } from "../../../src/core/base/bytes.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import { FrameSplitter } from "../../../src/core/wire/frame-splitter.ts";
import { FRAME_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX } from "../../../src/core/wire/frames.ts";
import { assertCode } from "../../support/assert-code.ts";

const sized = (frame: Uint8Array): Uint8Array => new ByteWriter().uint(frame.length).raw(frame).finish();

/** Chunks of the sizes given, over and over, that make up `bytes`. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe("a frame splitter", () => {
  it("finds the same frames however the stream is cut", () => {
    const frame = fc.uint8Array({ minLength: 1, maxLength: 400 });
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), sizes, (frames, cuts) => {
        const splitter = new FrameSplitter({ handshakeFrames: 0 });
        const found = [...cut(concat(...frames.map(sized)), cuts)].flatMap((chunk) => splitter.push(chunk));
        deepEqual(found.map(hex), frames.map(hex));
        equal(splitter.bufferedBytes, 0);
      }),
    );
  });

  it("gives a frame that lies in one chunk as a view of it", () => {
    const chunk = concat(sized(new Uint8Array(100_000)), sized(new Uint8Array(7)));
    for (const frame of new FrameSplitter({ handshakeFrames: 0 }).push(chunk))
      equal(frame.buffer, chunk.buffer);
  });

  it("gives frames that later frames do not overwrite", () => {
    const splitter = new FrameSplitter({ handshakeFrames: 0 });
    const found: Uint8Array[] = [];
    for (const value of [1, 2, 3]) {
      const bytes = sized(new Uint8Array(1_000).fill(value));
      found.push(...splitter.push(bytes.slice(0, 500)), ...splitter.push(bytes.slice(500)));
    }
    deepEqual(
      found.map((frame) => [...new Set(frame)]),
      [[1], [2], [3]],
    );
  });

  it("N9: keeps little of what was announced and has not come", () => {
    const splitter = new FrameSplitter({ handshakeFrames: 0 });
    splitter.push(new ByteWriter().uint(FRAME_BYTES_MAX).finish());
    equal(splitter.bufferedBytes, 0);
    splitter.push(new Uint8Array(1));
    ok(splitter.bufferedBytes <= 256 * 1024);
  });

  it("N10: takes a largest frame byte by byte in linear time and at most twice its bytes", () => {
    const splitter = new FrameSplitter({ handshakeFrames: 0 });
    splitter.push(new ByteWriter().uint(FRAME_BYTES_MAX).finish());
    const byte = new Uint8Array(1);
    let copied = 0;
    let before = 0;
    for (let n = 1; n < FRAME_BYTES_MAX; n++) {
      splitter.push(byte);
      if (splitter.bufferedBytes !== before) copied += before;
      before = splitter.bufferedBytes;
      ok(before <= Math.max(256 * 1024, 2 * n));
    }
    ok(copied < 2 * FRAME_BYTES_MAX);
    equal(splitter.push(byte)[0]!.length, FRAME_BYTES_MAX);
  });

  it("N9: allows the first frames, those of the handshake, only their own limit", () => {
    const small = sized(new Uint8Array(HANDSHAKE_FRAME_BYTES_MAX));
    const large = sized(new Uint8Array(HANDSHAKE_FRAME_BYTES_MAX + 1));
    equal(new FrameSplitter({ handshakeFrames: 2 }).push(concat(small, small, large)).length, 3);
    const splitter = new FrameSplitter({ handshakeFrames: 2 });
    assertCode(() => splitter.push(concat(small, large)), "WIRE_LIMIT_EXCEEDED");
  });
});
