/** CPace and the link keys of src/core/crypto/password-exchange.ts: the draft's vectors, bad points, guesses. */
import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { concat, hex, hexToBytes, utf8 } from "../../../src/core/base/bytes.ts";
import { calculateGenerator, multiplyVerified, seedToScalar } from "../../../src/core/crypto/cpace.ts";
import {
  createPasswordShare,
  finishPasswordExchange,
  type LinkKeys,
  linkKeys,
  type PasswordShare,
} from "../../../src/core/crypto/password-exchange.ts";
import { assertCode } from "../../support/assert-code.ts";
import { readVectors } from "../../support/wycheproof.ts";

type Hex = Readonly<Record<string, string>>;
const file = readVectors<{
  readonly G_Coffee25519: Hex;
  readonly G_Coffee25519_points: Readonly<Record<string, string>> & { readonly Valid: Hex };
}>("cpace/testvectors.json");

const run = file.G_Coffee25519;
const points = file.G_Coffee25519_points;
const of = (name: string): Uint8Array => hexToBytes(run[name]!.toLowerCase());
const point = (text: string): Uint8Array => hexToBytes(text.toLowerCase());

const password = of("PRS");
const channel = of("CI");
const sessionId = of("sid");
/** The vectors give the scalar itself; below the group's order, it is its own remainder. */
const scalarSeed = (scalar: Uint8Array): Uint8Array => concat(scalar, new Uint8Array(32));
const share = (scalar: string, typed = password): PasswordShare =>
  createPasswordShare({ password: typed, channel, sessionId, scalarSeed: scalarSeed(of(scalar)) });

const a = share("ya");
const b = share("yb");
const finish = (
  changes: Partial<Parameters<typeof finishPasswordExchange>[0]> = {},
): Uint8Array | undefined =>
  finishPasswordExchange({
    secret: a.secret,
    role: "initiator",
    ownShare: a.share,
    ownAssociated: of("ADa"),
    peerShare: b.share,
    peerAssociated: of("ADb"),
    sessionId,
    ...changes,
  });
const finishAsResponder = (
  changes: Partial<Parameters<typeof finishPasswordExchange>[0]> = {},
): Uint8Array | undefined =>
  finish({
    secret: b.secret,
    role: "responder",
    ownShare: b.share,
    ownAssociated: of("ADb"),
    peerShare: a.share,
    peerAssociated: of("ADa"),
    ...changes,
  });

const valuesOf = (keys: LinkKeys): readonly Uint8Array[] => [
  keys.confirmInitiator,
  keys.confirmResponder,
  keys.sealInitiator,
  keys.sealResponder,
];

describe("CPace over ristretto255, the draft's vectors", () => {
  it("maps the password to the generator g", () => {
    equal(hex(calculateGenerator(password, channel, sessionId)), hex(of("g")));
  });

  it("makes the shares Ya and Yb", () => {
    equal(hex(a.secret), hex(of("ya")));
    equal(hex(a.share), hex(of("Ya")));
    equal(hex(b.secret), hex(of("yb")));
    equal(hex(b.share), hex(of("Yb")));
  });

  it("meets at K from both sides", () => {
    equal(hex(multiplyVerified(a.secret, b.share)!), hex(of("K")));
    equal(hex(multiplyVerified(b.secret, a.share)!), hex(of("K")));
  });

  it("derives ISK_IR on both sides", () => {
    equal(hex(finish()!), hex(of("ISK_IR")));
    equal(hex(finishAsResponder()!), hex(of("ISK_IR")));
  });

  it("multiplies the valid point as the vectors say", () => {
    const { s, X } = points.Valid as { readonly s: string; readonly X: string };
    const product = hex(multiplyVerified(point(s), point(X))!);
    equal(product, points.Valid["G.scalar_mult(s,decode(X))"]!.toLowerCase());
    equal(product, points.Valid["G.scalar_mult_vfy(s,X)"]!.toLowerCase());
  });

  it("K9: both invalid points, Y1 that is none and Y2 the identity, end the run for either role", () => {
    const invalid = Object.keys(points).filter((name) => name.startsWith("Invalid"));
    deepEqual(invalid, ["Invalid Y1", "Invalid Y2"]);
    for (const name of invalid) {
      const peerShare = point(points[name] as string);
      equal(multiplyVerified(point(points.Valid["s"]!), peerShare), undefined, name);
      equal(finish({ peerShare }), undefined, name);
      equal(finishAsResponder({ peerShare }), undefined, name);
    }
  });
});

