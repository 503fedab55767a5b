/**
 * Names for what the store keeps beside the logs: places of entries and rows of the stored view. Types only.
 */

/** An entry by this device's short number for its log and the position in it. */
export interface Place {
  readonly logNumber: number;
  readonly position: number;
}

/** A key of a row of the stored view: a binary string, one character below U+0100 per byte, so that it sorts as its bytes do. */
export type RowKey = string & { readonly key: "row" };

/** A row's encoded value. Holds order keys, ids, places and state; never text. */
export type Row = Uint8Array;
