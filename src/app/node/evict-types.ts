/** The public types of freeing space. The command line and the local API pass these values on as they are: docs/spec/api.md, "Freeing space". */

/** What freeing space came to. */
export interface EvictResult {
  /** By how much the files of the store are smaller. */
  readonly freedBytes: number;
  /** Messages that are on another device only from now on. */
  readonly evicted: number;
  /**
   * Messages of that age that stay, and why. `nobody-online`: no other device is connected. `not-promised`: none that is has promised to keep them.
   * `promised-to-others`: this device keeps them for another one. `unread`. `listed`: the list of conversations is made of them.
   */
  readonly keptBecause: readonly {
    readonly reason: "nobody-online" | "not-promised" | "promised-to-others" | "unread" | "listed";
    readonly messages: number;
  }[];
}

/** How long this device keeps messages, and what came of it at once. */
export interface RetentionResult extends EvictResult {
  /** Null: for ever. */
  readonly days: number | null;
}
