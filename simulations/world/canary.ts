/**
 * What may stand nowhere in the clear: everything that a person writes bears one mark, and keys are looked for as they are. Finds it
 * raw, in hex, in base64 and in UTF-16.
 */
export const MARK = "kXq7Zw9v";

export class Canaries {
  readonly #needles: Buffer[] = formsOf(Buffer.from(MARK));
  readonly #known = new Set<string>();

  /** A secret that must not be found either. */
  add(secret: Uint8Array): void {
    const name = Buffer.from(secret).toString("hex");
    if (this.#known.has(name)) return;
    this.#known.add(name);
    // Sixteen bytes of a key are as telling as all of them.
    this.#needles.push(Buffer.from(secret.subarray(0, 16)));
  }

  isIn(bytes: Uint8Array): boolean {
    const hay = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#needles.some((needle) => hay.length >= needle.length && hay.includes(needle));
  }
}

/** In base64 a text looks different at each of three offsets; the middle of each form is always the same. */
function formsOf(needle: Buffer): Buffer[] {
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), needle])
      .toString("base64")
      .replaceAll("=", "");
    return Buffer.from(text.slice(offset === 0 ? 0 : 4, -2));
  });
  return [
    needle,
    Buffer.from(needle.toString("hex")),
    Buffer.from(needle.toString("utf8"), "utf16le"),
    ...base64,
  ];
}
