/** Fuzzed: what comes off a stream before anybody is known. Formats: docs/spec/sync.md, docs/spec/encoding.md. */
import fc from "fast-check";
import { ByteReader } from "../../../src/core/base/byte-reader.ts";
import { ByteWriter } from "../../../src/core/base/byte-writer.ts";
import { concat, equalBytes } from "../../../src/core/base/bytes.ts";
import { isEngineError } from "../../../src/core/base/errors.ts";
import { isValidRanges } from "../../../src/core/log/ranges.ts";
import { LOG_LENGTH_LIMIT } from "../../../src/core/log/types.ts";
import { decodeFrame, encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../../src/core/wire/frame-splitter.ts";
import { readRanges, writeRanges } from "../../../src/core/wire/ranges-codec.ts";
import { anyFrame, anyRanges } from "../../support/any-frame.ts";
import { type Decoder, promise } from "../decoder.ts";

const sample = <Value>(arbitrary: fc.Arbitrary<Value>, seed: number): readonly Value[] =>
  fc.sample(arbitrary, { numRuns: 24, seed });

/** Kind and body, without the size. */
const bodyOfFrame = (encoded: Uint8Array): Uint8Array => {
  const reader = new ByteReader(encoded);
  reader.uint(2 ** 21);
  return encoded.slice(reader.at);
};

const frame: Decoder = {
  name: "frame",
  group: "wire",
  codes: ["WIRE_*"],
  samples: (seed) => sample(anyFrame, seed).map((one) => bodyOfFrame(encodeFrame(one))),
  read: (input) => {
    const decoded = decodeFrame(input);
    if (decoded.kind === "unknown") return promise(decoded.number >= 64, "only hints are skipped");
    promise(equalBytes(bodyOfFrame(encodeFrame(decoded)), input), "a frame has one encoding");
  },
};

/** The first byte says how many small frames come first, the second how the rest is cut. */
const splitter: Decoder = {
  name: "frame-splitter",
  group: "wire",
  codes: [],
  samples: (seed) =>
    sample(fc.tuple(fc.nat(3), fc.nat(40), fc.array(anyFrame, { maxLength: 4 })), seed).map(
      ([small, cut, frames]) => concat(Uint8Array.of(small, cut), ...frames.map(encodeFrame)),
    ),
  read: (input) => {
    const [small = 0, cut = 0] = input;
    const stream = input.subarray(2);
    const whole = split(stream, stream.length, small % 4);
    const pieces = split(stream, 1 + (cut % 64), small % 4);
    promise(whole.ended === pieces.ended, "how the bytes are cut does not matter for refusing");
    promise(equalBytes(concat(...whole.frames), concat(...pieces.frames)), "nor for what is in the frames");
    promise(whole.frames.length === pieces.frames.length, "nor for how many there are");
    promise(concat(...whole.frames).length <= stream.length, "frames are not longer than what came");
  },
};

function split(
  stream: Uint8Array,
  size: number,
  handshakeFrames: number,
): { readonly frames: readonly Uint8Array[]; readonly ended: string } {
  const machine = new FrameSplitter({ handshakeFrames });
  const frames: Uint8Array[] = [];
  try {
    for (let at = 0; at < stream.length; at += size) {
      for (const one of machine.push(stream.subarray(at, at + size))) {
        promise(one.length > 0, "no frame is empty");
        if (frames.length < handshakeFrames) promise(one.length <= 256, "the first frames are small");
        frames.push(one.slice());
      }
      promise(machine.bufferedBytes <= 192 * 1024 + 2 * stream.length, "no more is kept than has come");
    }
    return { frames, ended: "open" };
  } catch (error) {
    if (!isEngineError(error)) throw error;
    // Frames before a bad size in one chunk are lost with it: the stream is useless then.
    return { frames: [], ended: error.code };
  }
}

const ranges: Decoder = {
  name: "ranges",
  group: "wire",
  codes: ["WIRE_*"],
  samples: (seed) =>
    sample(anyRanges(LOG_LENGTH_LIMIT), seed).map((some) => {
      const writer = new ByteWriter();
      writeRanges(writer, some);
      return writer.finish();
    }),
  read: (input) => {
    const reader = new ByteReader(input);
    const some = readRanges(reader, { countMax: 1_024, limit: LOG_LENGTH_LIMIT });
    reader.end();
    promise(isValidRanges(some, LOG_LENGTH_LIMIT), "what is read is sorted, disjoint and in bounds");
    const writer = new ByteWriter();
    writeRanges(writer, some);
    promise(equalBytes(writer.finish(), input), "a set of positions has one encoding");
  },
};

export const wireDecoders: readonly Decoder[] = [frame, splitter, ranges];
