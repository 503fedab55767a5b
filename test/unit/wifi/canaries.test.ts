import { deepEqual } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { CanaryScanner } from "../../../simulations/wifi/canaries.ts";
import type { Packet } from "../../../simulations/wifi/packet.ts";

const TEXT = "see you at the harbour at nine";
const ID = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

function scan(...pieces: readonly Buffer[]): readonly string[] {
  const scanner = new CanaryScanner({ texts: [TEXT], ids: [ID] });
  for (const bytes of pieces) scanner.scan(bytes);
  return scanner.findings.map(({ secret, form }) => `${form} ${secret === ID ? "id" : "text"}`);
}

function tcp(sequence: number, payload: Buffer, from = "10.77.0.11"): Packet {
  const ends = { from, to: "10.77.0.12", fromPort: 1, toPort: 2, fromMac: "" };
  return { kind: "tcp", ...ends, sequence, payload };
}

describe("the search for what must not be seen", () => {
  it("finds nothing in random bytes, nor in what is like a secret", () => {
    deepEqual(scan(randomBytes(1 << 18), Buffer.from("see you at the harbour at ten")), []);
  });

  it("finds a secret raw, in hex of either case and in base64 at any offset", () => {
    const around = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(around, ([before, after]) => {
        for (const [secret, name] of [
          [Buffer.from(TEXT), "text"],
          [Buffer.from(ID, "hex"), "id"],
        ] as const) {
          const bytes = Buffer.concat([before, secret, after]);
          deepEqual(scan(bytes), [`raw ${name}`]);
          deepEqual(scan(Buffer.from(bytes.toString("hex"))), [`hex ${name}`]);
          deepEqual(scan(Buffer.from(bytes.toString("hex").toUpperCase())), [`hex ${name}`]);
          deepEqual(scan(Buffer.from(bytes.toString("base64"))), [`base64 ${name}`]);
          deepEqual(scan(Buffer.from(bytes.toString("base64url"))), [`base64 ${name}`]);
        }
      }),
    );
  });

  it("finds a secret that a stream cut into packets, and only in one stream", () => {
    const bytes = Buffer.from(`....${TEXT}....`);
    for (let cut = 5; cut < bytes.length - 5; cut++) {
      const whole = new CanaryScanner({ texts: [TEXT], ids: [] });
      for (const packet of [tcp(100, bytes.subarray(0, cut)), tcp(100 + cut, bytes.subarray(cut))])
        whole.scanPacket(packet, packet.payload);
      deepEqual(whole.findings, [{ secret: TEXT, form: "raw" }]);
    }
    const apart = new CanaryScanner({ texts: [TEXT], ids: [] });
    const others = [tcp(100, bytes.subarray(0, 12)), tcp(112, bytes.subarray(12), "10.77.0.99")];
    for (const packet of others) apart.scanPacket(packet, packet.payload);
    deepEqual(apart.findings, []);
  });

  it("finds a secret that came byte by byte, past the end of the sequence numbers", () => {
    const scanner = new CanaryScanner({ texts: [TEXT], ids: [] });
    for (const [at, byte] of [...Buffer.from(TEXT)].entries()) {
      const packet = tcp((2 ** 32 - 5 + at) % 2 ** 32, Buffer.of(byte));
      scanner.scanPacket(packet, packet.payload);
    }
    deepEqual(scanner.findings, [{ secret: TEXT, form: "raw" }]);
  });
});
