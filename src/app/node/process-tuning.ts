/**
 * How V8 is set in a process of Kinlog's own. A process that embeds the library decides for itself.
 * Part of the composition root. Figures: docs/performance.md.
 */
import { setFlagsFromString } from "node:v8";

/**
 * How far the heap may run ahead of what is in use. Left alone, V8 lets garbage grow to three times that before it looks, and LevelDB and
 * sodium hold memory of which it knows nothing. Measured while 55,835 messages are imported: at most 207 MiB resident instead
 * of 245, in the same CPU time.
 */
const GROWTH_PERCENT = 40;

const INLINED_BYTES_MAX = 400;

/** For the whole process, from now on. */
export function tuneProcess(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  // An import and a first sync are over before much has been optimised: baseline code at once saves interpreting till then.
  setFlagsFromString("--always-sparkplug");
  // Optimising takes a quarter of an import's time on two cores; half as much inlined takes 0.3 s less of it and runs as fast.
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTES_MAX}`);
}
