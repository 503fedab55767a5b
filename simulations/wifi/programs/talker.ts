/**
 * A program of its own that does what no node may do: says a text in the open, so that the search for texts is known to find them.
 * Arguments: an address on the network, the text. Says it as it is, in hex and in base64.
 */
import { createSocket } from "node:dgram";

const DISCARD_PORT = 9;
/** Long enough for the question who has that address. */
const LINGER_MS = 500;
const [address, text] = process.argv.slice(2);

const socket = createSocket("udp4");
for (const form of ["utf8", "hex", "base64"] as const)
  socket.send(`said: ${Buffer.from(`<${text}>`).toString(form)}`, DISCARD_PORT, address);
setTimeout(() => process.stdout.write('{"event":"done"}\n', () => process.exit(0)), LINGER_MS);
