/**
 * Names for what the store keeps beside the logs: places of entries and rows of the stored view.
 */

/** An entry by this device's short number for its log and the position in it. */
export interface Place {
  readonly logNumber: number;
  readonly position: number;
}

/** A key of a row of the stored view: a binary string, one character below U+0100 per byte, so that it sorts as its bytes do. */
export type RowKey = string & { readonly key: "row" };

/** One of the two places where the stored view can lie: one serves, the other is empty or under construction. */
export type ViewArea = 0 | 1;

/** Keys of the search index begin with it: its rows lie in no area. */
export const INDEX_INITIAL = "x";

/** A row's encoded value. Holds order keys, ids, places and state; never text. */
export type Row = Uint8Array;
