/** Bugs in freeing space on one device against the promise of another. */
import type { Mutant } from "../mutant.ts";

export const keepingMutants: readonly Mutant[] = [
  {
    id: "keep-bound-evicted",
    file: "src/app/replica/keep-turns.ts",
    find: "const free = subtract(intersect(ranges, promised), given);",
    put: "const free = intersect(ranges, promised);",
    bug: "a device evicts what it has promised another one to keep",
    breaks: "I2",
    by: { kind: "tests", files: ["test/integration/app/keeping.test.ts"] },
  },
  {
    id: "keep-unpromised-evicted",
    file: "src/app/replica/keep-turns.ts",
    find: "const promised = promisedBy(promises, counts).get(log) ?? NO_RANGES;",
    put: "const promised = promises.size >= 0 ? ranges : NO_RANGES;",
    bug: "what nobody has promised is evicted",
    breaks: "I2",
    by: { kind: "tests", files: ["test/integration/app/promises.test.ts"] },
  },
  {
    id: "keep-absent-promised",
    file: "src/app/replica/keep-turns.ts",
    find: 'return positionsOf(stored.filter(({ entry }) => entry.state === "present"));',
    put: "return positionsOf(stored);",
    bug: "a device promises what it has evicted itself",
    breaks: "I2",
    by: { kind: "tests", files: ["test/integration/app/keeping.test.ts"] },
  },
  {
    id: "keep-promise-volatile",
    file: "src/app/replica/keep-turns.ts",
    find: "const turn = quietTurn({ meta: promisesMeta(META.keptFor, new Set([device]), after) });",
    put: "const turn = quietTurn({});",
    bug: "a promise is forgotten when its device restarts",
    breaks: "I2",
    by: { kind: "tests", files: ["test/integration/app/promises.test.ts"] },
  },
  {
    id: "keep-removed-counted",
    file: "src/app/node/keeping.ts",
    find: "if (!isActive(this.#replica.members, device)) this.#later(() => this.#broken(device, places));",
    put: "",
    bug: "what a device that was removed has promised still counts, and nobody is told",
    breaks: "I2",
    by: { kind: "tests", files: ["test/integration/app/promises.test.ts"] },
  },
  {
    id: "keep-absent-served",
    file: "src/core/sync/serving.ts",
    find: "const servable = subtract(state.held, this.#view.evicted.get(log) ?? NO_RANGES);",
    put: "const servable = state.held;",
    bug: "what was evicted is sent without its payload instead of asking others for it",
    breaks: "I13",
    by: { kind: "tests", files: ["test/unit/sync/keep-talk.test.ts"] },
  },
];
