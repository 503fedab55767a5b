/** The public types of alarms. The command line and the local API pass these values on as they are: docs/spec/api.md, "Alarms". */

export interface Alarm {
  readonly code: string;
  readonly text: string;
  /** Of `fork` what proves it; of `conflict` the id of the message. */
  readonly evidence: ForkEvidence | string | null;
  readonly at: string;
}

/**
 * Two heads of one log that its device signed and that cannot both be. Whoever has the device's public key, which is its id, can check it
 * without this program: docs/spec/log.md, "Head" and "Fork".
 */
export interface ForkEvidence {
  readonly account: string;
  /** Null: the log is of no member any more. */
  readonly device: string | null;
  readonly log: string;
  /** The shorter one first. */
  readonly heads: readonly SignedHead[];
  /** Nodes of the longer tree; none where both heads have one length. */
  readonly nodes: readonly string[];
}

export interface SignedHead {
  readonly length: number;
  readonly root: string;
  readonly signature: string;
}
