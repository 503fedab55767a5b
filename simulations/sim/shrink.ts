/**
 * Makes a failing seed small: drops steps as long as it still fails in the same way, halves first, then less. Fewer steps move other
 * events too, so a step that seems needed may only keep the rest in time; what remains is small, not smallest.
 * Tests: test/unit/sim/shrink.test.ts.
 */

/** Which of `count` steps can go, by place. `fails` is asked with the places that are dropped; it fails with none dropped. */
export async function shrink(
  count: number,
  fails: (dropped: readonly number[]) => Promise<boolean>,
  tell: (left: number) => void = () => undefined,
): Promise<readonly number[]> {
  let kept = Array.from({ length: count }, (_, at) => at);
  const droppedOf = (left: readonly number[]): readonly number[] => {
    const stays = new Set(left);
    return Array.from({ length: count }, (_, at) => at).filter((at) => !stays.has(at));
  };
  for (let size = Math.ceil(count / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < kept.length;) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (await fails(droppedOf(fewer))) {
        kept = fewer;
        tell(kept.length);
      } else from += size;
    }
  }
  return droppedOf(kept);
}
