/**
 * A Wi-Fi as network namespaces: one is the access point with a bridge, each host has its own with an interface, an address and a
 * default route that leads nowhere. Nothing is made in the machine's own namespace, so runs cannot clash or reach outside.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { Janitor } from "./janitor.ts";

const execute = promisify(execFile);
const BRIDGE = "lan";

/** Carries command and arguments into a namespace; the process id is that of the command itself. */
export function inNamespace(namespace: string, command: readonly string[]): readonly string[] {
  return ["ip", "netns", "exec", namespace, ...command];
}

/** One host's place on the network: a namespace with its interfaces. */
export class Station {
  readonly namespace: string;
  readonly label: string;

  constructor(namespace: string, label: string) {
    this.namespace = namespace;
    this.label = label;
  }

  async ip(...args: readonly string[]): Promise<string> {
    return run(["ip", "-n", this.namespace, ...args]);
  }
}

/** An interface of a station, plugged into a port of a Wi-Fi. */
export interface Plug {
  readonly station: Station;
  readonly device: string;
  readonly port: string;
  address: string;
}

export class Wifi {
  readonly label: string;
  readonly namespace: string;
  readonly bridge = BRIDGE;
  readonly #run: string;
  readonly #janitor: Janitor;
  readonly #prefix: string;
  #plugs = 0;

  static async create(input: {
    /** Begins the name of every namespace of this run. */
    readonly run: string;
    readonly janitor: Janitor;
    readonly label: string;
    /** Third number of its addresses, 10.77.N.0/24. Another for each Wi-Fi that one station is in. */
    readonly subnet?: number;
  }): Promise<Wifi> {
    const wifi = new Wifi(input);
    await wifi.#addNamespace(wifi.namespace);
    // The access point itself says nothing on its network.
    await run([
      ...inNamespace(wifi.namespace, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]),
    ]);
    await wifi.#ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "mcast_snooping", "0");
    await wifi.#ip("link", "set", BRIDGE, "up");
    return wifi;
  }

  private constructor({ run: runName, janitor, label, subnet = 0 }: Parameters<typeof Wifi.create>[0]) {
    this.#run = runName;
    this.#janitor = janitor;
    this.label = label;
    this.namespace = `${runName}-${label}`;
    this.#prefix = `10.77.${subnet}`;
  }

  /** A host without any interface but loopback. */
  async addStation(label: string): Promise<Station> {
    const station = new Station(`${this.#run}-${this.label}-${label}`, label);
    await this.#addNamespace(station.namespace);
    await station.ip("link", "set", "lo", "up");
    return station;
  }

  /** Gives a station an interface on this Wi-Fi; the first one takes the default route. */
  async plug(station: Station, device = "eth0"): Promise<Plug> {
    const number = ++this.#plugs;
    const plug = { station, device, port: `p${number}`, address: this.address(10 + number) };
    await this.#ip("link", "add", plug.port, "type", "veth", "peer", device, "netns", station.namespace);
    await this.#ip("link", "set", plug.port, "master", BRIDGE, "up");
    await station.ip("address", "add", `${plug.address}/24`, "dev", device);
    await station.ip("link", "set", device, "up");
    if (device === "eth0") await this.#routeOut(plug);
    return plug;
  }

  /** An address of this Wi-Fi. */
  address(last: number): string {
    return `${this.#prefix}.${last}`;
  }

  /** The radio link breaks, and the host sees that it did. */
  async cut(plug: Plug): Promise<void> {
    await this.#ip("link", "set", plug.port, "down");
  }

  async heal(plug: Plug): Promise<void> {
    await this.#ip("link", "set", plug.port, "up");
  }

  /** Every packet is lost from now on, and no interface shows it. */
  async cutSilently(plug: Plug): Promise<void> {
    await run(["bridge", "-n", this.namespace, "link", "set", "dev", plug.port, "state", "0"]);
  }

  async healSilently(plug: Plug): Promise<void> {
    await run(["bridge", "-n", this.namespace, "link", "set", "dev", plug.port, "state", "3"]);
  }

  /** The host is heard, and hears nothing. */
  async deafen(plug: Plug): Promise<void> {
    await this.#queue("replace", plug, "pfifo", "limit", "0");
  }

  async undeafen(plug: Plug): Promise<void> {
    await this.#queue("delete", plug);
  }

  /** As when the lease of an address ends and another one is given. */
  async changeAddress(plug: Plug, address: string): Promise<void> {
    await plug.station.ip("address", "del", `${plug.address}/24`, "dev", plug.device);
    plug.address = address;
    await plug.station.ip("address", "add", `${address}/24`, "dev", plug.device);
    if (plug.device === "eth0") await this.#routeOut(plug);
  }

  /** As on another network: another hardware address, so that its link-local address is another one too, and another lease. */
  async rejoin(plug: Plug, address: string): Promise<void> {
    const { station, device } = plug;
    const tail = randomBytes(5)
      .toString("hex")
      .replace(/(..)(?!$)/g, "$1:");
    await station.ip("link", "set", device, "down");
    // 02: given by software, for one host.
    await station.ip("link", "set", device, "address", `02:${tail}`);
    await station.ip("address", "flush", "dev", device);
    await station.ip("address", "add", `${address}/24`, "dev", device);
    await station.ip("link", "set", device, "up");
    plug.address = address;
    await this.#routeOut(plug);
  }

  async #routeOut({ station, device }: Plug): Promise<void> {
    await station.ip("route", "replace", "default", "via", this.address(254), "dev", device);
  }

  /** The queue of packets from the access point to a host. */
  async #queue(verb: "replace" | "delete", plug: Plug, ...kind: readonly string[]): Promise<void> {
    await run(["tc", "-n", this.namespace, "qdisc", verb, "dev", plug.port, "root", ...kind]);
  }

  async #addNamespace(name: string): Promise<void> {
    this.#janitor.willMakeNamespace(name);
    await run(["ip", "netns", "add", name]);
  }

  async #ip(...args: readonly string[]): Promise<void> {
    await run(["ip", "-n", this.namespace, ...args]);
  }
}

async function run([command, ...args]: readonly string[]): Promise<string> {
  const { stdout } = await execute(command!, args);
  return stdout;
}
