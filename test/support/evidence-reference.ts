/**
 * A second program that checks what an alarm of a fork carries, from docs/spec/log.md and nothing else: Node's own crypto, and the
 * tree written as recursion. Shares no code with src.
 */
import { createPublicKey, verify } from "node:crypto";
import { nodeReference, perfectNodesReference } from "./merkle-reference.ts";

export interface EvidenceInHex {
  readonly account: string;
  readonly device: string;
  readonly log: string;
  readonly heads: readonly { readonly length: number; readonly root: string; readonly signature: string }[];
  readonly nodes: readonly string[];
}

const LABEL = "kinlog/v1/head";
/** What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410). */
const KEY_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** True where the device signed both heads and not both can be. */
export function checkEvidence({ account, device, log, heads, nodes }: EvidenceInHex): boolean {
  const [shorter, longer] = heads;
  if (shorter === undefined || longer === undefined || heads.length !== 2) return false;
  const key = createPublicKey({
    key: Buffer.concat([KEY_PREFIX, Buffer.from(device, "hex")]),
    format: "der",
    type: "spki",
  });
  for (const { length, root, signature } of heads) {
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(length));
    const parts = [account, log].map((id) => Buffer.from(id, "hex"));
    const message = Buffer.concat([
      Buffer.of(LABEL.length),
      Buffer.from(LABEL, "utf8"),
      Buffer.of(1),
      ...parts,
      size,
      Buffer.from(root, "hex"),
    ]);
    if (!verify(null, message, key, Buffer.from(signature, "hex"))) return false;
  }
  if (shorter.length === longer.length) return nodes.length === 0 && shorter.root !== longer.root;
  const places = [
    ...perfectNodesReference(0, shorter.length),
    ...perfectNodesReference(shorter.length, longer.length),
  ];
  if (shorter.length > longer.length || places.length !== nodes.length) return false;
  const known = new Map(places.map(({ level, index }, at) => [`${level} ${index}`, nodes[at]!]));
  return rootOver(known, longer.length) === longer.root && rootOver(known, shorter.length) !== shorter.root;
}

/** The root of the first `length` leaves, from nodes whose places are known. */
function rootOver(known: ReadonlyMap<string, string>, length: number): string {
  const over = (from: number, to: number): Uint8Array => {
    const size = to - from;
    const given = Number.isInteger(Math.log2(size))
      ? known.get(`${Math.log2(size)} ${from / size}`)
      : undefined;
    if (given !== undefined) return Buffer.from(given, "hex");
    let left = 1;
    while (left * 2 < size) left *= 2;
    if (size < 2) throw new Error("a node is missing");
    return nodeReference(over(from, from + left), over(from + left, to));
  };
  return Buffer.from(over(0, length)).toString("hex");
}
