/**
 * The architecture as data: the one place to change when a room is added, moved or given a library.
 * Held by test/architecture.test.ts.
 */

/** The rooms of src/, lowest first. A room may import itself and those before it in this list. */
export const rooms = [
  "core/base",
  "core/crypto",
  "core/log",
  "core/membership",
  "core/wire",
  "core/sync",
  "core/inbox",
  "core/search",
  "core/attachments",
  "io/store",
  "io/net",
  "io/discovery",
  "io/files",
  "io/secrets",
  "io/gateways",
  "app/replica",
  "app/search",
  "app/sessions",
  "app/link",
  "app/transfer",
  "app/node",
  "app/cloud",
  "app/api",
] as const;

/** Files directly in src/: the published entry sees everything, the polyfill sees nothing and anyone may load it. */
export const entryFile = "src/index.ts";
export const polyfillFile = "src/promise-with-resolvers.ts";

/** The only files of src/app that may touch Node, real timers and real clocks: they bind ports to io rooms. */
export const compositionRoot: readonly RegExp[] = [
  /^src\/app\/node\/open-node\.ts$/,
  /^src\/app\/node\/join-account\.ts$/,
  /^src\/app\/node\/machine-directory\.ts$/,
  /^src\/app\/node\/(?:platform|process-tuning)\.ts$/,
  /^src\/app\/api\/socket[^/]*\.ts$/,
  /^src\/app\/api\/(?:directory|open-api|run-node|while-busy)\.ts$/,
];

/** The only folder of core that may await: HPKE and Argon2id have no synchronous form. Only app calls it. */
export const asyncCrypto = "src/core/crypto/async/";

/** Which places may import which package. What is not listed here may not be imported by src and cli at all. */
export const packagePlaces: Readonly<Record<string, readonly string[]>> = {
  "node:crypto": ["src/core/crypto/"],
  "sodium-native": ["src/core/crypto/"],
  "@noble/curves": ["src/core/crypto/"],
  "@scure/bip39": ["src/core/crypto/"],
  "@hpke/core": ["src/core/crypto/"],
  uint8arrays: ["src/", "cli/"],
  level: ["src/io/store/"],
  libp2p: ["src/io/net/"],
  "@libp2p/tcp": ["src/io/net/"],
  "@chainsafe/libp2p-noise": ["src/io/net/"],
  "@chainsafe/libp2p-yamux": ["src/io/net/"],
  "@libp2p/mdns": ["src/io/net/", "src/io/discovery/"],
  "@libp2p/crypto": ["src/io/net/", "src/io/discovery/"],
  "@libp2p/interface": ["src/io/net/", "src/io/discovery/"],
  "@multiformats/multiaddr": ["src/io/net/", "src/io/discovery/"],
  "multicast-dns": ["src/io/discovery/"],
  "it-pipe": ["src/io/net/", "src/app/sessions/"],
  saxes: ["src/io/gateways/"],
  uqr: ["src/app/api/", "cli/"],
};
