/** `kinlog export`: history out, to stdout or into a file that is whole or not there. */
import type { ApiClient } from "../../src/app/api/protocol.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { createExportFile } from "../export-file.ts";
import { plural } from "../output/times.ts";
import { usageError } from "../usage-error.ts";

const FORMAT = "jsonl";

export const run: Run = async (context) => {
  const { args, output, withApi } = context;
  const format = args.text("format") ?? FORMAT;
  if (format !== FORMAT) throw usageError(`--format must be ${FORMAT}`);
  const path = args.operands[0];
  return withApi("any", async (api) => {
    if (path === undefined) {
      // What goes to stdout is the export itself, under --json as well.
      const { exported } = await writeLines(api, (text) => output.raw(text));
      output.note(`${plural(exported, "line")} exported.`);
      return EXIT.done;
    }
    const file = await createExportFile(path);
    try {
      const result = await writeLines(api, (text) => file.write(text), output);
      await file.keep();
      await output.done(result, () => [
        `${plural(result.exported, "line")} exported to ${path}, readable by you only.`,
      ]);
    } finally {
      await file.close();
    }
    return EXIT.done;
  });
};

function writeLines(
  api: ApiClient,
  write: (text: string) => Promise<void>,
  output?: Context["output"],
): Promise<{ readonly exported: number }> {
  return api.call(
    "export",
    {},
    {
      onEvent: async (event) => {
        if (event.event === "lines") await write(event.lines.map((line) => `${line}\n`).join(""));
        else await output?.progress(event);
      },
    },
  );
}
