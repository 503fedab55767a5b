/**
 * The bytes of the key file. Touches no disk.
 * Spec: docs/spec/key-file.md. Tests: test/unit/secrets/key-file-format.test.ts.
 */
import { ByteReader } from "../../core/base/byte-reader.ts";
import { ByteWriter } from "../../core/base/byte-writer.ts";
import { concat, equalBytes, utf8 } from "../../core/base/bytes.ts";
import { assert, EngineError, isEngineError } from "../../core/base/errors.ts";
import { bytesToId, idBytes } from "../../core/base/ids.ts";
import { HASH_BYTES, hashLabelled } from "../../core/crypto/hash.ts";
import { labels } from "../../core/crypto/labels.ts";
import type { DeviceSecrets } from "../../core/sync/ports.ts";

/** A longer file is not read at all. Version 1 has at most 205 bytes. */
export const KEY_FILE_BYTES_MAX = 4_096;

const MAGIC = utf8("kinlogkey\n");
const VERSION = 1;
const FIELD_BYTES = 32;

/** The file's bytes. Each of the secrets has 32 bytes. */
export function encodeKeyFile(secrets: DeviceSecrets): Uint8Array {
  const fields = [secrets.signSeed, secrets.openSeed, secrets.account, idBytes(secrets.device)];
  const phrase = secrets.unseenPhrase === null ? [] : [secrets.unseenPhrase];
  assert(
    [...fields, ...phrase].every(({ length }) => length === FIELD_BYTES),
    "every secret of a device has 32 bytes",
  );
  const writer = new ByteWriter().raw(MAGIC).u8(VERSION);
  for (const field of fields) writer.raw(field);
  writer.u8(phrase.length);
  for (const field of phrase) writer.raw(field);
  const body = writer.finish();
  return concat(body, hashLabelled(labels.keyFile, body));
}

/**
 * What the bytes say, copied, so that the caller may overwrite them.
 *
 * @throws EngineError `KEY_FILE_DAMAGED` for anything that is not exactly what the specification says.
 * @throws EngineError `STORE_NEWER_VERSION` for a file of a later version.
 */
export function decodeKeyFile(bytes: Uint8Array): DeviceSecrets {
  try {
    return decode(bytes);
  } catch (cause) {
    if (!isEngineError(cause) || !cause.code.startsWith("WIRE_")) throw cause;
    throw damagedKeyFile("it is cut off or altered", cause);
  }
}

/** The one text for it, since the remedy is the same whatever was wrong. */
export function damagedKeyFile(why: string, cause?: unknown): EngineError {
  return new EngineError("KEY_FILE_DAMAGED", `the key file is damaged: ${why}`, {
    cause,
    remedy:
      "Put device.key back from a backup of this directory, or move the directory away and set this device up again with " +
      "`kinlog join` from another device.",
  });
}

function decode(bytes: Uint8Array): DeviceSecrets {
  const reader = new ByteReader(bytes);
  if (!equalBytes(reader.raw(MAGIC.length), MAGIC)) throw damagedKeyFile("it does not begin as one");
  // Before the checksum: of a later version it may lie elsewhere.
  const version = reader.u8();
  if (version > VERSION) {
    throw new EngineError("STORE_NEWER_VERSION", "the key file was written by a newer version of Kinlog", {
      remedy: "Update Kinlog on this device.",
    });
  }
  if (version !== VERSION) throw damagedKeyFile("it names no version");
  const bodySize = bytes.length - HASH_BYTES;
  const checksum = bytes.subarray(Math.max(bodySize, 0));
  if (!equalBytes(checksum, hashLabelled(labels.keyFile, bytes.subarray(0, Math.max(bodySize, 0))))) {
    throw damagedKeyFile("its checksum does not match");
  }
  const field = (): Uint8Array => Uint8Array.from(reader.raw(FIELD_BYTES));
  const secrets = {
    signSeed: field(),
    openSeed: field(),
    account: field(),
    device: bytesToId<DeviceSecrets["device"]>(field()),
    unseenPhrase: reader.flag() ? field() : null,
  };
  reader.raw(HASH_BYTES);
  reader.end();
  return secrets;
}
