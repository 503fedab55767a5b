/** mDNS under the contract of Discovery, on the loopback interface and a port of the tests' own. */
import type { Discovery } from "../../../src/core/sync/ports.ts";
import { createDiscovery } from "../../../src/io/discovery/create-discovery.ts";
import { describeDiscovery } from "../../contracts/discovery.contract.ts";
import { loopbackName, TEST_PORT } from "../../support/loopback.ts";

describeDiscovery("mDNS", () => {
  const opened: Discovery[] = [];
  return Promise.resolve({
    create: async () => {
      const discovery = await createDiscovery({
        allowLoopback: true,
        interfaces: [loopbackName()],
        port: TEST_PORT,
      });
      opened.push(discovery);
      return { discovery, host: "127.0.0.1" };
    },
    pause: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
    cleanup: async () => {
      await Promise.all(opened.map((discovery) => discovery.close()));
    },
  });
});
