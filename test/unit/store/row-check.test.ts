/** The check at the end of every value, and the sums it is made of. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { crc32 as nodeCrc32 } from "node:zlib";
import fc from "fast-check";
import { utf8 } from "../../../src/core/base/bytes.ts";
import { crc32 } from "../../../src/io/store/crc.ts";
import { bodyOf, CHECK_BYTES, checkedBody, putCheck, withCheck } from "../../../src/io/store/row-check.ts";
import { testBytes } from "../../support/logs.ts";

describe("the check of a row", () => {
  const key = utf8("a key");
  const body = testBytes(1, 100);

  it("knows CRC-32 by its check value", () => {
    equal(crc32(utf8("123456789"), 0, 9), 0xcbf43926);
    equal(crc32(new Uint8Array(0), 0, 0), 0);
  });

  it("is that of Node for every size, place and beginning", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), fc.nat(600), (bytes, a, b) => {
        const from = Math.min(a, bytes.length);
        const to = Math.max(from, Math.min(b, bytes.length));
        equal(crc32(bytes, from, to), nodeCrc32(bytes.subarray(from, to)));
        const before = crc32(bytes, 0, from);
        equal(crc32(bytes, from, to, before), nodeCrc32(bytes.subarray(0, to)));
      }),
    );
  });

  it("is the CRC-32 of key and body, high byte first", () => {
    const whole = new Uint8Array([...key, ...body, 0, 0, 0, 0]);
    putCheck(whole, 0, key.length + body.length);
    const sum = nodeCrc32(new Uint8Array([...key, ...body]));
    equal(new DataView(whole.buffer).getUint32(key.length + body.length), sum);
    deepEqual(withCheck(key, body), whole.subarray(key.length));
  });

  it("S9: gives what was written under the key, and nothing where a bit of either is another", () => {
    const value = withCheck(key, body);
    deepEqual(bodyOf(key, value), body);
    deepEqual(bodyOf(key, withCheck(key, new Uint8Array(0))), new Uint8Array(0));
    for (let bit = 0; bit < value.length * 8; bit++) {
      const flipped = value.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      equal(bodyOf(key, flipped), undefined);
    }
    for (let bit = 0; bit < key.length * 8; bit++) {
      const flipped = key.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      equal(bodyOf(flipped, value), undefined);
    }
    for (let size = 0; size < CHECK_BYTES; size++) equal(bodyOf(key, new Uint8Array(size)), undefined);
    throws(() => checkedBody(key, value.subarray(1)), { code: "STORE_DAMAGED" });
  });
});
