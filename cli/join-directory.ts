/** Joins with this process, where no node runs; ends with the command. */
import type { ApiMethods } from "../src/app/api/protocol.ts";
import type { Context } from "./command.ts";

export async function joinDirectory(
  { dir, output, signal }: Pick<Context, "dir" | "output" | "signal">,
  join: ApiMethods["join"]["params"],
): Promise<ApiMethods["join"]["result"]> {
  const { joinAccount } = await import("../src/app/node/join-account.ts");
  return joinAccount({ ...join, dir, signal, onProgress: (progress) => void output.progress(progress) });
}
