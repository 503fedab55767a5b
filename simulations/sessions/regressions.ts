/** Seeds that once broke, beside those that always run, each with what it found. */
export const regressions: readonly { readonly seed: number; readonly found: string }[] = [
  {
    seed: 1124,
    found: "entries refused for want of a head that a full disk had refused counted as absent for good",
  },
  { seed: 1460, found: "a disclaimer took back positions that had come by another way" },
  { seed: 1904, found: "an author never announced entries that its peer had got elsewhere" },
  { seed: 2764, found: "commits that failed held the sender's credit for ever" },
  { seed: 2941, found: "what two peers could not serve for a moment was never asked for again" },
  {
    seed: 5188,
    found: "one acknowledgement released both copies of what was sent twice, against the credit",
  },
  {
    seed: 5779,
    found: "a need overtook the disclaimer of the same positions, and they were never asked for again",
  },
];
