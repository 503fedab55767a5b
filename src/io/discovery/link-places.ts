/**
 * Where questions can be asked: every interface of this machine that has a subnet, once for IPv4 and once for IPv6.
 * Tests: test/unit/discovery/link-places.test.ts.
 */
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import { isLinkLocal6 } from "./subnets.ts";

/** A machine with more interfaces has virtual ones; each costs a socket and packets. */
const PLACES_MAX = 16;

export interface LinkPlace {
  readonly name: string;
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
  /** What names the interface in a link-local address: its name, or its number on Windows. */
  readonly zone: string;
  /** All addresses of the interface. */
  readonly addresses: readonly NetworkInterfaceInfo[];
}

export interface PlaceOptions {
  readonly allowLoopback: boolean;
  /** Only these interfaces; all if absent. */
  readonly only: readonly string[] | undefined;
}

/** The places now, in the system's order. */
export function findLinkPlaces(
  { allowLoopback, only }: PlaceOptions,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly LinkPlace[] {
  return Object.entries(interfaces)
    .filter(([name]) => only === undefined || only.includes(name))
    .flatMap(([name, all]) => placesOf(name, all ?? [], allowLoopback))
    .slice(0, PLACES_MAX);
}

/** Same key, same socket. */
export function placeKey({ name, family, address }: LinkPlace): string {
  return `${name} ${family} ${address}`;
}

function placesOf(
  name: string,
  all: readonly NetworkInterfaceInfo[],
  allowLoopback: boolean,
): readonly LinkPlace[] {
  const addresses = all.filter(({ internal }) => allowLoopback || !internal);
  const v4 = addresses.find(({ family, netmask }) => family === "IPv4" && netmask !== "255.255.255.255");
  // Loopback has no link-local address, and one family is enough there.
  const v6 = addresses.find(({ address, family }) => family === "IPv6" && isLinkLocal6(address));
  const zone = process.platform === "win32" && v6?.family === "IPv6" ? String(v6.scopeid) : name;
  return [v4, v6].flatMap((one) =>
    one === undefined ? [] : [{ name, family: one.family, address: one.address, zone, addresses }],
  );
}
