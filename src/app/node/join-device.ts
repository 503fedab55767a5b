/**
 * Makes a directory a device of an existing account: finds the member that shows a code, runs the one exchange, and writes what it
 * gave after checking it. Rules: docs/spec/link.md. Tests: test/integration/app/link.test.ts; simulations/world.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import { idBytes } from "../../core/base/ids.ts";
import { linkTag } from "../../core/crypto/discovery.ts";
import { validateName } from "../../core/inbox/address.ts";
import type { Discovery, Net } from "../../core/sync/ports.ts";
import { LINK_PROTOCOL, type LinkChannel } from "../link/link-channel.ts";
import { type LinkCode, parseCode } from "../link/link-code.ts";
import { type Admission, askMember, greetMember } from "../link/link-joiner.ts";
import { takeAdmission } from "../link/take-admission.ts";
import { createDeviceKeys, openOwnLogs } from "../replica/founding.ts";
import type { Replica } from "../replica/replica.ts";
import { accountExists, beginDevice, openReplica, type DeviceDirectory } from "./device-directory.ts";
import { machineFindings, type MachineInterface, multicastFindings } from "./doctor.ts";
import { InboxReader } from "./inbox-reader.ts";
import { rememberNames } from "./peer-memory.ts";
import type { Finding, OnProgress } from "./types.ts";

const FIND_MS = 30_000;
const RETRY_MS = 3_000;
const DIAL_MS = 5_000;
const DIALS_MAX = 8;

export interface JoinNetwork {
  /** Listens nowhere. */
  readonly createNet: () => Promise<Net>;
  readonly createDiscovery: () => Promise<Discovery>;
  readonly interfaces: () => readonly MachineInterface[];
}

