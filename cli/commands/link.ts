/**
 * `kinlog link`: a code, the question who asks, the admission. Without anybody who could answer, no code is shown at all.
 */
import { EngineError, isEngineError } from "../../src/app/api/errors.ts";
import type { LinkEvent } from "../../src/app/api/protocol.ts";
import type { Context, Run } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { qrLines } from "../output/qr.ts";
import { localTime } from "../output/times.ts";

/** No code lives longer; asking for more gives this. */
const SECONDS_MAX = 300;

export const run: Run = async (context) => {
  const { args, input, withApi } = context;
  const timeoutMs = args.seconds("timeout", { min: 1, max: 86_400 });
  if (!args.flag("yes") && !(await input.canAnswer())) {
    throw new EngineError("CONFIRMATION_REQUIRED", "nobody is there to say yes to the device that will ask");
  }
  return withApi("network", async (api) => {
    let saidNo = false;
    const ask = async ({ name }: { readonly name: string }): Promise<void> => {
      const accept = args.flag("yes") || (await isConfirmed(context, name));
      saidNo = !accept;
      await api.call("devices.link.answer", { accept });
    };
    const limit = timeoutMs === undefined ? {} : { timeoutMs: Math.min(timeoutMs, SECONDS_MAX * 1_000) };
    // Rejects only where the request itself is over, and then that says why.
    const asking: Promise<void>[] = [];
    try {
      const linked = await api.call("devices.link", limit, {
        onEvent: async (event) => {
          await tell(context, event);
          if (event.event === "request") asking.push(ask(event));
        },
      });
      await tellLinked(context, linked);
      return EXIT.done;
    } catch (error) {
      return await tellRefused(context, error, saidNo);
    } finally {
      await Promise.allSettled(asking);
    }
  });
};

async function tell({ output, dir, args }: Context, event: LinkEvent): Promise<void> {
  if (event.event === "request") {
    const { at, device, name } = event;
    await output.event({ event: "request", at, device, name }, [
      "",
      `A device that calls itself ${output.style.bold(printableLine(name))} knows the code (its key begins with ${device.slice(0, 12)}).`,
    ]);
    return;
  }
  const { at, code, uri, expiresAt } = event;
  const qr = output.isTerminal ? await qrLines(uri, output.columns) : [];
  await output.event({ event: "code", at, code, uri, expiresAt }, [
    `On the new device, run:  ${output.style.bold(`kinlog join ${code} --name NAME`)}`,
    ...(qr.length === 0 ? [] : ["", "or scan this with it:", "", ...qr]),
    "",
    "or, without typing words and without mDNS:",
    "",
    `kinlog join '${uri}' --name NAME`,
    "",
    `The code lives until ${localTime(expiresAt)} and allows one guess. Keep this open.`,
    ...(args.text("dir") === undefined ? [] : [`(This device's data: ${dir})`]),
  ]);
}

/** At a terminal the answer comes after the question; over a pipe it may lie there already. */
async function isConfirmed({ output, input, signal }: Context, name: string): Promise<boolean> {
  if (input.isTerminal && output.isTerminal) {
    await output.raw(`Is ${printableLine(name)} yours, and shall it get all messages? Type yes: `);
  }
  const answer = await input.ask(signal);
  return answer !== null && ["yes", "y"].includes(answer.trim().toLowerCase());
}

async function tellLinked(
  { output }: Context,
  { device, name }: { readonly device: string; readonly name: string },
): Promise<void> {
  const at = new Date().toISOString();
  await output.event({ event: "linked", at, device, name }, [
    `${output.style.green("Linked:")} ${printableLine(name)} is a device of this account now. Run \`kinlog start\` on both.`,
  ]);
}

/** A person's no is an answer and no failure; everything else that ends a code is one. */
async function tellRefused({ output }: Context, error: unknown, saidNo: boolean): Promise<ExitCode> {
  if (!isEngineError(error)) throw error;
  const at = new Date().toISOString();
  if (isEngineError(error, "CODE_REFUSED") && saidNo) {
    await output.event({ event: "refused", at, reason: "no" }, [
      "Refused. The device was not linked, and the code is dead.",
    ]);
    return EXIT.unconfirmed;
  }
  if (isEngineError(error, "CODE_WRONG") || isEngineError(error, "CODE_EXPIRED")) {
    await output.event({ event: "refused", at, reason: error.code });
  }
  throw error;
}
