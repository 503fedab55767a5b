/** Bugs in how devices carry purges out together: the simulated world catches them, or what it found is tried alone. */
import type { Mutant } from "../mutant.ts";

const world = ["simulations/world-purges.sim.test.ts"];

export const purgesInTheWorldMutants: readonly Mutant[] = [
  {
    id: "purge-any-size-at-once",
    file: "src/core/membership/erasing.ts",
    find: "    if (day.count < SMALL_LIMIT) small.add(id);",
    put: "    small.add(id);",
    bug: "a large purge is carried out before anybody could stop it",
    breaks: "L8",
    by: { kind: "tests", files: world },
  },
  {
    id: "purge-not-countersigned",
    file: "src/core/membership/erasing.ts",
    find: '      if (purge.state === "open" && purge.author !== self) toApprove.push(purge);\n',
    put: "",
    bug: "what a device erased others do not believe to be erased",
    breaks: "L8",
    by: { kind: "tests", files: world },
  },
  {
    id: "purge-late-unnamed",
    file: "src/app/node/late-places.ts",
    find: "if (late.length === 0 || this.#closed",
    put: "if (late.length >= 0 || this.#closed",
    bug: "an edit that comes after its message was purged stays on the disk",
    breaks: "L8",
    by: { kind: "tests", files: world },
  },
  {
    id: "purge-stop-ignored",
    file: "src/core/inbox/purges.ts",
    find: 'new Set(purges.filter(({ state }) => state !== "void").map(({ id }) => id))',
    put: "new Set(purges.map(({ id }) => id))",
    bug: "what a stopped purge named is not shown again",
    breaks: "L8",
    by: { kind: "tests", files: world },
  },
  {
    id: "purge-hash-in-passing-memory",
    file: "src/core/inbox/tombstone-body.ts",
    find: "reader.raw(HASH_BYTES).slice()",
    put: "reader.raw(HASH_BYTES)",
    bug: "the hash that a tombstone gives becomes that of what is opened next",
    breaks: "L14",
    by: { kind: "tests", files: ["test/unit/inbox/operation.test.ts"] },
  },
  {
    id: "purge-alone-in-company",
    file: "src/core/membership/assents.ts",
    find: "      if (!departures.some((departure) => isBefore(departure, placed))) return false;\n",
    put: "",
    bug: "a large purge needs nobody although another device is there",
    breaks: "L8",
    by: { kind: "tests", files: ["test/unit/membership/assents.test.ts"] },
  },
  {
    id: "purge-bin-by-a-clock-that-jumped",
    file: "src/app/node/bin-clock.ts",
    find: "return Math.min(wallMs, this.#time.countedMs);",
    put: "return wallMs;",
    bug: "a device whose clock is ten years ahead purges all that is in the bin",
    breaks: "L12",
    by: { kind: "tests", files: ["test/integration/app/bin.test.ts"] },
  },
  {
    id: "purge-lying-tombstone-believed",
    file: "src/app/replica/purge-places.ts",
    find: '  return "message" in body ? body.message === id : opened.operation.id === id;',
    put: '  return body.kind !== "unknown";',
    bug: "a tombstone that lies makes others' messages part of a purge",
    breaks: "L8",
    by: { kind: "tests", files: ["test/integration/app/lying-tombstones.test.ts"] },
  },
];
