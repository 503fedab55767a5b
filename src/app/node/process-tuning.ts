/**
 * How far the heap of a process of Kinlog's own may run ahead of what is in use. Left alone, V8 lets garbage grow to three times that before
 * it looks, and LevelDB and sodium hold memory of which it knows nothing. A process that embeds the library decides for itself.
 * Part of the composition root. Figures: docs/performance.md.
 */
import { setFlagsFromString } from "node:v8";

/** Measured while 55,835 messages are imported: at most 207 MiB resident instead of 245, in the same CPU time. */
const GROWTH_PERCENT = 40;

/** For the whole process, from now on. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
