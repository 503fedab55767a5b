/** Where tests of mDNS talk: on this machine only, and on no port that anybody else uses. */
import { networkInterfaces } from "node:os";

/** Another one for each process. */
export const TEST_PORT: number = 40_000 + (process.pid % 20_000);

/** The name of the loopback interface: `lo` on Linux. */
export function loopbackName(): string {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address === "127.0.0.1"),
  );
  if (found === undefined) throw new Error("this machine has no loopback interface");
  return found[0];
}
