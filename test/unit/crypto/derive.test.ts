/** Ids, signed messages and associated bytes of src/core/crypto/derive.ts, against vectors made without it. */
import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import { hex, hexToBytes } from "../../../src/core/base/bytes.ts";
import type { AccountId, DeviceId, LogId, TreeHash } from "../../../src/core/base/ids.ts";
import {
  accountIdOf,
  controlIdOf,
  conversationIdOf,
  entryAssociated,
  epochIdOf,
  headMessage,
  logIdOf,
  reactionKeyOf,
  searchKeyOf,
  searchRowAssociated,
  searchTokenOf,
  settingKeyOf,
  takenInIdOf,
} from "../../../src/core/crypto/derive.ts";
import { assertCode } from "../../support/assert-code.ts";
import { readVectors } from "../../support/wycheproof.ts";

interface Place {
  readonly account: AccountId;
  readonly log: LogId;
  readonly position: number;
}

const vectors = readVectors<{
  readonly account: { readonly genesis: string; readonly expect: string };
  readonly logs: readonly {
    readonly account: AccountId;
    readonly device: DeviceId;
    readonly incarnation: number;
    readonly logClass: "control" | "state" | "messages";
    readonly expect: string;
  }[];
  readonly control: {
    readonly log: LogId;
    readonly position: number;
    readonly leaf: string;
    readonly expect: string;
  };
  readonly epoch: { readonly key: string; readonly expect: string };
  readonly conversation: { readonly key: string; readonly address: string; readonly expect: string };
  readonly takenIn: { readonly key: string; readonly fields: string; readonly expect: string };
  readonly reaction: { readonly key: string; readonly fields: string; readonly expect: string };
  readonly setting: { readonly key: string; readonly name: string; readonly expect: string };
  readonly search: {
    readonly key: string;
    readonly term: string;
    readonly token: number;
    readonly rowKey: string;
    readonly row: string;
    readonly associated: string;
  };
  readonly head: {
    readonly account: AccountId;
    readonly log: LogId;
    readonly length: number;
    readonly root: string;
    readonly expect: string;
  };
  readonly entries: readonly (Place & { readonly header: string; readonly expect: string })[];
}>("derivations/derivations.json");

describe("derived ids", () => {
  it("of an account, a control entry and an epoch are those of the vectors", () => {
    const { account, control, epoch } = vectors;
    equal(accountIdOf(hexToBytes(account.genesis)), account.expect);
    equal(controlIdOf({ ...control, leaf: hexToBytes(control.leaf) as TreeHash }), control.expect);
    equal(epochIdOf(hexToBytes(epoch.key)), epoch.expect);
  });

  it("of the three logs of an incarnation are those of the vectors, and differ", () => {
    deepEqual(
      vectors.logs.map((log) => log.logClass),
      ["control", "state", "messages"],
    );
    for (const log of vectors.logs) equal(logIdOf(log), log.expect, log.logClass);
    equal(new Set(vectors.logs.map((log) => log.expect)).size, 3);
  });

  it("of another incarnation is another log", () => {
    const log = vectors.logs[0]!;
    notEqual(logIdOf({ ...log, incarnation: log.incarnation + 1 }), logIdOf(log));
  });

  it("of conversations and taken-in messages are those of the vectors: 16 bytes, under a key", () => {
    const { conversation, takenIn } = vectors;
    equal(conversationIdOf(hexToBytes(conversation.key), conversation.address), conversation.expect);
    equal(takenInIdOf(hexToBytes(takenIn.key), hexToBytes(takenIn.fields)), takenIn.expect);
    equal(conversation.expect.length, 32);
    notEqual(conversationIdOf(new Uint8Array(32), conversation.address), conversation.expect);
  });

  it("of a reaction and a setting are those of the vectors", () => {
    const { reaction, setting } = vectors;
    equal(hex(reactionKeyOf(hexToBytes(reaction.key), hexToBytes(reaction.fields))), reaction.expect);
    equal(hex(settingKeyOf(hexToBytes(setting.key), setting.name)), setting.expect);
  });

  it("of a term, of the key of the search index and of its rows are those of the vectors", () => {
    const { key, term, token, rowKey, row, associated } = vectors.search;
    equal(searchTokenOf(hexToBytes(key), term), token);
    equal(hex(searchKeyOf(hexToBytes(key))), rowKey);
    equal(hex(searchRowAssociated(hexToBytes(row))), associated);
  });

  it("K9: keys of a wrong length are refused", () => {
    for (const size of [0, 16, 31, 33]) {
      const key = new Uint8Array(size);
      assertCode(() => epochIdOf(key), "CRYPTO_KEY_INVALID");
      assertCode(() => conversationIdOf(key, "a"), "CRYPTO_KEY_INVALID");
      assertCode(() => takenInIdOf(key, new Uint8Array(1)), "CRYPTO_KEY_INVALID");
      assertCode(() => reactionKeyOf(key, new Uint8Array(1)), "CRYPTO_KEY_INVALID");
      assertCode(() => settingKeyOf(key, "a"), "CRYPTO_KEY_INVALID");
    }
  });
});

describe("bytes that are signed or bound", () => {
  it("of a head are those of the vectors", () => {
    const { head } = vectors;
    equal(hex(headMessage({ ...head, root: hexToBytes(head.root) as TreeHash })), head.expect);
  });

  it("C5: of an entry are those of the vectors, at every size of position", () => {
    equal(vectors.entries.length, 7);
    for (const entry of vectors.entries) {
      const bound = entryAssociated({ ...entry, headerWithoutHash: hexToBytes(entry.header) });
      equal(hex(bound), entry.expect, `${entry.position}`);
    }
  });

  it("C5: of an entry follow account and log however calls are mixed", () => {
    const entry = vectors.entries[0]!;
    const header = hexToBytes(entry.header);
    const other = "ff".repeat(32);
    const at = (changes: Partial<Place>): string =>
      hex(entryAssociated({ ...entry, ...changes, headerWithoutHash: header }));
    const inOtherLog = entry.expect.replace(entry.log, other);
    const inOtherAccount = entry.expect.replace(entry.account, other);
    for (let n = 0; n < 3; n++) {
      equal(at({ log: other as LogId }), inOtherLog);
      equal(at({ account: other as AccountId }), inOtherAccount);
      equal(at({}), entry.expect);
    }
  });

  it("of an entry need a position that is one", () => {
    const entry = vectors.entries[0]!;
    for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
      throws(
        () => entryAssociated({ ...entry, position, headerWithoutHash: new Uint8Array(40) }),
        /invariant broken/,
      );
    }
  });
});
