/**
 * Accounts for tests: control entries that devices with names write, each knowing what it was told. Nothing is signed but
 * what the phrase signs, since the resolver takes entries whose heads were verified before.
 */
import { hex, utf8 } from "../../src/core/base/bytes.ts";
import type { AccountId, ControlId, DeviceId, EpochId, LogId, TreeHash } from "../../src/core/base/ids.ts";
import { bytesToId } from "../../src/core/base/ids.ts";
import { accountIdOf, controlIdOf, logIdOf } from "../../src/core/crypto/derive.ts";
import { sha256 } from "../../src/core/crypto/hash.ts";
import { createSigningKey } from "../../src/core/crypto/sign.ts";
import type { LogClass } from "../../src/core/log/types.ts";
import { encodeControl, encodeGenesis, signByRoot } from "../../src/core/membership/operation.ts";
import { resolve } from "../../src/core/membership/resolver.ts";
import type {
  BodyOf,
  ControlBody,
  ControlEntry,
  ControlOperation,
  Fence,
  ForkedLog,
  MemberView,
} from "../../src/core/membership/types.ts";

export type RootKey = ReturnType<typeof createSigningKey>;

export interface WriteOptions {
  /** Instead of the heads of what the device knows. */
  readonly after?: readonly ControlEntry[];
  readonly incarnation?: number;
  /** Another than the next one: a fork, or a gap. */
  readonly position?: number;
  /** The phrase signs too. */
  readonly root?: RootKey;
}

export const bytesOf = (text: string): Uint8Array => sha256(utf8(text));
export const deviceOf = (name: string): DeviceId => bytesToId(bytesOf(`device ${name}`));
export const openKeyOf = (name: string): Uint8Array => bytesOf(`open key ${name}`);
export const epochOf = (name: string): EpochId => bytesToId(bytesOf(`epoch ${name}`));
export const rootOf = (name: string): TreeHash => bytesOf(`root ${name}`) as TreeHash;
export const rootKeyOf = (name: string): RootKey => createSigningKey(bytesOf(`phrase ${name}`));

/** The bodies of operations, in few words. */
export const bodies = {
  admit: (name: string, epochs: readonly string[] = [], openKey = openKeyOf(name)): BodyOf<"admit"> => ({
    kind: "admit",
    device: deviceOf(name),
    openKey,
    wraps: epochs.map((epoch) => ({ epoch: epochOf(epoch), sealed: bytesOf(`${epoch} for ${name}`) })),
    epochs: epochs.map(epochOf),
  }),
  revoke: (name: string, fences: readonly Fence[] = []): BodyOf<"revoke"> => ({
    kind: "revoke",
    device: deviceOf(name),
    fences,
  }),
  epoch: (
    name: string,
    recipients: readonly string[],
    { tips = [], custody = "synced" }: { tips?: readonly string[]; custody?: "synced" | "local" } = {},
  ): BodyOf<"epoch"> => ({
    kind: "epoch",
    epoch: epochOf(name),
    custody,
    tips: tips.map(epochOf),
    recipients: recipients.map((recipient) => ({
      device: deviceOf(recipient),
      sealed: custody === "local" ? null : bytesOf(`${name} for ${recipient}`),
    })),
    rootSealed: null,
  }),
  openLog: (incarnation = 0, continues: readonly Fence[] = []): BodyOf<"open-log"> => ({
    kind: "open-log",
    incarnation,
    continues,
  }),
  setRecovery: (key: RootKey): BodyOf<"set-recovery"> => ({
    kind: "set-recovery",
    rootSign: key.publicKey,
    rootOpen: bytesOf(`open key of ${hex(key.publicKey)}`),
  }),
  purge: (log: LogId, ...positions: readonly number[]): BodyOf<"purge"> => ({
    kind: "purge",
    entries: positions.map((position) => ({ log, position, leaf: rootOf(`leaf ${position}`) })),
  }),
  countersign: ({ id }: ControlEntry): BodyOf<"countersign"> => ({ kind: "countersign", operation: id }),
  void: ({ id }: ControlEntry): BodyOf<"void"> => ({ kind: "void", operation: id }),
  cloud: (address: string | null): BodyOf<"cloud"> => ({
    kind: "cloud",
    address,
    peerKey: address === null ? null : bytesOf(address),
  }),
};

export class TestAccount {
  readonly id: AccountId;
  readonly phrase: RootKey = rootKeyOf("first");
  readonly genesis: ControlEntry;
  /** All that was ever written, in that order. */
  readonly entries: ControlEntry[] = [];
  readonly #known = new Map<string, Set<ControlEntry>>();
  readonly #entryById = new Map<ControlId, ControlEntry>();

  /** A new account of the device `founder`, its logs open. */
  constructor(founder = "a") {
    const body: BodyOf<"genesis"> = {
      kind: "genesis",
      rootSign: this.phrase.publicKey,
      rootOpen: bytesOf("root open"),
      device: deviceOf(founder),
      openKey: openKeyOf(founder),
      salt: new Uint8Array(16),
    };
    this.id = accountIdOf(encodeGenesis(body));
    this.genesis = this.write(founder, body);
    this.write(founder, bodies.openLog());
  }

