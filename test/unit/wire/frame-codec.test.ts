import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { concat, hex } from "../../../src/core/base/bytes.ts";
import { EngineError, isEngineError } from "../../../src/core/base/errors.ts";
import { encodeBatch } from "../../../src/core/log/batch.ts";
import {
  closeReasonFor,
  decodeFrame,
  encodeBatchFrame,
  encodeFrame,
} from "../../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../../src/core/wire/frame-splitter.ts";
import { type Frame, FRAME_BYTES_MAX } from "../../../src/core/wire/frames.ts";
import { anyFrame } from "../../support/any-frame.ts";
import { SampleLog } from "../../support/sample-log.ts";

/** The one frame in these bytes. */
function unsized(bytes: Uint8Array): Uint8Array {
  const frames = new FrameSplitter({ handshakeFrames: 0 }).push(bytes);
  equal(frames.length, 1);
  return frames[0]!;
}

describe("frames on the wire", () => {
  it("U1: survive encoding and decoding, and have one encoding each", () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const bytes = encodeFrame(frame);
        const decoded = decodeFrame(unsized(bytes));
        deepEqual(decoded, frame);
        equal(hex(encodeFrame(decoded)), hex(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it("U1, N9: decode or fail with a WIRE code, whatever the bytes", () => {
    const damaged = fc.tuple(anyFrame, fc.nat(), fc.nat(255), fc.nat()).map(([frame, at, value, end]) => {
      const bytes = unsized(encodeFrame(frame)).slice();
      bytes[at % bytes.length] = value;
      return bytes.subarray(0, end % 4 === 0 ? end % (bytes.length + 1) : bytes.length);
    });
    const hostile = fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged);
    fc.assert(
      fc.property(hostile, (bytes) => {
        let decoded: Frame;
        try {
          decoded = decodeFrame(bytes);
        } catch (error) {
          ok(isEngineError(error) && error.code.startsWith("WIRE_"), String(error));
          return;
        }
        if (decoded.kind !== "unknown") equal(hex(unsized(encodeFrame(decoded))), hex(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  it("carry an encoded batch without copying it", () => {
    const batch = new SampleLog(200).batch(20, 180);
    const encoded = encodeBatch(batch);
    const parts = encodeBatchFrame(encoded);
    equal(parts[1], encoded);
    equal(hex(concat(...parts)), hex(encodeFrame({ kind: "batch", batch, size: encoded.length })));
  });

  it("keep their limit when they are sent: that is a bug of the sender's, not an operating error", () => {
    throws(() => encodeBatchFrame(new Uint8Array(FRAME_BYTES_MAX)), /invariant/);
    equal(encodeBatchFrame(new Uint8Array(FRAME_BYTES_MAX - 1)).length, 2);
  });

  it("break a session for a reason that says what was wrong", () => {
    equal(closeReasonFor(new EngineError("WIRE_UNKNOWN_KIND", "")), "unknown-frame");
    equal(closeReasonFor(new EngineError("WIRE_LIMIT_EXCEEDED", "")), "limit");
    equal(closeReasonFor(new EngineError("WIRE_TRUNCATED", "")), "malformed");
    const bug = new Error("not the peer's fault");
    throws(
      () => closeReasonFor(bug),
      (error) => error === bug,
    );
    throws(() => closeReasonFor(new EngineError("DISK_FULL", "")));
  });
});
