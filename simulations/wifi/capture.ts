/** tcpdump on the bridge of a Wi-Fi: every packet between its hosts, from before the first to after the last. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readCapture } from "./pcap.ts";
import { type Packet, readPacket } from "./packet.ts";
import { inNamespace, type Wifi } from "./netns.ts";

const BEGIN_MS = 10_000;
/** Enough for two seconds of the fastest sync while the disk is slow. */
const BUFFER_KIB = 65_536;

export class Capture {
  readonly label: string;
  readonly path: string;
  readonly #process: ChildProcess;
  #said = "";

  static async begin(wifi: Wifi, path: string): Promise<Capture> {
    const capture = new Capture(wifi, path);
    await capture.#begun();
    return capture;
  }

  private constructor(wifi: Wifi, path: string) {
    this.label = wifi.label;
    this.path = path;
    const tcpdump = ["tcpdump", "-i", wifi.bridge, "-w", path, "-U", "-s", "0", "-Z", "root"];
    const [file, ...args] = inNamespace(wifi.namespace, [...tcpdump, "-B", String(BUFFER_KIB)]);
    this.#process = spawn(file!, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process.stderr!.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  /** Ends it; says how many packets the kernel could not hand over. */
  async end(): Promise<{ readonly lost: number }> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGINT");
      await ended;
    }
    const lost = /(\d+) packets dropped by kernel/.exec(this.#said);
    if (lost === null) throw new Error(`tcpdump did not end well: ${this.#said.trim()}`);
    return { lost: Number(lost[1]) };
  }

  /** What has been captured so far, with its time. */
  *packets(): Generator<Packet & { readonly atMs: number; readonly frame: Buffer; readonly isCut: boolean }> {
    for (const captured of readCapture(this.path)) yield { ...captured, ...readPacket(captured.frame) };
  }

  async #begun(): Promise<void> {
    const limit = performance.now() + BEGIN_MS;
    while (!this.#said.includes("listening on")) {
      if (performance.now() > limit || this.#process.exitCode !== null)
        throw new Error(`tcpdump did not begin: ${this.#said.trim()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
