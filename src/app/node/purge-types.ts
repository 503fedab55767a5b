/** The public types of purges: a part of the library's types (types.ts). */

/** Messages that are to be erased on all devices, as one operation named them. */
export interface Purge {
  readonly id: string;
  /** Name of the device that wrote it. */
  readonly by: string;
  /** Entries that it names: messages with their edits and reactions. */
  readonly entries: number;
  /** `open`: written by one device, and not yet agreed to or stopped by another. */
  readonly state: "open" | "approved" | "stopped";
  /** When this device learned of it; null where that is not known yet. */
  readonly since: string | null;
  /** What it names is erased here. */
  readonly done: boolean;
}

export interface Purges {
  /** All of them, in the order in which they were made. */
  readonly list: () => Promise<readonly Purge[]>;
  /**
   * Agrees to another device's purge, so that every device erases at once. By id, or a unique beginning of it.
   *
   * @throws EngineError `NOT_FOUND`, `AMBIGUOUS`, `PURGE_SETTLED` where it was stopped, `NOT_YOURS` where this device wrote it.
   */
  readonly approve: (id: string) => Promise<{ readonly done: number }>;
  /**
   * What is not erased yet stays in the bin. Where another device agreed without knowing of this, the stop comes too late: all devices erase, and
   * `list` says `approved` as soon as that is known here.
   *
   * @throws EngineError `NOT_FOUND`, `AMBIGUOUS`, `PURGE_SETTLED` where it is known here that it was approved.
   */
  readonly stop: (id: string) => Promise<{ readonly done: number }>;
}
