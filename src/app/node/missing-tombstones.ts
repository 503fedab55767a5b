/**
 * Tombstones of purges whose author went before it showed them. What may be erased here waits a while for them; then this device writes
 * them itself, of what it can still read, and only then it is erased: so devices that had the messages and devices that never will show the same.
 * Several devices may write them; the fold takes the first of equals.
 * Spec: docs/spec/purge.md, "Erasing". Tests: test/integration/app/missing-tombstones.test.ts.
 */
import { isEngineError } from "../../core/base/errors.ts";
import type { ControlId, ConversationId } from "../../core/base/ids.ts";
import type { LogState } from "../../core/log/types.ts";
import type { PurgeView } from "../../core/membership/types.ts";
import type { Claim } from "../replica/purge-places.ts";
import { tombstonesOf } from "../replica/purge-turn.ts";
import type { Replica } from "../replica/replica.ts";
import type { Published } from "../replica/turn.ts";
import { readUnnamed, readUntold, UNTOLD_STEP } from "../replica/untold-messages.ts";
import { freshDraft } from "./fresh-draft.ts";

/** How long a purge is put off for them: they are on their way as long as its author, or anybody who has met it, is there. */
export const PUT_OFF_MS = 60_000;
/** Operations of one turn. */
const TOMBSTONES_MAX = 100;

export class MissingTombstones {
  readonly #replica: Replica;
  readonly #addressOf: (conversation: ConversationId) => Promise<string>;
  /** Until when, by the clock that only goes forward. After a start each begins anew. */
  readonly #putOff = new Map<ControlId, number>();
  /** Of what is put off, that of which a tombstone has come since it was looked at. */
  readonly #seen = new Set<ControlId>();

  constructor(replica: Replica, addressOf: (conversation: ConversationId) => Promise<string>) {
    this.#replica = replica;
    this.#addressOf = addressOf;
  }

  /**
   * Whether all that the purge is about to erase here is said by tombstones on this disk; after a while they are, since those that are missing are
   * written. Then what comes for its places is stored as erased from now on. False: not yet, and `waitMs` says when to ask again.
   */
  async areHere(purge: Pick<PurgeView, "id" | "entries">): Promise<boolean> {
    const { id } = purge;
    const { clock } = this.#replica.ports;
    const untilMs = this.#putOff.get(id);
    const isOver = untilMs !== undefined && clock.monotonicMs() >= untilMs;
    if (untilMs !== undefined && !isOver && !this.#seen.has(id)) return false;
    this.#seen.delete(id);
    const before = this.#statesOf(purge);
    const untold = await this.#untold(purge);
    if (untold.length > 0 && !isOver) {
      if (untilMs === undefined) this.#putOff.set(id, clock.monotonicMs() + PUT_OFF_MS);
      return false;
    }
    try {
      await this.#write(id, untold);
      // What comes from here on is stored as erased. What came since it was looked at is said without waiting.
      this.#replica.erased.add(purge.entries);
      const after = this.#statesOf(purge);
      if (after.some((state, at) => state !== before[at])) await this.#write(id, await this.#untold(purge));
    } catch (error) {
      // Written once the key is here that it is sealed with: no other purge waits for that.
      if (!isEngineError(error, "EPOCH_KEY_MISSING")) throw error;
      this.#putOff.set(id, clock.monotonicMs() + PUT_OFF_MS);
      return false;
    }
    this.#forget(id);
    return true;
  }

  /** How long until one of these is to be looked at again; null: none is put off. What is put off and not among them is not any more. */
  waitMs(purges: readonly Pick<PurgeView, "id">[]): number | null {
    const ids = new Set(purges.map(({ id }) => id));
    let first: number | null = null;
    for (const [id, untilMs] of this.#putOff) {
      if (ids.has(id)) first = Math.min(first ?? untilMs, untilMs);
      else this.#forget(id);
    }
    return first === null ? null : Math.max(0, first - this.#replica.ports.clock.monotonicMs());
  }

  /** True where the first tombstone came, since a look, of what is put off. */
  saw(operations: Published["operations"]): boolean {
    if (this.#putOff.size === 0) return false;
    const before = this.#seen.size;
    for (const { operation } of operations)
      if (operation.body.kind === "tombstone" && this.#putOff.has(operation.body.purge))
        this.#seen.add(operation.body.purge);
    return before === 0 && this.#seen.size > 0;
  }

  /** Of the logs that it names, as far as anything was taken in: others as soon as anything is. */
  #statesOf({ entries }: Pick<PurgeView, "entries">): readonly (LogState | undefined)[] {
    const logs = new Set(entries.map(({ log }) => log));
    return [...logs].map((log) => this.#replica.ledger.tips.get(log));
  }

  #forget(id: ControlId): void {
    this.#putOff.delete(id);
    this.#seen.delete(id);
  }

  /** In turns that others may come between. */
  async #untold(purge: Pick<PurgeView, "id" | "entries">): Promise<readonly Claim[]> {
    const { writer } = this.#replica;
    const entries = await writer.keep(async (context) => ({
      turn: null,
      result: await readUnnamed(context, purge),
    }));
    const claims = new Map<string, Claim>();
    for (let at = 0; at < entries.length; at += UNTOLD_STEP) {
      const some = entries.slice(at, at + UNTOLD_STEP);
      const found = await writer.keep(async (context) => ({
        turn: null,
        result: await readUntold(context, purge.id, some),
      }));
      for (const claim of found) {
        const { message, log, position } = claim.named;
        claims.set(`${message}/${log}/${position}`, claim);
      }
    }
    return [...claims.values()];
  }

  /** Durable when it resolves. What came meanwhile may say the same. */
  async #write(purge: ControlId, claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    const bodies = await tombstonesOf(purge, await this.#addressed(claims), { addressOf: this.#addressOf });
    for (let at = 0; at < bodies.length; at += TOMBSTONES_MAX) {
      const drafts = bodies.slice(at, at + TOMBSTONES_MAX).map((body) => freshDraft(this.#replica, body));
      await this.#replica.writer.append(drafts);
    }
  }

  /** Without those of which nothing here says what their conversation is called: they were purged before, and stay so. */
  async #addressed(claims: readonly Claim[]): Promise<readonly Claim[]> {
    const addresses = new Map<ConversationId, string | null>();
    for (const { conversation, address } of claims)
      if (address !== null) addresses.set(conversation, address);
    for (const { conversation } of claims) {
      if (addresses.has(conversation)) continue;
      const address = await this.#addressOf(conversation).catch((error: unknown) => {
        if (!isEngineError(error)) throw error;
        return null;
      });
      addresses.set(conversation, address);
    }
    return claims.flatMap((claim): readonly Claim[] => {
      const address = addresses.get(claim.conversation) ?? null;
      return address === null ? [] : [{ ...claim, address }];
    });
  }
}
