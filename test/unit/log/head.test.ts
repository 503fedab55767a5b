import { equal, throws } from "node:assert/strict";
import type { AccountId, DeviceId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import { headMessage } from "../../../src/core/crypto/derive.ts";
import { sign } from "../../../src/core/crypto/sign.ts";
import { isSameHead, isSameState, verifyHead } from "../../../src/core/log/head.ts";
import { EMPTY_ROOT } from "../../../src/core/log/tree.ts";
import type { Head } from "../../../src/core/log/types.ts";
import { sampleContext, sampleKey, SampleLog, signSample } from "../../support/sample-log.ts";

const head = new SampleLog(5).head();

/** The same bytes with one bit turned. */
function bent<Bytes extends Uint8Array>(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice() as Bytes;
  copy[at]! ^= 1;
  return copy;
}

describe("heads", () => {
  it("verify for their author and account only", () => {
    equal(verifyHead(head, sampleContext), true);
    equal(verifyHead(head, { ...sampleContext, account: "a2".repeat(32) as AccountId }), false);
    equal(verifyHead(head, { ...sampleContext, author: "a1".repeat(32) as DeviceId }), false);
  });

  it("do not verify with any other log, length, root or signature", () => {
    const others: Head[] = [
      { ...head, log: "00".repeat(32) as LogId },
      { ...head, length: 4 },
      { ...head, length: 5 + 2 ** 32 },
      { ...head, root: bent(head.root, 31) },
      { ...head, root: EMPTY_ROOT },
      { ...head, signature: bent(head.signature, 0) },
      { ...head, signature: bent(head.signature, 63) },
      { ...head, signature: head.signature.subarray(1) },
      { ...head, root: head.root.subarray(1) as TreeHash },
    ];
    for (const other of others) equal(verifyHead(other, sampleContext), false);
  });

  it("have a length from 1 to below 2^48, signed or not", () => {
    equal(verifyHead(signSample(2 ** 48 - 1, head.root), sampleContext), true);
    for (const length of [0, 2 ** 48, 2 ** 50]) {
      const signature = sign(sampleKey, headMessage({ ...head, account: sampleContext.account, length }));
      equal(verifyHead({ ...head, length, signature }, sampleContext), false);
    }
    for (const length of [0, -1, 0.5, 2 ** 48, 2 ** 53, Number.NaN]) {
      equal(verifyHead({ ...head, length }, sampleContext), false);
      throws(() => signSample(length, head.root), /invariant broken/);
    }
  });

  it("are the same byte for byte, or in what they say", () => {
    equal(isSameHead(head, new SampleLog(5).head()), true);
    const signedAgain = { ...head, signature: bent(head.signature, 5) };
    equal(isSameHead(head, signedAgain), false);
    equal(isSameState(head, signedAgain), true);
    equal(isSameState(head, { ...head, length: 6 }), false);
    equal(isSameState(head, { ...head, root: EMPTY_ROOT }), false);
    equal(isSameState(head, { ...head, log: "00".repeat(32) as LogId }), false);
  });
});
