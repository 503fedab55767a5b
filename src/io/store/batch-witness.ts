/**
 * A small file beside the database with the number of the last batch that was acknowledged. A damaged record near the end of
 * LevelDB's write-ahead log hides every later one, and what is left looks like an earlier, healthy store; this file shows it.
 * Written without syncing and never waited for: it may lag behind, which means nothing, and is never ahead.
 * Spec: docs/spec/storage.md, "Opening". Tests: test/integration/store/bit-flips.test.ts.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { ByteReader } from "../../core/base/byte-reader.ts";
import { u64, utf8 } from "../../core/base/bytes.ts";
import { bodyOf, CHECK_BYTES, withCheck } from "./row-check.ts";

const FILE_NAME = "last-batch";
const FILE_BYTES = 8 + CHECK_BYTES;
const FILE_MODE = 0o600;
/** Stands for the key in the check. */
const CHECK_KEY = utf8(FILE_NAME);

export class BatchWitness {
  /** As the file had it when it was opened; 0 where it said nothing that can be relied on. */
  readonly sequence: number;
  readonly #file: FileHandle;
  #wanted = 0;
  #written = 0;
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle, sequence: number) {
    this.#file = file;
    this.sequence = sequence;
  }

  static async open(directory: string): Promise<BatchWitness> {
    const file = await openFile(join(directory, FILE_NAME));
    const bytes = new Uint8Array(FILE_BYTES + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const body = bytesRead === FILE_BYTES ? bodyOf(CHECK_KEY, bytes.subarray(0, FILE_BYTES)) : undefined;
    let sequence = 0;
    if (body !== undefined) {
      const reader = new ByteReader(body);
      reader.u16();
      sequence = reader.u48();
    }
    return new BatchWitness(file, sequence);
  }

  /** Batches up to this number are durable. */
  saw(sequence: number): void {
    this.#wanted = sequence;
    this.#writing ??= this.#write();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  /** Where it fails the file lags behind, and the database, on the same disk, will say so itself. */
  async #write(): Promise<void> {
    while (this.#written < this.#wanted) {
      const sequence = this.#wanted;
      this.#written = sequence;
      const bytes = withCheck(CHECK_KEY, u64(sequence));
      await this.#file.write(bytes, 0, bytes.length, 0).catch(() => undefined);
    }
    this.#writing = undefined;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return open(path, "w+", FILE_MODE);
  }
}