describe("CPace", () => {
  it("K9: shares that are no canonical encoding, or of a wrong length, end the run", () => {
    const bad = [
      new Uint8Array(0),
      a.share.subarray(0, 31),
      concat(b.share, Uint8Array.of(0)),
      // RFC 9496, appendix A.2: not canonical, negative, no square.
      hexToBytes("00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
      hexToBytes("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      hexToBytes("0100000000000000000000000000000000000000000000000000000000000000"),
      hexToBytes("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    ];
    for (const peerShare of bad) equal(finish({ peerShare }), undefined, hex(peerShare));
  });

  it("K9: seeds of a wrong length, and one that gives the scalar 0, are refused", () => {
    assertCode(() => seedToScalar(new Uint8Array(32)), "CRYPTO_KEY_INVALID");
    assertCode(() => seedToScalar(new Uint8Array(64)), "CRYPTO_KEY_INVALID");
    const order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    assertCode(() => seedToScalar(scalarSeed(hexToBytes(order))), "CRYPTO_KEY_INVALID");
    equal(hex(seedToScalar(new Uint8Array(64).fill(0xff))).length, 64);
  });

  it("P1: another password, by one letter, gives another key", () => {
    const guess = share("yb", utf8("Passwore"));
    const key = finish({ peerShare: guess.share });
    notDeepEqual(key, finish());
    const theirs = finishPasswordExchange({
      secret: guess.secret,
      role: "responder",
      ownShare: guess.share,
      ownAssociated: of("ADb"),
      peerShare: a.share,
      peerAssociated: of("ADa"),
      sessionId,
    });
    notDeepEqual(key, theirs);
  });

  it("P4: another channel, session, role or associated text gives another key", () => {
    const key = hex(finish()!);
    const other = { password, channel: utf8("other"), sessionId, scalarSeed: scalarSeed(of("yb")) };
    const later = { password, channel, sessionId: utf8("other"), scalarSeed: scalarSeed(of("yb")) };
    const keys = [
      finish({ peerShare: createPasswordShare(other).share }),
      finish({ peerShare: createPasswordShare(later).share }),
      finish({ sessionId: utf8("other") }),
      finish({ role: "responder" }),
      finish({ ownAssociated: utf8("other") }),
      finish({ peerAssociated: utf8("other") }),
    ].map((changed) => hex(changed!));
    equal(new Set([key, ...keys]).size, 7);
  });

  it("P4: our own share sent back ends the run", () => {
    equal(finish({ peerShare: a.share, peerAssociated: of("ADa") }), undefined);
  });

  it("P2: who recorded a run and later learns the password cannot recognise it by that", () => {
    const recorded = linkKeys(finish()!);
    // The guesser has the right words, session and shares, but neither scalar: it can only bring one of its own.
    const guesser = createPasswordShare({
      password,
      channel,
      sessionId,
      scalarSeed: new Uint8Array(64).fill(5),
    });
    for (const role of ["initiator", "responder"] as const) {
      const [own, peer] = role === "initiator" ? [a.share, b.share] : [b.share, a.share];
      const guessed = finishPasswordExchange({
        secret: guesser.secret,
        role,
        ownShare: own,
        ownAssociated: role === "initiator" ? of("ADa") : of("ADb"),
        peerShare: peer,
        peerAssociated: role === "initiator" ? of("ADb") : of("ADa"),
        sessionId,
      });
      const keys = linkKeys(guessed!);
      notDeepEqual(keys.confirmInitiator, recorded.confirmInitiator);
      notDeepEqual(keys.confirmResponder, recorded.confirmResponder);
    }
  });

  it("P2: two runs with one password send nothing that is equal", () => {
    const run1 = [a.share, b.share, ...valuesOf(linkKeys(finish()!))].map(hex);
    const seeds = [1, 2].map((byte) => new Uint8Array(64).fill(byte));
    const [c, d] = seeds.map((seed) =>
      createPasswordShare({ password, channel, sessionId, scalarSeed: seed }),
    );
    const key = finish({ secret: c!.secret, ownShare: c!.share, peerShare: d!.share });
    const run2 = [c!.share, d!.share, ...valuesOf(linkKeys(key!))].map(hex);
    equal(new Set([...run1, ...run2]).size, 12);
  });

  it("takes passwords of any length, also longer than the hash's first block", () => {
    const lengths = [0, 1, 100, 108, 109, 110, 127, 128, 129, 1000];
    const generators = lengths.map((size) =>
      hex(calculateGenerator(new Uint8Array(size), channel, sessionId)),
    );
    equal(new Set(generators).size, lengths.length);
  });
});

describe("link keys", () => {
  it("are the four values of the derivation vectors", () => {
    const { linkKeys: expected } = readVectors<{ readonly linkKeys: Hex }>("derivations/derivations.json");
    const keys = linkKeys(hexToBytes(expected["isk"]!));
    for (const [name, value] of Object.entries(keys) as [string, Uint8Array][]) {
      equal(hex(value), expected[name], name);
    }
    equal(Object.keys(keys).length, 4);
  });

  it("K9: come of 64 bytes only", () => {
    for (const size of [0, 32, 63, 65]) {
      assertCode(() => linkKeys(new Uint8Array(size)), "CRYPTO_KEY_INVALID");
    }
    ok(linkKeys(new Uint8Array(64)));
  });
});
