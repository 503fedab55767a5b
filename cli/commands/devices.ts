/** `kinlog devices`: the account's devices, this one first. */
import type { Device } from "../../src/app/node/types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { printableLine } from "../output/printable.ts";
import { formatTable } from "../output/table.ts";
import { ago, plural } from "../output/times.ts";

export const run: Run = ({ output, withApi }) =>
  withApi("any", async (api) => {
    const devices = await api.call("devices.list", {});
    await output.value(devices, () => describe(devices, output));
    return EXIT.done;
  });

function describe(devices: readonly Device[], { columns }: Context["output"]): readonly string[] {
  const now = new Date();
  const rows = devices.map((device) => [
    printableLine(device.name),
    device.device.slice(0, 12),
    device.state,
    presence(device, now),
    missing(device),
  ]);
  return formatTable(rows, { head: ["NAME", "DEVICE", "STATE", "SEEN", "HAS"], columns });
}

function presence({ self, online, lastSeen }: Device, now: Date): string {
  if (self) return "this device";
  if (online) return "online";
  return lastSeen === null ? "never met" : ago(lastSeen, now);
}

function missing({ self, missing: count }: Device): string {
  if (self) return "";
  if (count === null) return "unknown";
  return count === 0 ? "everything" : `all but ${plural(count, "entry")}`;
}
