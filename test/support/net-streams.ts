/** What the contract of Net is given, and what tests of streams do again and again: answer, send, read. */
import { ok } from "node:assert/strict";
import { concat } from "../../src/core/base/bytes.ts";
import type { ByteStream, Net } from "../../src/core/sync/ports.ts";

export interface NetWorld {
  /** A net that listens, on an address that the others of this world can dial. It is closed with the world. */
  readonly create: () => Promise<Net>;
  /** An address where nothing listens. */
  readonly deadAddress: () => Promise<string>;
  /** An address where something takes connections and never says a word. */
  readonly silentAddress: () => Promise<string>;
  /** Lets time pass until the work is done: at once for real time, step by step for virtual time. */
  readonly run: <Result>(work: Promise<Result>) => Promise<Result>;
  /** Lets that much time pass. */
  readonly pause: (ms: number) => Promise<void>;
  readonly cleanup: () => Promise<void>;
}

export const PROTOCOL = "/kinlog-test/1";

export interface Incoming {
  readonly first: Promise<ByteStream>;
  readonly count: () => number;
}

/** Takes every stream of the protocol; `work` may fail, as it does when the other side goes. */
export function answerAll(
  net: Net,
  work: (stream: ByteStream) => Promise<void> = () => Promise.resolve(),
  protocol: string = PROTOCOL,
): Incoming {
  let count = 0;
  const first = new Promise<ByteStream>((resolve) => {
    net.handle(protocol, (stream) => {
      count++;
      resolve(stream);
      work(stream).catch(() => undefined);
    });
  });
  return { first, count: () => count };
}

export async function* each(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export function sendAndEnd(stream: ByteStream, chunks: Iterable<Uint8Array>): Promise<void> {
  return stream.sink(each(chunks));
}

export async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.source) chunks.push(chunk);
  return concat(...chunks);
}

/** Bytes that differ from place to place, so that a lost or swapped piece shows. */
export function patterned(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + Math.floor(at / 251)) % 256);
}

/** Every net gives at least one. */
export function addressOf(net: Net): string {
  const [address] = net.addresses();
  ok(address !== undefined, "a net that listens has an address");
  return address;
}
