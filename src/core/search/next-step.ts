/**
 * Decides what of the index is built next. Spec: docs/spec/search.md, "Building". Tests: test/unit/search/index-state.test.ts.
 */
import {
  type Coverage,
  type IndexState,
  joinCoverage,
  newestOf,
  pendingOf,
  type Segment,
  sizeOfCoverage,
} from "./index-state.ts";

/** How much is taken at once. Tests take less. */
export interface StepSizes {
  /** Fewer pending positions are looked at by each search itself. */
  readonly pendingMin: number;
  /** Of one segment; documents are no more. */
  readonly positionsMax: number;
  /** Of the rows of one commit, about: what is sent meanwhile waits for no more than that. */
  readonly commitBytes: number;
}

export const STEP_SIZES: StepSizes = { pendingMin: 512, positionsMax: 16_384, commitBytes: 256 * 1024 };

/** A segment to build, and those that it takes the place of. */
export interface Step {
  readonly coverage: Coverage;
  readonly replaces: readonly Segment[];
}

/** Null where nothing is to be done. `held`: what can be read. */
export function nextStep(state: IndexState, held: Coverage, sizes: StepSizes): Step | null {
  const again = state.segments.find((segment) => segment.again);
  if (again !== undefined) return { coverage: again.coverage, replaces: [again] };
  const pending = pendingOf(held, state);
  if (sizeOfCoverage(pending) < sizes.pendingMin) return null;
  let coverage = newestOf(pending, sizes.positionsMax);
  let size = sizeOfCoverage(coverage);
  const replaces: Segment[] = [];
  const bySize = state.segments
    .map((segment) => ({ segment, positions: sizeOfCoverage(segment.coverage) }))
    .toSorted((a, b) => a.positions - b.positions);
  for (const { segment, positions } of bySize) {
    if (positions > size || size + positions > sizes.positionsMax) break;
    coverage = joinCoverage(coverage, segment.coverage);
    size += positions;
    replaces.push(segment);
  }
  return { coverage, replaces };
}
