/** Ids between hex, bytes and row keys. */
import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { hex } from "../../../src/core/base/bytes.ts";
import { idToKey, keyToId, readDeviceId, readShortId, writeId } from "../../../src/core/inbox/id-codec.ts";

describe("ids of the inbox", () => {
  it("are the hex of their bytes, wherever they stand", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(9), (bytes, at) => {
        const room = new Uint8Array(60);
        room.set(bytes, at);
        equal(readDeviceId(room, at), hex(bytes));
        equal(readShortId(room, at), hex(bytes.subarray(0, 16)));
        const written = new Uint8Array(60);
        writeId(hex(bytes), written, at);
        deepEqual(written, room);
      }),
    );
  });

  it("become keys that sort as the ids do, and come back", () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [keyA, keyB] = [idToKey(hex(a)), idToKey(hex(b))];
        equal(keyA < keyB, hex(a) < hex(b));
        equal(keyToId(keyA, 0, 16), hex(a));
        deepEqual(
          Array.from({ length: keyA.length }, (_, at) => keyA.charCodeAt(at)),
          [...a],
        );
      }),
    );
  });

  it("that are no lower-case hex are a broken invariant", () => {
    for (const id of ["0A", "0g", "é0", "0", "  "]) throws(() => idToKey(id), /invariant broken/);
    throws(() => readShortId(new Uint8Array(15), 0), /invariant broken/);
  });
});
