/**
 * Why sync does not work, each finding with what to do about it. Looks at what the node knows; sends at most one question.
 * Findings are told in order of how often they are the cause.
 */
import { countOf } from "../../core/log/ranges.ts";
import type { Discovery } from "../../core/sync/ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { Finding } from "./types.ts";

/** What the machine says of its interfaces; from the platform. */
export interface MachineInterface {
  readonly name: string;
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  readonly internal: boolean;
}

/** Names under which the usual VPNs and tunnels appear. */
const TUNNELS = /^(tun|tap|wg|ppp|utun|ipsec|zt|tailscale|nordlynx|proton)/i;
/** A clock this far off makes the hourly tags of two devices miss each other. */
const YEAR_2025_MS = Date.UTC(2025, 0, 1);
const YEAR_2100_MS = Date.UTC(2100, 0, 1);
const DAYS_30_MS = 30 * 24 * 3_600_000;

export function examine(input: {
  readonly replica: Replica;
  readonly network: NodeNetwork | null;
  readonly interfaces: readonly MachineInterface[];
  readonly protection: "none" | "keyring" | "passphrase";
  readonly nameOf: (device: string) => string;
  readonly lastSeenMs: (device: string) => number | null;
}): readonly Finding[] {
  const { replica, network, interfaces } = input;
  const others = [...replica.members.devices.values()].filter(
    ({ device, state }) => device !== replica.self && state === "active",
  );
  const online = network?.peers.sessions.length ?? 0;
  const findings: Finding[] = [
    others.length === 0
      ? bad(
          "devices",
          "This is the only device of the account.",
          "Run `kinlog link` here and `kinlog join CODE` on the other device.",
        )
      : good(
          "devices",
          `The account has ${others.length + 1} devices; ${online} of the others are connected now.`,
        ),
  ];
  findings.push(...lostFindings(replica));
  findings.push(...machineFindings(interfaces));
  findings.push(...discoveryFindings(network, online));
  findings.push(clockFinding(replica));
  findings.push(...strangerFindings(network));
  findings.push(
    ...silentFindings(
      input,
      others.map(({ device }) => device),
    ),
  );
  findings.push(
    input.protection === "none"
      ? bad(
          "protection",
          "The keys of this device lie unprotected in a file that only you can read.",
          "Use the disk encryption of your system.",
        )
      : good("protection", `The keys of this device are protected by the ${input.protection}.`),
  );
  return findings;
}

/** What of the machine alone keeps devices apart. */
export function machineFindings(interfaces: readonly MachineInterface[]): readonly Finding[] {
  const reachable = interfaces.filter(({ internal }) => !internal);
  const tunnels = reachable.filter(({ name }) => TUNNELS.test(name));
  return [
    reachable.length === 0
      ? bad(
          "interface",
          "This machine has no network but itself.",
          "Connect it to the Wi-Fi or cable that the other device is on.",
        )
      : good(
          "interface",
          `Network: ${reachable.map(({ name, address }) => `${name} ${address}`).join(", ")}.`,
        ),
    tunnels.length > 0
      ? bad(
          "vpn",
          `A VPN or tunnel is up: ${tunnels.map(({ name }) => name).join(", ")}. It may keep local answers away.`,
          "Allow local network access in the VPN, or turn it off, or use `kinlog connect ADDRESS`.",
        )
      : good("vpn", "No VPN or tunnel is up."),
  ];
}

function discoveryFindings(network: NodeNetwork | null, online: number): readonly Finding[] {
  if (network === null) {
    return [
      bad(
        "node",
        "No node runs for this directory, so nothing is announced or found.",
        "Run `kinlog start`.",
      ),
    ];
  }
  const listening = good("listening", `Other devices can dial: ${network.net.addresses().join(", ")}.`);
  if (network.discovery === null) {
    return [
      listening,
      bad("discovery", "mDNS is off.", "Start without --no-mdns, or use `kinlog connect ADDRESS`."),
    ];
  }
  return [listening, ...multicastFindings(network.discovery.report(), online)];
}

/** Whether mDNS hears anybody. `online`: devices that are connected all the same. */
export function multicastFindings(
  report: ReturnType<Discovery["report"]>,
  online: number,
): readonly Finding[] {
  const joined = [...new Set(report.interfaces.filter((each) => each.joined).map((each) => each.name))];
  const findings: Finding[] = [];
  if (joined.length === 0) {
    findings.push(
      bad(
        "discovery",
        "mDNS listens on no interface.",
        "Check that a network is up and that UDP port 5353 is free to share.",
      ),
    );
  } else if (report.packetsSeen === 0 && online === 0) {
    findings.push(
      bad(
        "multicast",
        `mDNS asks on ${joined.join(", ")}, but no packet of anybody ever came.`,
        "The Wi-Fi may be a guest network or block multicast (client isolation), or a firewall closes UDP 5353. Try `kinlog connect ADDRESS`.",
      ),
    );
  } else {
    findings.push(
      good("discovery", `mDNS works on ${joined.join(", ")}: ${report.packetsSeen} packets seen.`),
    );
  }
  for (const error of report.errors)
    findings.push(
      bad("discovery", `mDNS reported: ${error}.`, "See docs/errors.md, or use `kinlog connect ADDRESS`."),
    );
  return findings;
}

function clockFinding(replica: Replica): Finding {
  const wallMs = replica.ports.clock.wallMs();
  return wallMs < YEAR_2025_MS || wallMs > YEAR_2100_MS
    ? bad(
        "clock",
        "The clock of this machine is years off, so mDNS cannot find the others.",
        "Set the clock; remembered addresses and `kinlog connect` work meanwhile.",
      )
    : good("clock", "The clock of this machine is plausible.");
}

function lostFindings({ ledger }: Replica): readonly Finding[] {
  const count = [...ledger.lost.values()].reduce((sum, ranges) => sum + countOf(ranges), 0);
  if (count === 0) return [];
  return [
    bad(
      "damage",
      `${count} of the entries that say which devices the account has ${count === 1 ? "is" : "are"} damaged here. This device writes nothing until they are back.`,
      "Let another device of yours run on this network, or run `kinlog connect ADDRESS`: it brings them again.",
    ),
  ];
}

function strangerFindings(network: NodeNetwork | null): readonly Finding[] {
  const strangers = network?.peers.counts.strangers ?? 0;
  if (strangers === 0) return [];
  return [
    good(
      "strangers",
      `${strangers} streams came from or led to devices of other accounts; they learnt nothing.`,
    ),
  ];
}

function silentFindings(input: Parameters<typeof examine>[0], others: readonly string[]): readonly Finding[] {
  const nowMs = input.replica.ports.clock.wallMs();
  return others.flatMap((device) => {
    const seenMs = input.lastSeenMs(device);
    if (seenMs === null || nowMs - seenMs < DAYS_30_MS) return [];
    const days = Math.floor((nowMs - seenMs) / (DAYS_30_MS / 30));
    return [
      bad(
        "silent",
        `${input.nameOf(device)} has not been seen for ${days} days.`,
        "Start it on this network; it will catch up by itself.",
      ),
    ];
  });
}

function good(check: string, finding: string): Finding {
  return { check, ok: true, finding, remedy: null };
}

function bad(check: string, finding: string, remedy: string): Finding {
  return { check, ok: false, finding, remedy };
}
