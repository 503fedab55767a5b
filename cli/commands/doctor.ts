/** `kinlog doctor`: what is well, what is not, and what to do about it. */
import type { Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = ({ output, withApi }) =>
  withApi("any", async (api) => {
    const findings = await api.call("doctor", {});
    const { green, red } = output.style;
    await output.value(findings, () =>
      findings.flatMap(({ ok, finding, remedy }) => [
        `${ok ? green("✓") : red("✗")} ${printableLine(finding)}`,
        ...(remedy === null ? [] : [`  → ${printableLine(remedy)}`]),
      ]),
    );
    return EXIT.done;
  });
