/** Many ids in requests that fit: one line of the API holds about ten thousand. */

const IDS_A_REQUEST = 5_000;

/** Adds up what was done. */
export async function inChunks(
  ids: readonly string[],
  act: (some: readonly string[]) => Promise<{ readonly done: number }>,
): Promise<number> {
  let done = 0;
  for (let at = 0; at < ids.length; at += IDS_A_REQUEST) {
    done += (await act(ids.slice(at, at + IDS_A_REQUEST))).done;
  }
  return done;
}
