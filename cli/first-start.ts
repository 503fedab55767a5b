/** The first start at a terminal: a new account, or join one. */
import { hostname } from "node:os";
import { EngineError } from "../src/app/api/errors.ts";
import { connectApi } from "../src/app/api/socket-client.ts";
import { hasAccount } from "../src/app/node/open-node.ts";
import type { Context } from "./command.ts";
import { joinDirectory } from "./join-directory.ts";
import { printableLine } from "./output/printable.ts";

/** Asks where there is somebody to ask and something to decide. Afterwards the directory may hold a device that joined. */
export async function whatToBegin(context: Context): Promise<{ readonly name?: string }> {
  const { args, dir, input, output } = context;
  if (!input.isTerminal || !output.isTerminal || (await hasAccount(dir))) return {};
  const running = await connectApi(dir);
  if (running !== undefined) {
    await running.close();
    return {};
  }
  await output.lines([
    `There is no account in ${dir} yet.`,
    "",
    "  [1] new account: this is my first device",
    "  [2] join with a code: another device of mine has an account (`kinlog link` there shows the code)",
    "",
  ]);
  const choice = await askUntil(context, "1 or 2", "1", (answer) => answer === "1" || answer === "2");
  const name =
    args.text("name") ??
    (await askUntil(context, "Name of this device", hostname() || "device", (answer) => answer !== ""));
  if (choice === "1") return { name };
  const code = await askUntil(context, "Code", "", (answer) => answer !== "");
  const { linkedBy } = await joinDirectory(context, { code, name });
  output.clearProgress();
  await output.lines([`${output.style.green("Joined.")} Admitted by ${printableLine(linkedBy)}.`]);
  return {};
}

async function askUntil(
  { input, output, signal }: Context,
  question: string,
  preset: string,
  isAnswer: (answer: string) => boolean,
): Promise<string> {
  for (;;) {
    await output.raw(preset === "" ? `${question}: ` : `${question} [${preset}]: `);
    const line = await input.ask(signal);
    if (line === null) throw new EngineError("CONFIRMATION_REQUIRED", "the question was not answered");
    const answer = line.trim() === "" ? preset : line.trim();
    if (isAnswer(answer)) return answer;
  }
}
