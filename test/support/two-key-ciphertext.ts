/**
 * Makes a ciphertext that XChaCha20-Poly1305 opens under two keys, by the known linear equation over the field of
 * Poly1305 (Grubbs, Lu, Ristenpart, "Message Franking via Committing AEAD"; Len, Grubbs, Ristenpart, "Partitioning
 * Oracle Attacks"). An attack for the tests; written with node:crypto and big integers, nothing of src.
 */
import { createCipheriv } from "node:crypto";

const PRIME = 2n ** 130n - 5n;
const TAG_RANGE = 2n ** 128n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/** `nonce ‖ ciphertext(32) ‖ tag` that verifies under both keys with the same associated bytes. */
export function craftForTwoKeys(first: Uint8Array, second: Uint8Array, associated: Uint8Array): Uint8Array {
  // The free block must fit into 128 bits, so several nonces are tried.
  for (let attempt = 0; attempt < 1000; attempt++) {
    const nonce = Buffer.alloc(24);
    nonce.writeUInt32BE(attempt);
    const macs = [macKey(first, nonce), macKey(second, nonce)] as const;
    const blocks = toBlocks(associated);
    const head = [...blocks, ...toBlocks(Buffer.alloc(16, 0x5a))];
    const tail = toBlocks(sizesBlock(associated.length, 32));
    const block = solve(macs, head, tail);
    if (block === undefined) continue;
    const ciphertext = Buffer.concat([Buffer.alloc(16, 0x5a), toBytes(block, 16)]);
    const tag = mac(macs[0], [...head, block + TAG_RANGE, ...tail]);
    return new Uint8Array(Buffer.concat([nonce, ciphertext, toBytes(tag, 16)]));
  }
  throw new Error("no nonce worked");
}

interface MacKey {
  readonly r: bigint;
  readonly s: bigint;
}

/** A block between head and tail with which both keys give one tag. */
function solve(
  macs: readonly [MacKey, MacKey],
  head: readonly bigint[],
  tail: readonly bigint[],
): bigint | undefined {
  const [a, b] = macs;
  const exponent = BigInt(tail.length + 1);
  const rest = mod(evaluate(b.r, [...head, 0n, ...tail]) - evaluate(a.r, [...head, 0n, ...tail]), PRIME);
  const inverse = power(mod(power(a.r, exponent) - power(b.r, exponent), PRIME), PRIME - 2n);
  for (let overflow = -4n; overflow <= 4n; overflow++) {
    const difference = b.s - a.s + overflow * TAG_RANGE;
    const block = mod((difference + rest) * inverse, PRIME) - TAG_RANGE;
    if (block < 0n || block >= TAG_RANGE) continue;
    const whole = [...head, block + TAG_RANGE, ...tail];
    if (mac(a, whole) === mac(b, whole)) return block;
  }
  return undefined;
}

function mac(key: MacKey, blocks: readonly bigint[]): bigint {
  return mod(evaluate(key.r, blocks) + key.s, TAG_RANGE);
}

function evaluate(r: bigint, blocks: readonly bigint[]): bigint {
  return blocks.reduce((sum, block) => mod((sum + block) * r, PRIME), 0n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest /= 2n, square = mod(square * square, PRIME)) {
    if (rest % 2n === 1n) result = mod(result * square, PRIME);
  }
  return result;
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** RFC 8439, section 2.8: padded with zeroes to blocks of 16, each with a one bit above it. */
function toBlocks(bytes: Uint8Array): readonly bigint[] {
  const blocks: bigint[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const block = Buffer.alloc(16);
    block.set(bytes.subarray(at, at + 16));
    blocks.push(toNumber(block) + TAG_RANGE);
  }
  return blocks;
}

function sizesBlock(associatedSize: number, ciphertextSize: number): Buffer {
  const block = Buffer.alloc(16);
  block.writeUInt32LE(associatedSize, 0);
  block.writeUInt32LE(ciphertextSize, 8);
  return block;
}

/** The one-time key of Poly1305: the first block of the XChaCha20 stream. */
function macKey(key: Uint8Array, nonce: Uint8Array): MacKey {
  const inner = hchacha20(key, nonce.subarray(0, 16));
  const block = chacha20Block(inner, Buffer.concat([Buffer.alloc(8), nonce.subarray(16)]));
  return { r: toNumber(block.subarray(0, 16)) & CLAMP, s: toNumber(block.subarray(16, 32)) };
}

/** HChaCha20 is ChaCha20's permutation without the last addition, so it is the block minus the known input words. */
function hchacha20(key: Uint8Array, input: Uint8Array): Buffer {
  const block = chacha20Block(key, input);
  const start = Buffer.concat([Buffer.from("expand 32-byte k"), input]);
  const out = Buffer.alloc(32);
  for (let word = 0; word < 8; word++) {
    const from = word < 4 ? word * 4 : 48 + (word - 4) * 4;
    out.writeUInt32LE(
      (block.readUInt32LE(from) - start.readUInt32LE(word * 4) + 2 ** 32) % 2 ** 32,
      word * 4,
    );
  }
  return out;
}

/** One block of 64 bytes; OpenSSL's `iv` is the whole last row of the state: counter and nonce. */
function chacha20Block(key: Uint8Array, lastRow: Uint8Array): Buffer {
  return createCipheriv("chacha20", key, lastRow).update(Buffer.alloc(64));
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

function toBytes(value: bigint, size: number): Buffer {
  return Buffer.from(value.toString(16).padStart(size * 2, "0"), "hex").reverse();
}
