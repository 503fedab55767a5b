/**
 * The bytes of a file, piece by piece and at the reader's pace; of a gzip file (known by its first bytes) what it holds.
 * Knows no format. Tests: test/unit/gateways/file-chunks.test.ts.
 */
import { open, type FileHandle } from "node:fs/promises";
import { Readable, pipeline } from "node:stream";
import { constants, createGunzip } from "node:zlib";
import { EngineError } from "../../core/base/errors.ts";

const CHUNK_BYTES = 128 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

export class FileChunks implements AsyncIterable<Uint8Array> {
  readonly #path: string;
  /** Bytes of the file as it lies on disk, for progress. */
  bytesRead = 0;
  /** 0 until the file is open. */
  bytesTotal = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws EngineError `IMPORT_NOT_FOUND`, `IMPORT_MALFORMED` where what gzip holds is damaged. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const handle = await openFile(this.#path);
    try {
      this.bytesTotal = (await handle.stat()).size;
      const first = await this.#read(handle);
      if (first === undefined) return;
      const isGzip = GZIP_MAGIC.every((byte, at) => first[at] === byte);
      yield* isGzip ? unzip(this.#rest(handle, first)) : this.#rest(handle, first);
    } finally {
      await handle.close();
    }
  }

  async *#rest(handle: FileHandle, first: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let chunk: Uint8Array | undefined = first; chunk !== undefined; chunk = await this.#read(handle)) {
      yield chunk;
    }
  }

  async #read(handle: FileHandle): Promise<Uint8Array | undefined> {
    try {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      this.bytesRead += bytesRead;
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * What gzip holds. A file that was cut off gives what it has; that something is missing shows in the format within. The
 * consumer's pace holds back the reading, so a small file that unfolds to terabytes (threat U5) takes time and no memory.
 */
async function* unzip(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: CHUNK_BYTES });
  // Errors end the iteration below.
  pipeline(Readable.from(chunks, { highWaterMark: 1 }), gunzip, () => undefined);
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) yield chunk;
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError(
      "IMPORT_MALFORMED",
      "the compressed file is damaged and cannot be unpacked further",
      {
        cause,
        remedy:
          "Copy the file again from where it was made. What was read so far is kept; importing again adds the rest.",
      },
    );
  } finally {
    gunzip.destroy();
  }
}

function unreadable(path: string, cause: unknown): EngineError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const why =
    code === "ENOENT"
      ? "there is no such file"
      : code === "EISDIR"
        ? "it is a folder"
        : code === "EACCES" || code === "EPERM"
          ? "it may not be read by this user"
          : "it cannot be read";
  return new EngineError("IMPORT_NOT_FOUND", `${path}: ${why}`, {
    cause,
    remedy: "Give the path of a backup file that this user may read.",
  });
}
