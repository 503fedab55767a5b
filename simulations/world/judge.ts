/**
 * Compares devices with each other, and with what people were promised. During a run: what must hold at every moment. At its end, when
 * all faults are over: that all hold, show and know the same, that nothing promised is missing, and that they fall silent.
 */
import { rootReference } from "../../test/support/merkle-reference.ts";
import { equalBytes } from "../../src/core/base/bytes.ts";
import { messageIsHere, messageRowKey } from "../../src/core/inbox/view.ts";
import { leavesOf } from "../../src/core/log/header.ts";
import { isComplete } from "../../src/core/log/state.ts";
import type { MemoryLog } from "../doubles/memory-disk.ts";
import type { Machine } from "./machine.ts";
import { InboxJudge } from "./inbox-judge.ts";
import { inboxOf, type SeenInbox, isAsOnDisk, setOf } from "./seen.ts";
import { hold } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** Streams of one program, and dials under way: what strangers and siblings together can make it have (docs/security.md). */
const STREAMS_MAX = 200;
const DIALS_MAX = 40;

export class Judge {
  readonly #witness: Witness;
  readonly #machines: readonly Machine[];
  readonly #inboxes: InboxJudge;
  /** How far each device had read each conversation when it was last looked at. */
  readonly #readUpTo = new Map<string, string>();

  constructor(witness: Witness, machines: readonly Machine[]) {
    this.#witness = witness;
    this.#machines = machines;
    this.#inboxes = new InboxJudge(witness);
  }

  /** Cheap enough to be asked every few events: sets and fingerprints, limits. */
  compareSets(): void {
    const byPrint = new Map<string, string>();
    const bySet = new Map<string, string>();
    for (const machine of this.#running()) {
      const { replica, net } = machine.running!;
      hold(
        14,
        net.openStreams() <= STREAMS_MAX && net.dialling() <= DIALS_MAX,
        () => `${machine.name} has ${net.openStreams()} streams and ${net.dialling()} dials`,
      );
      if (machine.isRepairing || !machine.isDiskQuiet || !isAsOnDisk(machine, replica)) continue;
      const print = `${replica.account} ${replica.fingerprint()}`;
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
  async compareInboxes(): Promise<void> {
    const bySet = new Map<string, string>();
    for (const machine of this.#running()) {
      const { replica } = machine.running!;
      // A page with a damaged entry in it is refused, and `verify` says where it stands; a poisoned store refuses everything. What is
      // not durable yet is shown, and in no set.
      if (machine.isRepairing || machine.disk!.damagedCount > 0 || !machine.isDiskQuiet) continue;
      const inbox = await inboxOf(machine);
      if (inbox === undefined) continue;
      this.#checkInbox(machine, inbox);
      // What waits for a key, or for a later version of the program, is in the set and not in the inbox.
      if (replica.ledger.locked.size > 0 || machine.isOlder) continue;
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

  /** Every device that lives shows everything that was promised anywhere, and its trees are those of its entries. */
  async checkEnd(): Promise<void> {
    this.compareSets();
    await this.compareInboxes();
    const running = this.#running();
    const prints = new Set(running.map((machine) => machine.running!.replica.fingerprint()));
    hold(13, prints.size <= 1, () => `${prints.size} different fingerprints remain`);
    await this.checkPromises(running, this.#machines);
    for (const machine of running) {
      await this.#inboxes.checkEnd(machine);
      this.audit(machine);
      const { replica } = machine.running!;
      hold(5, isAsOnDisk(machine, replica), () => `${machine.name} counts what its disk does not hold`);
    }
  }

  /** 2: these devices show everything that was promised on those. */
  async checkPromises(machines: readonly Machine[], authors: readonly Machine[]): Promise<void> {
    for (const machine of machines) {
      const inbox = await inboxOf(machine);
      const shown = new Map(inbox!.messages.map((message) => [message.id, message]));
      for (const { id, text, machine: author } of this.#witness.promised.values()) {
        if (!authors.includes(author)) continue;
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
    const inboxes = await Promise.all(this.#running().map(inboxOf));
    return inboxes.map((inbox) => inbox?.digest).join(" ");
  }

  /** 5: the trees on a disk are those of the entries beside them, by another implementation than the one under test. */
  audit(machine: Machine): void {
    for (const [log, stored] of machine.disk?.state.logs ?? []) auditLog(machine, log, stored);
  }

  #checkInbox(machine: Machine, inbox: SeenInbox): void {
    const texts = new Set<string>();
    this.#inboxes.checkGrowth(machine, inbox);
    for (const { text, unsentAt, needsUpdate } of inbox.messages) {
      if (unsentAt !== null || needsUpdate) continue;
      hold(3, this.#witness.written.has(text), () => `${machine.name} shows what nobody wrote`);
      hold(9, !texts.has(text), () => `${machine.name} shows one message twice`);
      texts.add(text);
    }
    const ids = new Set(inbox.messages.map(({ id }) => id));
    for (const promised of this.#witness.promised.values()) {
      if (promised.machine !== machine) continue;
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
