/** Bugs in what tombstones do, and in what is purged. */
import type { Mutant } from "../mutant.ts";

export const purgesMutants: readonly Mutant[] = [
  {
    id: "purge-claim-without-conversation",
    file: "src/core/inbox/fold-tombstones.ts",
    find: "    joinConversation(rows, id, content, { ref, takenInMs });\n",
    put: "",
    bug: "a device that never had a purged message does not know its conversation",
    breaks: "L8, L14",
    by: { kind: "tests", files: ["test/unit/inbox/fold-tombstones.test.ts"] },
  },
  {
    id: "purge-marks-counted",
    file: "src/core/inbox/view-digest.ts",
    find: "return isPurged(row) ? mark.purged : row.marks;",
    put: "return row.marks;",
    bug: "what was said of a purged message makes views differ of which one could not read it",
    breaks: "L14",
    by: { kind: "tests", files: ["test/unit/inbox/fold-tombstones.test.ts"] },
  },
  {
    id: "purge-further-place-lost",
    file: "src/core/inbox/fold-claims.ts",
    find: "rows.addFurther(key, difference < 0 ? claim.place : content.place);",
    put: "if (difference < 0) rows.addFurther(key, claim.place);",
    bug: "a copy that stood once and was replaced is named by no purge, and stays on the disk",
    breaks: "L8",
    by: { kind: "tests", files: ["test/unit/inbox/fold-properties.test.ts"] },
  },
  {
    id: "purge-void-hides",
    file: "src/core/inbox/purges.ts",
    find: 'purges.filter(({ state }) => state !== "void")',
    put: "purges",
    bug: "a purge that was stopped hides its messages for good",
    breaks: "L8",
    by: { kind: "tests", files: ["test/unit/inbox/purges.test.ts"] },
  },
  {
    id: "purge-shown-in-bin",
    file: "src/app/node/inbox-reader.ts",
    find: "found.push(...(await this.#replica.purged.without(asked)).slice(0, limit - found.length));",
    put: "found.push(...asked.slice(0, limit - found.length));",
    bug: "what is purged is shown where the bin is asked for",
    breaks: "L8",
    by: { kind: "tests", files: ["test/integration/app/purged-messages.test.ts"] },
  },
  {
    id: "purge-lines-kept",
    file: "src/app/node/conversation-lines.ts",
    find: "this.#hiding !== purged.hiding ||",
    put: "this.#hiding === null ||",
    bug: "the list shows a message that a purge has hidden since",
    breaks: "L8",
    by: { kind: "tests", files: ["test/integration/app/purged-messages.test.ts"] },
  },
];
