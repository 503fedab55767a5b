/** The input that a thread is trying, where another thread can see it: of a thread that never answers it is all that is known. */

const SIZE_MAX = 128 * 1024;

export class SharedInput {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8 + SIZE_MAX)) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, 8);
  }

  /** Other with every input. */
  get number(): number {
    return Atomics.load(this.#numbers, 0);
  }

  put(input: Uint8Array): void {
    const size = Math.min(input.length, SIZE_MAX);
    this.#bytes.set(input.subarray(0, size));
    Atomics.store(this.#numbers, 1, size);
    Atomics.add(this.#numbers, 0, 1);
  }

  get(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#numbers, 1));
  }
}
