import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import type { ErrorCode } from "../../../src/core/base/errors.ts";
import type { AccountId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import type { MonotonicMs } from "../../../src/core/base/ports.ts";
import { createSigningKey } from "../../../src/core/crypto/sign.ts";
import type { LogState } from "../../../src/core/log/types.ts";
import type { LogOwner } from "../../../src/core/membership/types.ts";
import {
  type HandshakeOutput,
  InitiatorHandshake,
  ResponderHandshake,
} from "../../../src/core/sync/handshake.ts";
import { fingerprint, possessionDigest } from "../../../src/core/sync/possession.ts";
import { decodeFrame, encodeFrame } from "../../../src/core/wire/frame-codec.ts";
import { FrameSplitter } from "../../../src/core/wire/frame-splitter.ts";
import type { HandshakeFrame } from "../../../src/core/wire/frames.ts";
import { assertCode } from "../../support/assert-code.ts";
import { repositoryRoot, vectorPath } from "../../support/paths.ts";

interface FrameVector {
  readonly comment: string;
  readonly expect: "accept" | ErrorCode;
  readonly bytes: string;
  readonly frame?: unknown;
}

interface SizeVector {
  readonly comment: string;
  readonly expect: "accept" | ErrorCode;
  readonly size?: number;
  readonly prefix: string;
}

interface Party {
  readonly transport: string;
  readonly nonce: string;
  readonly seed: string;
}

interface HandshakeVector {
  readonly protocol: string;
  readonly discoveryKey: string;
  readonly account: AccountId;
  readonly initiator: Party;
  readonly responder: Party;
  readonly frames: readonly string[];
}

interface PossessionVector {
  readonly account: AccountId;
  readonly logs: readonly {
    readonly log: LogId;
    readonly root: string;
    readonly prefixLength: number;
    readonly held: readonly (readonly [number, number])[];
    readonly cut: number | null;
  }[];
  readonly digest: string;
  readonly fingerprint: string;
}

const files = ["frames.json", "sizes.json", "handshake.json", "possession.json"] as const;
const textOf = (name: (typeof files)[number]): string => readFileSync(vectorPath(`wire/${name}`), "utf8");

const frames = JSON.parse(textOf("frames.json")) as readonly FrameVector[];
const sizes = JSON.parse(textOf("sizes.json")) as readonly SizeVector[];
const handshake = JSON.parse(textOf("handshake.json")) as HandshakeVector;
const possession = JSON.parse(textOf("possession.json")) as PossessionVector;

/** The frame with its bytes as hex, as the vectors have it. */
const plain = (frame: unknown): unknown =>
  JSON.parse(
    JSON.stringify(frame, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value)),
  );

describe("the vectors of docs/spec/sync.md", () => {
  it("are what their script makes", () => {
    const folder = mkdtempSync(join(tmpdir(), "kinlog-vectors-"));
    try {
      const { status, stderr } = spawnSync(process.execPath, [vectorPath("make-wire-vectors.mjs"), folder]);
      equal(status, 0, stderr.toString());
      for (const name of files) equal(readFileSync(join(folder, name), "utf8"), textOf(name), name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are as many as there were, good and bad", () => {
    const good = frames.filter(({ expect }) => expect === "accept").length;
    deepEqual([good, frames.length - good, sizes.length], [25, 42, 10]);
  });

  it("hold the example that the specification explains byte by byte", () => {
    const example = frames.find(({ comment }) => comment.includes("example"))!.bytes;
    const spec = readFileSync(join(repositoryRoot, "docs/spec/sync.md"), "utf8");
    const lines = /```text\n(2b [\s\S]*?)```/.exec(spec)![1]!.trim().split("\n");
    const bytes = lines.map((line) => line.split("  ")[0]!.replaceAll(" ", "")).join("");
    equal(bytes.replace("ab×32", "ab".repeat(32)), `2b${example}`);
  });

  for (const { comment, expect, bytes: text, frame } of frames) {
    it(`U1: frame, ${expect}: ${comment}`, () => {
      const bytes = hexToBytes(text);
      if (expect !== "accept") return assertCode(() => decodeFrame(bytes), expect);
      const decoded = decodeFrame(bytes);
      deepEqual(plain(decoded), frame);
      if (decoded.kind === "unknown") return;
      // The size before it has one byte for small frames, two for others.
      equal(hex(encodeFrame(decoded)).slice(bytes.length < 128 ? 2 : 4), text);
    });
  }

  for (const { comment, expect, size, prefix } of sizes) {
    it(`N9: size, ${expect}: ${comment}`, () => {
      const splitter = new FrameSplitter({ handshakeFrames: 0 });
      if (expect !== "accept") return assertCode(() => splitter.push(hexToBytes(prefix)), expect);
      deepEqual(splitter.push(hexToBytes(prefix)), []);
      deepEqual(splitter.push(new Uint8Array(size! - 1)), []);
      equal(splitter.push(new Uint8Array(1))[0]!.length, size);
    });
  }

  it("N12: handshake: both machines say exactly these bytes", () => {
    const now = 0 as MonotonicMs;
    const options = (own: Party, peer: Party) => ({
      protocol: handshake.protocol,
      ownTransport: hexToBytes(own.transport),
      peerTransport: hexToBytes(peer.transport),
      account: handshake.account,
      key: createSigningKey(hexToBytes(own.seed)),
      nonce: hexToBytes(own.nonce),
      now,
    });
    const { initiator, responder } = handshake;
    const discoveryKey = hexToBytes(handshake.discoveryKey);
    const first = new InitiatorHandshake({ ...options(initiator, responder), discoveryKey });
    const second = new ResponderHandshake({
      ...options(responder, initiator),
      discoveryKeys: [new Uint8Array(32), discoveryKey],
    });
    const said: HandshakeFrame[] = [];
    const sentOf = (outputs: readonly HandshakeOutput[]): HandshakeFrame => {
      const sent = outputs.find((output) => output.kind === "send");
      ok(sent !== undefined);
      said.push(sent.frame);
      return sent.frame;
    };
    const one = sentOf(first.handle({ kind: "start" }, now));
    const two = sentOf(second.handle({ kind: "received", frame: one }, now));
    const three = sentOf(first.handle({ kind: "received", frame: two }, now));
    sentOf(second.handle({ kind: "received", frame: three }, now));
    deepEqual(
      said.map((frame) => hex(encodeFrame(frame))),
      handshake.frames,
    );
  });

  it("possession: the digest and the fingerprint of three logs", () => {
    const frontier = new Map<LogId, LogState>();
    const logs = new Map<LogId, LogOwner>();
    for (const { log, root: text, prefixLength, held, cut } of possession.logs) {
      const root = hexToBytes(text) as TreeHash;
      const head = { log, length: 400, root, signature: new Uint8Array(64) };
      const ranges = held.map(([from, to]) => ({ from, to }));
      frontier.set(log, { head, peaks: [], held: ranges, prefix: { length: prefixLength, root } });
      const end = cut === null ? null : { length: cut, root };
      logs.set(log, { log, device: "" as never, incarnation: 0, logClass: "messages", cut: end });
    }
    const claim = { account: possession.account, frontier, members: { logs } };
    equal(hex(possessionDigest(claim)), possession.digest);
    equal(fingerprint(claim), possession.fingerprint);
  });
});