export interface JoinRequest {
  /** As shown or scanned. */
  readonly code: string;
  readonly name: string;
  /** Where the member is, if mDNS cannot find it. */
  readonly address?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface Joined {
  readonly account: string;
  readonly device: string;
  readonly name: string;
  readonly linkedBy: string;
}

/**
 * Resolves when this device's admission is durable here; its history comes when a node runs.
 *
 * @throws EngineError `CODE_UNKNOWN`, `CODE_WRONG`, `CODE_EXPIRED`, `CODE_REFUSED`, `NO_PEER_FOUND`, `ACCOUNT_EXISTS`, `NAME_INVALID`.
 */
export async function joinDevice(
  directory: DeviceDirectory,
  network: JoinNetwork,
  options: JoinRequest,
): Promise<Joined> {
  validateName(options.name);
  const code = parseCode(options.code);
  if ((await directory.secrets.exists()) && !(await isUntouched(directory))) throw accountExists();
  const keys = await createDeviceKeys(directory);
  const net = await network.createNet();
  const abort = (): void => void net.close();
  options.signal?.addEventListener("abort", abort, { once: true });
  try {
    const channel = await findMember({ directory, network, net }, code, options);
    options.onProgress?.({ what: "join: waiting for the other device to say yes", done: 0, total: null });
    const admission = await askMember(channel, {
      secret: code.secret,
      keys,
      name: options.name.normalize("NFC"),
      clock: directory.clock,
    });
    await writeAdmission(directory, keys, admission);
    const { account, name, linkedBy } = admission;
    return { account, device: keys.device, name, linkedBy: linkedBy.name };
  } catch (error) {
    if (options.signal?.aborted === true)
      throw new EngineError("ABORTED", "joining was ended", { cause: error });
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    await net.close();
  }
}

/** Verified first; only then does the directory become this device's. */
async function writeAdmission(
  directory: DeviceDirectory,
  { signSeed, openSeed, device }: Awaited<ReturnType<typeof createDeviceKeys>>,
  admission: Admission,
): Promise<void> {
  const { account, linkedBy } = admission;
  const secrets = { signSeed, openSeed, device, account: idBytes(account), unseenPhrase: null };
  const fill = async (replica: Replica): Promise<void> => {
    await takeAdmission(replica, admission);
    await openOwnLogs(replica);
    const names = new Map([[device, admission.name]]);
    if (replica.members.devices.has(linkedBy.device)) names.set(linkedBy.device, linkedBy.name);
    await rememberNames(replica, names);
  };
  await beginDevice(directory, secrets, fill, () => isUntouched(directory));
}

/** One device, no message ever: nothing is lost when another account takes its place. */
async function isUntouched(directory: DeviceDirectory): Promise<boolean> {
  const { replica } = await openReplica(directory);
  try {
    const nothing = { here: true, devices: [], cloud: null };
    const totals = await new InboxReader(replica, () => nothing).totals();
    if (replica.members.devices.size > 1 || totals.messages > 0) return false;
    // A flipped bit may hide the row that counts them.
    return (await replica.ports.store.checkFiles({})) === 0;
  } finally {
    await replica.close();
  }
}

/** The first that answers the greeting gets the one guess. */
async function findMember(
  parts: { readonly directory: DeviceDirectory; readonly network: JoinNetwork; readonly net: Net },
  code: LinkCode,
  options: JoinRequest,
): Promise<LinkChannel> {
  const { directory, network, net } = parts;
  const { clock } = directory;
  const given = options.address === undefined ? code.addresses : [options.address];
  const { promise, resolve, reject } = Promise.withResolvers<LinkChannel>();
  // It may be rejected before it is waited for.
  promise.catch(() => undefined);
  let found = false;
  const stop = (error: EngineError): void => {
    found = true;
    reject(error);
  };
  const tried = new Set<string>();
  let dialling = 0;
  let answered = 0;
  const tryAddress = async (address: string): Promise<void> => {
    if (found || tried.has(address) || dialling >= DIALS_MAX) return;
    tried.add(address);
    dialling++;
    try {
      const channel = await greetMember(await net.dial(address, LINK_PROTOCOL, DIAL_MS), directory);
      if (found) channel.close();
      found = true;
      resolve(channel);
    } catch (error) {
      if (!isEngineError(error)) throw error;
      // An address that a person typed wrong is not waited for.
      if (options.address !== undefined && error.code === "ADDRESS_INVALID") return stop(error);
      if (error.code !== "PEER_UNREACHABLE") answered++;
      // It may come up a moment later: addresses are tried again when they are announced again.
      clock.after(2_000, () => tried.delete(address));
    } finally {
      dialling--;
    }
  };

  // Whoever was told where the member is asks nobody else.
  const discovery = options.address === undefined ? await network.createDiscovery() : null;
  const cancelLimit = clock.after(FIND_MS, () => {
    const heard = discovery === null ? [] : multicastFindings(discovery.report(), 0);
    const findings = [...machineFindings(network.interfaces()), ...heard];
    stop(nobodyFound({ given, answered, findings }));
  });
  const retry = (): void => {
    for (const address of given) void tryAddress(address);
    discovery?.askSoon();
    cancelRetry = clock.after(RETRY_MS, retry);
  };
  let cancelRetry = clock.after(RETRY_MS, retry);
  const abort = (): void => stop(new EngineError("ABORTED", "joining was ended"));
  options.signal?.addEventListener("abort", abort, { once: true });
  try {
    for (const address of given) void tryAddress(address);
    if (discovery !== null) {
      discovery.onFound(({ addresses }) => {
        for (const address of addresses) void tryAddress(address);
      });
      const tag = linkTag(code.number);
      await discovery.update({ answer: [], ask: [tag], transportId: net.transportId(), addresses: [] });
      discovery.askSoon();
    }
    return await promise;
  } finally {
    cancelLimit();
    cancelRetry();
    options.signal?.removeEventListener("abort", abort);
    await discovery?.close();
  }
}

/** With what `doctor` would say: there is no node yet that it could be asked of. */
function nobodyFound(search: {
  readonly given: readonly string[];
  readonly answered: number;
  readonly findings: readonly Finding[];
}): EngineError {
  const { given, answered, findings } = search;
  const why =
    answered > 0
      ? "devices were found, but none of them has a link code open"
      : given.length > 0
        ? "nobody answers at the address that was given"
        : "nobody on this network shows this code";
  const remedies = [
    "Run `kinlog link` on the other device and keep it open; both must be on one network.",
    ...findings.filter(({ ok }) => !ok).map(({ finding, remedy }) => `${finding} ${remedy ?? ""}`.trim()),
    "If multicast is blocked there, use `--address` with an address that `kinlog doctor` shows.",
  ];
  return new EngineError("NO_PEER_FOUND", why, { remedy: remedies.join(" ") });
}
