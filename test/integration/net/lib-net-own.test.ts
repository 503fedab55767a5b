/** What the libp2p host has beside the contract: ports, real addresses, identities, a process that ends. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Net } from "../../../src/core/sync/ports.ts";
import { createNet } from "../../../src/io/net/create-net.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { addressOf, answerAll, PROTOCOL, readAll, sendAndEnd } from "../../support/net-streams.ts";
import { repositoryRoot } from "../../support/paths.ts";

describe("the libp2p host, beside the contract", () => {
  const nets: Net[] = [];

  afterEach(async () => {
    await Promise.all(nets.splice(0).map((net) => net.close()));
  });

  async function open(...listen: readonly string[]): Promise<Net> {
    const net = await createNet({ listen });
    nets.push(net);
    return net;
  }

  const portOf = (address: string): number => Number(address.split("/")[4]);

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    server.close();
    ok(bound !== null && typeof bound !== "string");
    return bound.port;
  }

  it("listens everywhere unless told where, and gives out loopback last of its family", async () => {
    const net = await createNet();
    nets.push(net);
    const v4 = net.addresses().filter((address) => address.startsWith("/ip4/"));
    ok(v4.at(-1)?.startsWith("/ip4/127.0.0.1/tcp/"), v4.join(" "));
    equal(
      net.addresses().some((address) => address.includes("0.0.0.0") || address.includes("/::/")),
      false,
    );
  });

  it("says which port is taken, and which address is not its own", async () => {
    const first = await open("/ip4/127.0.0.1/tcp/0");
    const taken = `/ip4/127.0.0.1/tcp/${portOf(addressOf(first))}`;
    await assertRejectsWithCode(createNet({ listen: [taken] }), "ADDRESS_IN_USE");
    await assertRejectsWithCode(createNet({ listen: ["/ip4/198.51.100.7/tcp/0"] }), "ADDRESS_INVALID");
    await assertRejectsWithCode(createNet({ listen: ["/dns4/localhost/tcp/0"] }), "ADDRESS_INVALID");
    await assertRejectsWithCode(createNet({ listen: ["4001"] }), "ADDRESS_INVALID");
  });

  it("closes the socket of a dial that it gives up", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    ok(bound !== null && typeof bound !== "string");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const a = await open();
    const dialling = a.dial(`/ip4/127.0.0.1/tcp/${bound.port}`, PROTOCOL, 300);
    const [socket] = await accepted;
    socket.on("error", () => undefined).resume();
    const closed = once(socket, "close", { signal: AbortSignal.timeout(2_000) });
    try {
      await assertRejectsWithCode(dialling, "TIMED_OUT");
      await closed;
    } finally {
      socket.destroy();
      server.close();
    }
  });

  it("dials only, where it is told to listen nowhere", async () => {
    const [a, b] = [await open(), await open("/ip4/127.0.0.1/tcp/0")];
    deepEqual(a.addresses(), []);
    answerAll(b, async (stream) => stream.sink(stream.source));
    const stream = await a.dial(addressOf(b), PROTOCOL, 5_000);
    await sendAndEnd(stream, [Uint8Array.of(1)]);
    deepEqual(await readAll(stream), Uint8Array.of(1));
  });

  it("N2: renew keeps a port that was asked for by number, and its streams", async () => {
    const port = await freePort();
    const [a, b] = [await open(), await open(`/ip4/127.0.0.1/tcp/${port}`)];
    answerAll(b, async (stream) => stream.sink(stream.source));
    const [former, address] = [b.transportId(), addressOf(b)];
    const stream = await a.dial(address, PROTOCOL, 5_000);
    await b.renew();
    equal(portOf(addressOf(b)), port);
    notEqual(b.transportId(), former);
    await sendAndEnd(stream, [Uint8Array.of(2)]);
    deepEqual(await readAll(stream), Uint8Array.of(2));
    // Another identity answers there now, which is no obstacle to who typed the address without one.
    await assertRejectsWithCode(a.dial(address, PROTOCOL, 5_000), "PEER_UNREACHABLE");
    await a.dial(address.slice(0, address.indexOf("/p2p/")), PROTOCOL, 5_000);
  });

  it("N2: cuts off what still runs under a former identity after a while", async () => {
    const b = await createNet({ listen: ["/ip4/127.0.0.1/tcp/0"], limits: { drainMs: 300 } });
    nets.push(b);
    const a = await open();
    const incoming = answerAll(b);
    await a.dial(addressOf(b), PROTOCOL, 5_000);
    const answered = await incoming.first;
    const reading = assertRejectsWithCode(readAll(answered), "ABORTED");
    await b.renew();
    await reading;
  });

  it("N2: has another transport identity at each start, from the entropy it is given", async () => {
    const entropy = { bytes: (size: number): Uint8Array => new Uint8Array(size).fill(7) };
    const [a, b] = [await open("/ip4/127.0.0.1/tcp/0"), await open("/ip4/127.0.0.1/tcp/0")];
    notEqual(a.transportId(), b.transportId());
    const c = await createNet({ listen: [], entropy });
    nets.push(c);
    const d = await createNet({ listen: [], entropy });
    nets.push(d);
    equal(c.transportId(), d.transportId());
  });

  it("N10: drops who connects and says nothing", async () => {
    const net = await createNet({ listen: ["/ip4/127.0.0.1/tcp/0"], limits: { handshakeMs: 200 } });
    nets.push(net);
    const socket = connect(portOf(addressOf(net)), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    await new Promise((resolve) => {
      socket.once("close", resolve);
    });
  });

  it("lets the process end once it is closed, and tells Noise to log no keys", async () => {
    const module = join(repositoryRoot, "dist", "src", "io", "net", "create-net.js");
    const program = `
      const { createNet } = await import(${JSON.stringify(module)});
      const net = await createNet();
      net.onNetworkChange(() => undefined);
      await net.renew();
      await net.close();
      console.log(String(process.env.DUMP_SESSION_KEYS));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      env: { ...process.env, DUMP_SESSION_KEYS: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    deepEqual(await once(child, "close"), [0, null]);
    equal(output.trim(), "undefined");
  });
});
