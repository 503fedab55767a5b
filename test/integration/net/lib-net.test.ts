/** The libp2p host under the contract of Net, over loopback. */
import { createServer, type Server, type Socket } from "node:net";
import type { Net } from "../../../src/core/sync/ports.ts";
import { createNet } from "../../../src/io/net/create-net.ts";
import { describeNet } from "../../contracts/net.contract.ts";
import type { NetWorld } from "../../support/net-streams.ts";

const LOOPBACK = "/ip4/127.0.0.1/tcp/0";

function openWorld(): Promise<NetWorld> {
  const nets: Net[] = [];
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const listen = async (): Promise<{ readonly server: Server; readonly address: string }> => {
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    servers.push(server);
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new Error("not listening");
    return { server, address: `/ip4/127.0.0.1/tcp/${bound.port}` };
  };
  return Promise.resolve({
    create: async () => {
      const net = await createNet({ listen: [LOOPBACK] });
      nets.push(net);
      return net;
    },
    deadAddress: async () => {
      const { server, address } = await listen();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      return address;
    },
    silentAddress: async () => (await listen()).address,
    run: (work) => work,
    pause: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
    cleanup: async () => {
      await Promise.all(nets.map((net) => net.close()));
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
    },
  });
}

describeNet("The libp2p host", openWorld);
