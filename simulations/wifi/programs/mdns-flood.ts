/**
 * A program of its own, run in the namespace of an attacker: a flood of mDNS packets, half of them nonsense and half questions for
 * many names. Arguments: packets a second, seconds.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";

const GROUP = "224.0.0.251";
const PORT = 5353;
const TICK_MS = 10;
const [rateText, secondsText] = process.argv.slice(2);
const perTick = Math.max(1, Math.round((Number(rateText) * TICK_MS) / 1_000));

/** A question for a name that nobody has; a name that points at itself; random bytes. */
function packet(at: number): Buffer {
  if (at % 2 === 0) {
    const label = randomBytes(8).toString("hex");
    const name = Buffer.concat([
      Buffer.from([17]),
      Buffer.from(`_${label}`),
      Buffer.from("\x04_udp\x05local\x00", "latin1"),
    ]);
    return Buffer.concat([
      Buffer.from("000000000001000000000000", "hex"),
      name,
      Buffer.from("000c0001", "hex"),
    ]);
  }
  return at % 4 === 1 ? Buffer.from("000084000000000100000000c00c000c0001", "hex") : randomBytes(300);
}

const socket = createSocket("udp4");
let sent = 0;
const timer = setInterval(() => {
  for (let each = 0; each < perTick; each++) socket.send(packet(sent++), PORT, GROUP);
}, TICK_MS);
setTimeout(
  () => {
    clearInterval(timer);
    process.stdout.write(`${JSON.stringify({ event: "done", sent })}\n`, () => process.exit(0));
  },
  Number(secondsText) * 1_000,
);
