/** What people do in a world, and what goes wrong there: one step each, as data that holds all it needs. Chosen by plan.ts and its likes. */
export type PeopleStep =
  | {
      readonly kind: "send";
      readonly device: number;
      readonly conversation: number;
      readonly count: number;
      readonly isReceived: boolean;
    }
  /** One message after the other, as in a conversation that does not end. */
  | {
      readonly kind: "chatter";
      readonly device: number;
      readonly conversation: number;
      readonly everyMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "read"; readonly device: number; readonly conversation: number }
  | { readonly kind: "unread"; readonly device: number; readonly conversation: number }
  | {
      readonly kind: "delete" | "restore";
      readonly device: number;
      readonly pick: number;
      readonly count: number;
    }
  | { readonly kind: "clear"; readonly device: number; readonly conversation: number }
  | { readonly kind: "rename"; readonly device: number; readonly target: number }
  | {
      readonly kind: "link";
      readonly device: number;
      readonly joiner: number;
      readonly code: "words" | "qr" | "address" | "wrong";
      readonly isRefused: boolean;
      /** The new device dies at its n-th call; 0: it does not. */
      readonly diesAtCall: number;
    }
  | { readonly kind: "import"; readonly device: number; readonly backup: number }
  /** A later version of the program runs once, and writes what this one does not know. */
  | {
      readonly kind: "newer-version";
      readonly device: number;
      readonly what: "entry" | "operation" | "message";
    }
  /** A device that runs the older version of the program gets this one. */
  | { readonly kind: "upgrade"; readonly device: number }
  | { readonly kind: "absence"; readonly device: number; readonly forMs: number }
  | { readonly kind: "verify"; readonly device: number };

export type FaultStep =
  | {
      readonly kind: "crash";
      readonly device: number;
      /** At the n-th call to the outside from then; 0 at once. */
      readonly calls: number;
      readonly how: "told" | "silent";
      readonly downMs: number;
      /** Started again, it dies at its n-th call; 0: it does not. */
      readonly againAtCall: number;
    }
  | { readonly kind: "break"; readonly device: number; readonly other: number; readonly ends: "both" | "one" }
  | {
      readonly kind: "cut";
      readonly device: number;
      readonly other: number;
      readonly ways: 1 | 2;
      readonly forMs: number;
    }
  | { readonly kind: "isolate"; readonly device: number; readonly forMs: number }
  | {
      readonly kind: "slow-link";
      readonly device: number;
      readonly other: number;
      readonly delayMs: number;
      readonly bytesPerSecond: number;
      readonly forMs: number;
    }
  | { readonly kind: "loss"; readonly per10000: number; readonly forMs: number }
  | { readonly kind: "corrupt"; readonly device: number; readonly where: number }
  | { readonly kind: "move"; readonly device: number }
  | { readonly kind: "disk-full"; readonly device: number; readonly forMs: number }
  | { readonly kind: "failed-write"; readonly device: number; readonly landed: number }
  | { readonly kind: "slow-disk"; readonly device: number; readonly syncMs: number; readonly forMs: number }
  | { readonly kind: "bit-flip"; readonly device: number; readonly pick: number }
  | { readonly kind: "clock"; readonly device: number; readonly offMs: number }
  | { readonly kind: "frozen-clock"; readonly device: number; readonly forMs: number }
  | {
      readonly kind: "stranger";
      readonly device: number;
      readonly how: "garbage" | "half-handshake" | "wrong-account" | "flood" | "half-link";
    };

/** What gives a device two lives: scenarios of its own, as long as the program does not open new incarnations. */
export type SecondLifeStep =
  /** A copy of its disk is laid aside. */
  | { readonly kind: "copy-kept"; readonly device: number }
  /** And put back, or started on another machine. */
  | { readonly kind: "copy-put-back" | "clone"; readonly device: number }
  /** Disk and keys are gone; the machine joins again as another device. */
  | { readonly kind: "disk-lost"; readonly device: number };
