/** The invariants of the design (quality, section 3), and where the world holds them. A register: what comes later adds its rows. */
export const invariants: readonly {
  readonly number: number;
  readonly what: string;
  readonly heldBy: string;
}[] = [
  {
    number: 1,
    what: "what `send` returned for is there after any crash of its device",
    heldBy: "judge.ts, every inbox",
  },
  {
    number: 2,
    what: "a device acknowledges and offers only what its own disk holds, and keeps it: r acknowledgements are r copies, but for what was evicted against another's promise, which that one has and keeps; in the end all hold everything promised, and what was evicted comes back",
    heldBy:
      "witness.ts, every frame, and every 40 events for what was said before; keeping-witness.ts, every commit and every 40 events; judge.ts at the end",
  },
  { number: 3, what: "nothing is shown that nobody wrote", heldBy: "judge.ts, every inbox" },
  {
    number: 4,
    what: "no two heads of one length: in one run of a program, and on any disk ever; where a hostile member signs two, who meets both is told",
    heldBy: "crypto-taps.ts and witness.ts, every signature and every commit; judge.ts at the end",
  },
  {
    number: 5,
    what: "stored trees and signed roots are those of the stored entries",
    heldBy: "judge.ts, at every start and at the end, by another implementation of RFC 6962",
  },
  {
    number: 6,
    what: "equal sets, equal fingerprints, equal inboxes and equal rows behind them; unequal sets, unequal fingerprints; beside a hostile member's logs all show the same",
    heldBy: "judge.ts, every 40 and every 600 events, and at the end",
  },
  { number: 7, what: "known heads never go backwards", heldBy: "witness.ts, every commit" },
  {
    number: 8,
    what: "the writer reads what it wrote; read marks and delivery only grow; what was unsent or deleted stays so; in the end stands what somebody said last",
    heldBy: "world.ts after every promise; judge.ts and inbox-judge.ts, every inbox and at the end",
  },
  {
    number: 9,
    what: "no message is shown twice or told twice, however often programs died",
    heldBy: "witness.ts, every event; judge.ts, every inbox",
  },
  {
    number: 10,
    what: "a position has one content on every disk, whatever came over the network; no altered entry and no altered signature is written down",
    heldBy: "witness.ts, every commit",
  },
  {
    number: 11,
    what: "no text, name or key in the clear on a disk or on the network",
    heldBy: "canary.ts, every commit and every piece",
  },
  { number: 12, what: "no nonce twice under one key", heldBy: "crypto-taps.ts, every seal" },
  {
    number: 13,
    what: "when faults are over all are equal and know it within six minutes, and then send beats alone; who was shown another history than a peer sends little more",
    heldBy: "calm.ts, at the end",
  },
  {
    number: 14,
    what: "streams and dials, bytes on their way to each peer, and events stay below their limits",
    heldBy: "judge.ts, every 40 events; world.ts",
  },
  { number: 15, what: "the same seed gives the same trace", heldBy: "simulations/world.sim.test.ts" },
];
