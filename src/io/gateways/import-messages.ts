/** What the thread that reads a file and the one that takes it in say to each other. Types and limits only. */
import type { ErrorCode } from "../../core/base/errors.ts";
import type { ImportFormat, ImportProblem, ImportRecord } from "../../core/inbox/import-types.ts";

/** Batches that the reading thread may make before one of them is asked for: what its lead costs in memory. */
export const BATCHES_AHEAD = 2;

/** What the reading thread is started with. */
export interface ImportOrder {
  readonly path: string;
  readonly format: ImportFormat | undefined;
  readonly indexKey: Uint8Array;
}

/** The taking thread asks for one more batch. */
export type ImportRequest = "more";

export interface ImportState {
  readonly skipped: number;
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** Those that came since the last message. */
  readonly problems: readonly ImportProblem[];
}

export type ImportReply =
  | { readonly kind: "opened"; readonly format: ImportFormat }
  | { readonly kind: "records"; readonly records: readonly ImportRecord[]; readonly state: ImportState }
  | { readonly kind: "ended"; readonly state: ImportState }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly remedy: string | undefined;
    };
