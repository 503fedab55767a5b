/**
 * Compares devices with each other, and with what people were promised. During a run: what must hold at every moment. At its end, when
 * all faults are over: that all hold, show and know the same, that nothing promised is missing, and that they fall silent.
 */
import { rootReference } from "../../test/support/merkle-reference.ts";
import { equalBytes } from "../../src/core/base/bytes.ts";
import type { LogId, MessageId } from "../../src/core/base/ids.ts";
import { messageIsHere, messageRowKey } from "../../src/core/inbox/view.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import { countOf, subtract } from "../../src/core/log/ranges.ts";
import { isComplete, missingOf } from "../../src/core/log/state.ts";
import type { LogState } from "../../src/core/log/types.ts";
import type { MemoryLog } from "../doubles/memory-disk.ts";
import { HOSTILE_CONVERSATION } from "./hostile-device.ts";
import { evictedMessages } from "./keeping-witness.ts";
import type { Machine } from "./machine.ts";
import { InboxJudge } from "./inbox-judge.ts";
import { PurgeJudge } from "./purge-judge.ts";
import { fingerprintOf, inboxAtRest, inboxOf, type SeenInbox, isAsOnDisk, setOf } from "./seen.ts";
import { hold } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** Streams of one program, and dials under way: what strangers and siblings together can make it have (docs/security.md). */
const STREAMS_MAX = 200;
const DIALS_MAX = 40;
/** Sent to one peer and not read by it: the windows of four streams. */
const UNREAD_OF_PEER_MAX = 4 * 256 * 1024;

export class Judge {
  readonly #witness: Witness;
  readonly #machines: readonly Machine[];
  readonly #inboxes: InboxJudge;
  readonly #purges: PurgeJudge;
  readonly #count: (path: string) => void;
  /** How far each device had read each conversation when it was last looked at. */
  readonly #readUpTo = new Map<string, string>();

  constructor(witness: Witness, machines: readonly Machine[], count: (path: string) => void) {
    this.#witness = witness;
    this.#machines = machines;
    this.#inboxes = new InboxJudge(witness);
    this.#purges = new PurgeJudge(witness, count);
    this.#count = count;
  }

  /** Cheap enough to be asked every few events: sets and fingerprints, limits. */
  compareSets(): void {
    this.#witness.checkVouched();
    this.#witness.keeping.check();
    const byPrint = new Map<string, string>();
    const bySet = new Map<string, string>();
    for (const machine of this.#running()) {
      const { replica, net } = machine.running!;
      hold(
        14,
        net.openStreams() <= STREAMS_MAX && net.dialling() <= DIALS_MAX,
        () => `${machine.name} has ${net.openStreams()} streams and ${net.dialling()} dials`,
      );
      for (const [peer, unread] of net.unreadBy())
        hold(
          14,
          unread <= UNREAD_OF_PEER_MAX,
          () => `${machine.name} has ${unread} bytes on their way to ${peer}`,
        );
      if (machine.isRepairing || !machine.isDiskQuiet || !isAsOnDisk(machine, replica)) continue;
      const print = `${replica.account} ${fingerprintOf(replica)}`;
      const set = `${replica.account} ${setOf(machine, replica)}`;
      hold(
        6,
        (byPrint.get(print) ?? set) === set,
        () => `${machine.name} shows the fingerprint of another set`,
      );
      hold(
        6,
        (bySet.get(set) ?? print) === print,
        () => `${machine.name} shows another fingerprint of the same set`,
      );
      byPrint.set(print, set);
      bySet.set(set, print);
    }
  }

