/**
 * A program of its own, run in the namespace of an attacker: says mDNS packets again that it heard before, or forges answers.
 * Arguments: the attacker's address; then packets in hex, or answers as `tag peer-name address…` in one argument.
 */
import { createSocket } from "node:dgram";
import createMdns from "multicast-dns";

const GROUP = "224.0.0.251";
const PORT = 5353;
const LINGER_MS = 300;
const TTL_SECONDS = 120;

const [address, ...sayings] = process.argv.slice(2);
const socket = createSocket({ type: "udp4", reuseAddr: true });
await new Promise<void>((resolve) => {
  socket.bind(PORT, resolve);
});
socket.setMulticastInterface(address!);
socket.setMulticastTTL(255);
const mdns = createMdns({ socket, multicast: false, bind: false });

for (const saying of sayings) {
  if (!saying.includes(" ")) {
    socket.send(Buffer.from(saying, "hex"), PORT, GROUP);
    continue;
  }
  const [tag, peer, ...addresses] = saying.split(" ");
  const [name, pointer] = [`${tag}._udp.local`, `${peer}.${tag}._udp.local`];
  mdns.respond({
    answers: [
      { name, type: "PTR", class: "IN", ttl: TTL_SECONDS, data: pointer },
      ...addresses.map((each) => ({
        name: pointer,
        type: "TXT" as const,
        class: "IN" as const,
        ttl: TTL_SECONDS,
        data: `dnsaddr=${each}`,
      })),
    ],
  });
}
setTimeout(() => process.stdout.write('{"event":"done"}\n', () => process.exit(0)), LINGER_MS);
