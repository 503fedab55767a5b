/**
 * Which root keys were in force when, and so which operations the recovery phrase has truly signed.
 * Who may change the root is decided in recovery.ts. Spec: docs/spec/membership.md, "Root".
 * Tests: test/unit/membership/recovery.test.ts.
 */
import { hex } from "../base/bytes.ts";
import type { AccountId } from "../base/ids.ts";
import { sha256 } from "../crypto/hash.ts";
import { verify } from "../crypto/sign.ts";
import { isBefore, type Placed } from "./causality.ts";
import type { History } from "./history.ts";
import { rootSigningBytes } from "./operation.ts";

/** The time of one root: after the `set-recovery` that made it, and before the one that ended it. */
interface Era {
  readonly rootSign: Uint8Array;
  readonly rootOpen: Uint8Array;
  readonly since: Placed | null;
}

/** The root-signed entries of a history, each with the bytes that its signature must be over. */
export class RootSignatures {
  readonly #bytes = new Map<Placed, Uint8Array>();
  readonly #results = new Map<Placed, Map<Uint8Array, boolean>>();

  constructor(account: AccountId, order: readonly Placed[]) {
    const signed = order.filter(({ entry }) => entry.operation.rootSignature !== null);
    const seen = new Set<string>();
    for (const placed of signed.toSorted(byPlace)) {
      const { author, operation } = placed.entry;
      if (operation.body.kind === "unknown" || operation.body.kind === "genesis") continue;
      const bytes = rootSigningBytes({ account, author, operation });
      // A signature counts once: its author may not repeat what the phrase said when things were different.
      const name = hex(sha256(bytes));
      if (!seen.has(name)) this.#bytes.set(placed, bytes);
      seen.add(name);
    }
  }

  /** Whether `rootSign` signed this entry. Remembered, because one history is judged several times. */
  isBy(placed: Placed, rootSign: Uint8Array): boolean {
    const bytes = this.#bytes.get(placed);
    const signature = placed.entry.operation.rootSignature;
    if (bytes === undefined || signature === null) return false;
    let results = this.#results.get(placed);
    if (results === undefined) this.#results.set(placed, (results = new Map<Uint8Array, boolean>()));
    let result = results.get(rootSign);
    if (result === undefined) results.set(rootSign, (result = verify(rootSign, bytes, signature)));
    return result;
  }
}

/** The roots of an account, one after the other. */
export class Roots {
  readonly #signatures: RootSignatures;
  readonly #eras: readonly Era[];
  /** Ends the last era for whoever weighs a `set-recovery` that is not certain yet. */
  readonly #end: Placed | null;

  private constructor(signatures: RootSignatures, eras: readonly Era[], end: Placed | null) {
    this.#signatures = signatures;
    this.#eras = eras;
    this.#end = end;
  }

  static of(history: History): Roots {
    const signatures = new RootSignatures(history.account, history.order);
    const body = history.genesis?.entry.operation.body;
    if (body?.kind !== "genesis") return new Roots(signatures, [], null);
    const { rootSign, rootOpen } = body;
    return new Roots(signatures, [{ rootSign, rootOpen, since: null }], null);
  }

  /** The era that lasts; undefined before the genesis is here. */
  get present(): Era | undefined {
    return this.#eras.at(-1);
  }

  get count(): number {
    return this.#eras.length;
  }

  /** As if the present root ended with `end`: what it signed otherwise than before is void. */
  endedBy(end: Placed): Roots {
    return new Roots(this.#signatures, this.#eras, end);
  }

  /** With the root that `change` sets. */
  followedBy(change: Placed): Roots {
    const { body } = change.entry.operation;
    if (body.kind !== "set-recovery") return this;
    const { rootSign, rootOpen } = body;
    return new Roots(this.#signatures, [...this.#eras, { rootSign, rootOpen, since: change }], null);
  }

  /** Whether the phrase that was in force then signed this entry. */
  haveSigned(placed: Placed): boolean {
    if (placed.entry.operation.rootSignature === null) return false;
    return this.#eras.some((era, at) => {
      const end = this.#eras[at + 1]?.since ?? this.#end;
      if (era.since !== null && !isBefore(era.since, placed)) return false;
      if (end !== null && placed !== end && !isBefore(placed, end)) return false;
      return this.#signatures.isBy(placed, era.rootSign);
    });
  }
}

function byPlace({ entry: a }: Placed, { entry: b }: Placed): number {
  return a.incarnation - b.incarnation || a.position - b.position || (a.id < b.id ? -1 : 1);
}