  /** Reads every inbox: nothing that nobody wrote, nothing twice, nothing missing of what was promised there, nothing back. */
  async compareInboxes(look: typeof inboxOf = inboxAtRest): Promise<void> {
    const bySet = new Map<string, string>();
    const apart = this.#textsApart();
    for (const machine of this.#running()) {
      const { replica } = machine.running!;
      // Built again, the view lacks what is kept elsewhere until that has come.
      if (this.#witness.keeping.lacksRows(machine)) continue;
      // A page with a damaged entry in it is refused, and `verify` says where it stands; a poisoned store refuses everything. What is
      // not durable yet is shown, and in no set.
      if (machine.isRepairing || machine.disk!.damagedCount > 0 || !machine.isDiskQuiet) continue;
      const inbox = await look(machine, { apart });
      if (inbox === undefined) continue;
      this.#checkInbox(machine, inbox);
      // What waits for a key, or for a later version of the program, is in the set and not in the inbox.
      if (
        replica.ledger.locked.size > 0 ||
        machine.hasOlderView ||
        this.#witness.purges.isAhead(machine, this.#machines)
      )
        continue;
      const set = setOf(machine, replica);
      hold(
        6,
        (bySet.get(set) ?? inbox.digest) === inbox.digest,
        () => `${machine.name} shows another inbox of the same set`,
      );
      bySet.set(set, inbox.digest);
    }
  }

  /** 8: who was promised a message finds it at once. */
  async checkOwnWrites(): Promise<void> {
    await this.#inboxes.checkOwnWords();
    for (const { machine, id } of this.#witness.takeFresh()) {
      if (machine.running === null || !machine.isDiskQuiet) continue;
      const isThere = await machine.observe(async ({ replica }) => {
        const [row] = await replica.ports.store.rows([messageRowKey(id)]);
        return row !== undefined && messageIsHere(row);
      });
      hold(8, isThere !== false, () => `${machine.name} does not find what it has just written`);
    }
  }

  /** What it holds, beside the logs of a device that signs two histories: of those each keeps what it was shown first. */
  readonly printOf = (machine: Machine): string => {
    const { replica } = machine.running!;
    const { forked } = this.#witness;
    return forked.size === 0 ? replica.fingerprint() : setOf(machine, replica, forked);
  };

  /** Of what some device has evicted only that is compared which all devices have. */
  #textsApart(): ReadonlySet<MessageId> {
    return new Set(this.#machines.flatMap(evictedMessages));
  }

  /** Nothing is missing below a known head, but what a hostile device never showed. */
  isComplete(machine: Machine): boolean {
    const { replica } = machine.running!;
    const states = [...replica.frontier.values()];
    const { forked } = this.#witness;
    return states.every(
      (state) => isComplete(state) || forked.has(state.head.log) || this.#wasNeverShown(state),
    );
  }

  /** A hostile device showed the head, and left before it brought the entries: nobody who is still there holds any of what is missing. */
  #wasNeverShown(state: LogState): boolean {
    const { log } = state.head;
    if (!this.#witness.hostileLogs.has(log)) return false;
    const missing = missingOf(state);
    return this.#machines.every(({ disk }) => {
      const held = disk?.state.logs.get(log)?.state.held ?? [];
      return countOf(subtract(missing, held)) === countOf(missing);
    });
  }

  /** They hold something else of the logs of a hostile device, or heads of it that contradict each other. */
  areAtOdds(machine: Machine, other: Machine): boolean {
    const isOtherSet = setOf(machine, machine.running!.replica) !== setOf(other, other.running!.replica);
    return isOtherSet || [...this.#witness.forked].some((log) => haveOtherRoots(log, machine, other));
  }

  /** How many pairs are at odds. */
  pairsAtOdds(): number {
    if (this.#witness.forked.size === 0) return 0;
    const running = this.#running();
    return running.flatMap((machine, at) =>
      running.slice(at + 1).filter((other) => this.areAtOdds(machine, other)),
    ).length;
  }

  /** What still has to be erased; null: nothing. */
  get pendingPurges(): string | null {
    return this.#purges.pending(this.#running());
  }

  /** Before everything is fetched back: all show the same beside texts that are elsewhere, and each of these has its keeper. */
  async checkKeeping(): Promise<void> {
    this.#witness.keeping.check();
    this.#witness.keeping.checkKept();
    await this.compareInboxes(inboxOf);
  }

  /** Texts that are not on every device. */
  get evictedCount(): number {
    return this.#running().reduce((sum, machine) => sum + this.#wantedBack(machine), 0);
  }

  #wantedBack(machine: Machine): number {
    const { purges } = this.#witness;
    return evictedMessages(machine).filter((id) => !purges.mayBeHidden(machine, id)).length;
  }

  /** Every device that lives shows everything that was promised anywhere, and its trees are those of its entries. */
  async checkEnd(): Promise<void> {
    this.compareSets();
    await this.compareInboxes(inboxOf);
    const running = this.#running();
    const prints = new Set(running.map(this.printOf));
    hold(13, prints.size <= 1, () => `${prints.size} different fingerprints remain`);
    if (this.#witness.forked.size > 0) await this.#checkBeside(running);
    await this.checkPromises(running, this.#machines);
    await this.#purges.checkEnd(running);
    for (const machine of running) {
      await this.#inboxes.checkEnd(machine);
      this.audit(machine);
      const { replica } = machine.running!;
      hold(5, isAsOnDisk(machine, replica), () => `${machine.name} counts what its disk does not hold`);
    }
  }

  /** 4, 6: what a hostile device did to its own logs is told, and changes nothing else that is shown. */
  async #checkBeside(running: readonly Machine[]): Promise<void> {
    const digests = new Set<string>();
    for (const machine of running)
      digests.add((await inboxOf(machine, { beside: HOSTILE_CONVERSATION }))!.digest);
    hold(6, digests.size <= 1, () => `${digests.size} different inboxes beside a hostile device's remain`);
    this.holdForksTold();
    const isFarAhead = ({ head, held }: LogState): boolean =>
      this.#witness.forked.has(head.log) && head.length > (held.at(-1)?.to ?? 0);
    const states = running.flatMap((machine) => [...machine.running!.replica.frontier.values()]);
    if (states.some(isFarAhead)) this.#count("head far ahead taken");
  }

  /** Another device holds another history of the log than this one. */
  isContradictedElsewhere(log: string, machine: Machine): boolean {
    return this.#running().some((other) => this.#isContradicted(log, machine, other));
  }

  /** 4: who holds one of two heads that contradict each other, and is connected to who holds the other, has been told. */
  holdForksTold(): void {
    for (const { machine, isTold } of this.#contradictions())
      hold(4, isTold, () => `${machine.name} was not told that one log has two histories`);
  }

  get areForksTold(): boolean {
    return this.#contradictions().every(({ isTold }) => isTold);
  }

  #contradictions(): readonly { readonly machine: Machine; readonly isTold: boolean }[] {
    const running = this.#running();
    return [...this.#witness.forked].flatMap((log) =>
      running
        .filter((machine) => this.isContradictedElsewhere(log, machine))
        .map((machine) => ({
          machine,
          isTold: this.#witness.forksTold.get(machine)?.has(log) === true,
        })),
    );
  }

  /**
   * Both hold signed heads of one length and different roots: that is evidence. Where they hold the same entries all the same, they have
   * no reason to compare heads as long as they stay connected.
   */
  #isContradicted(log: string, machine: Machine, other: Machine): boolean {
    const [a, b] = [machine, other].map(({ disk }) => disk?.state.logs.get(log as LogId)?.state);
    if (a === undefined || b === undefined || a.head.length !== b.head.length) return false;
    const isSameHeld =
      JSON.stringify(a.held) === JSON.stringify(b.held) && equalBytes(a.prefix.root, b.prefix.root);
    return !isSameHeld && !equalBytes(a.head.root, b.head.root);
  }

  /** 2: these devices show everything that was promised on those. */
  async checkPromises(machines: readonly Machine[], authors: readonly Machine[]): Promise<void> {
    for (const machine of machines) {
      const inbox = await inboxOf(machine);
      const shown = new Map(inbox!.messages.map((message) => [message.id, message]));
      for (const { id, text, machine: author } of this.#witness.promised.values()) {
        if (!authors.includes(author) || this.#witness.purges.mayBeHidden(machine, id)) continue;
        hold(
          2,
          shown.has(id) &&
            (shown.get(id)!.text === text ||
              this.#witness.words.about({ of: "text", message: id }).length > 0),
          () => `${machine.name} does not show a message that ${author.name} was promised`,
        );
      }
    }
  }

  /** What all devices show. */
  async shown(): Promise<string> {
    const inboxes = await Promise.all(this.#running().map((machine) => inboxOf(machine)));
    return inboxes.map((inbox) => inbox?.digest).join(" ");
  }

  /** 5: the trees on a disk are those of the entries beside them, by another implementation than the one under test. */
  audit(machine: Machine): void {
    for (const [log, stored] of machine.disk?.state.logs ?? []) auditLog(machine, log, stored);
  }

  #checkInbox(machine: Machine, inbox: SeenInbox): void {
    const texts = new Set<string>();
    this.#inboxes.checkGrowth(machine, inbox);
    for (const { text, unsentAt, needsUpdate, stored } of inbox.messages) {
      // Of what was evicted only an edit has a text here.
      if (unsentAt !== null || needsUpdate || (!stored.here && text === "")) continue;
      hold(3, this.#witness.written.has(text), () => `${machine.name} shows what nobody wrote`);
      hold(9, !texts.has(text), () => `${machine.name} shows one message twice`);
      texts.add(text);
    }
    const ids = new Set(inbox.messages.map(({ id }) => id as MessageId));
    if (this.#witness.purges.known(machine).length > 0)
      for (const id of ids)
        hold(
          8,
          !this.#witness.purges.mustBeHidden(machine, id),
          () => `${machine.name} shows what is purged`,
        );
    for (const promised of this.#witness.promised.values()) {
      if (promised.machine !== machine || this.#witness.purges.mayBeHidden(machine, promised.id)) continue;
      hold(1, ids.has(promised.id), () => `${machine.name} lost a message that it had promised`);
    }
    for (const [conversation, upTo] of inbox.readUpTo) {
      const name = `${machine.name} ${conversation}`;
      hold(
        8,
        (this.#readUpTo.get(name) ?? "") <= upTo,
        () => `${machine.name} forgot that a conversation was read`,
      );
      this.#readUpTo.set(name, upTo);
    }
  }

  #running(): readonly Machine[] {
    return this.#machines.filter((machine) => machine.running !== null);
  }
}

/** Both hold a head of one length, and the heads have different roots. */
function haveOtherRoots(log: string, machine: Machine, other: Machine): boolean {
  const [a, b] = [machine, other].map(({ disk }) => disk?.state.logs.get(log as LogId)?.state.head);
  return a !== undefined && b !== undefined && a.length === b.length && !equalBytes(a.root, b.root);
}

function auditLog(machine: Machine, log: string, { state, entries }: MemoryLog): void {
  const leaves = [];
  for (let at = 0; at < state.prefix.length; at++) {
    const entry = entries.get(at);
    hold(5, entry !== undefined, () => `${machine.name} lacks an entry that it says it holds`);
    leaves.push(leavesOf([entry])[0]!);
  }
  if (leaves.length === 0) return;
  const root = rootReference(leaves);
  hold(
    5,
    equalBytes(root, state.prefix.root),
    () => `a tree of ${machine.name} is not that of its entries (${log.slice(0, 8)})`,
  );
  if (isComplete(state))
    hold(
      5,
      equalBytes(root, state.head.root),
      () => `a signed root on ${machine.name} is not that of its entries`,
    );
}