  /** An account of several devices that know each other: the first admits the others, and all logs are open. */
  static of(...names: readonly string[]): TestAccount {
    const account = new TestAccount(names[0]);
    for (const name of names.slice(1)) account.link(names[0]!, name);
    account.meet(...names);
    return account;
  }

  /** `member` admits `name`, which learns all that `member` knows and opens its logs; `member` learns of that. */
  link(member: string, name: string, epochs: readonly string[] = []): ControlEntry {
    const admission = this.write(member, bodies.admit(name, epochs));
    this.tell(member, name);
    this.write(name, bodies.openLog());
    this.tell(name, member);
    return admission;
  }

  write(name: string, body: ControlBody, options: WriteOptions = {}): ControlEntry {
    const { incarnation = 0, root } = options;
    const known = this.#knownBy(name);
    const author = deviceOf(name);
    const log = this.log(name, "control", incarnation);
    const parents = (options.after ?? headsOf(known)).map(({ id }) => id).toSorted();
    const plain: ControlOperation = { parents, rootSignature: null, body };
    const operation =
      root === undefined ? plain : signByRoot({ account: this.id, author, operation: plain, key: root });
    const position = options.position ?? this.#lengthOf(log);
    const payload = body.kind === "unknown" ? bytesOf(JSON.stringify(operation)) : encodeControl(operation);
    // The leaf of an entry commits to its payload's hash, and that is all an id needs here.
    const id = controlIdOf({ log, position, leaf: sha256(payload) as TreeHash });
    const entry: ControlEntry = { id, author, incarnation, log, position, payload, operation };
    this.entries.push(entry);
    this.#entryById.set(id, entry);
    known.add(entry);
    return entry;
  }

  /** Writes many entries quickly: each after the last one of some devices, and nothing is learned by anyone. */
  fastWriter(): { readonly write: (name: string, body: ControlBody, after: readonly string[]) => void } {
    const last = new Map<LogId, ControlEntry>();
    for (const entry of this.entries) last.set(entry.log, entry);
    return {
      write: (name, body, after) => {
        const log = this.log(name);
        const position = (last.get(log)?.position ?? -1) + 1;
        const parents = after.flatMap((other) => last.get(this.log(other)) ?? []);
        last.set(log, this.write(name, body, { position, after: parents }));
      },
    };
  }

  /** `to` learns all that `from` knows. */
  tell(from: string, ...to: readonly string[]): void {
    for (const name of to) for (const entry of this.#knownBy(from)) this.#knownBy(name).add(entry);
  }

  /** All learn all that any of them knows. */
  meet(...names: readonly string[]): void {
    for (const name of names) this.tell(name, names[0]!);
    this.tell(names[0]!, ...names);
  }

  known(name: string): readonly ControlEntry[] {
    return [...this.#knownBy(name)];
  }

  log(name: string, logClass: LogClass = "control", incarnation = 0): LogId {
    return logIdOf({ account: this.id, device: deviceOf(name), incarnation, logClass });
  }

  view(entries: readonly ControlEntry[] = this.entries, forks: readonly ForkedLog[] = []): MemberView {
    return resolve({ account: this.id, entries, forks });
  }

  /** Names of the devices in one state, of those given. */
  states(names: string, entries?: readonly ControlEntry[], forks?: readonly ForkedLog[]): string {
    const { devices } = this.view(entries, forks);
    return names
      .split("")
      .map((name) => `${name}:${devices.get(deviceOf(name))?.state ?? "none"}`)
      .join(" ");
  }

  /** An entry and all its ancestors. */
  closure(...of: readonly ControlEntry[]): readonly ControlEntry[] {
    const found = new Set(of);
    for (const entry of found) {
      for (const parent of entry.operation.parents) found.add(this.#entryById.get(parent)!);
      for (const other of this.entries) {
        if (other.log === entry.log && other.position === entry.position - 1) found.add(other);
      }
    }
    return [...found];
  }

  #lengthOf(log: LogId): number {
    const written = this.entries.filter((one) => one.log === log).map(({ position }) => position);
    return Math.max(-1, ...written) + 1;
  }

  #knownBy(name: string): Set<ControlEntry> {
    let known = this.#known.get(name);
    if (known === undefined) this.#known.set(name, (known = new Set<ControlEntry>()));
    return known;
  }
}

/** Everything of a view that can be compared. */
export function describeView(view: MemberView): unknown {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return hex(value);
    if (value instanceof Map) return [...value].map(([key, item]) => [key, plain(item)] as const);
    if (value instanceof Set) return [...(value as Set<string>)].toSorted();
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  };
  const { wrapsFor, ...rest } = view;
  return plain({ ...rest, wraps: [...view.devices.keys()].map((device) => [device, wrapsFor(device)]) });
}

/** Every order of `items`. */
export function permutations<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

/** The last entry of each log; of a forked one the branch that was known first. */
function headsOf(known: ReadonlySet<ControlEntry>): readonly ControlEntry[] {
  const last = new Map<LogId, ControlEntry>();
  for (const entry of known) {
    if (entry.position > (last.get(entry.log)?.position ?? -1)) last.set(entry.log, entry);
  }
  return [...last.values()].slice(-64);
}
