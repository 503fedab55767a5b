/** What people do, step by step, on whatever device is on; and what they are promised when a call returns. */
import { isEngineError } from "../../src/core/base/errors.ts";
import type { DeviceId, MessageId } from "../../src/core/base/ids.ts";
import type { TakenInRecord } from "../../src/core/inbox/import-types.ts";
import type { LinkAttempt } from "../../src/app/node/types.ts";
import type { Backups } from "./backups.ts";
import { MARK } from "./canary.ts";
import type { Machine } from "./machine.ts";
import { writeUnknown } from "./newer-version.ts";
import { CONVERSATIONS } from "./plan.ts";
import { messagesIn } from "./seen.ts";
import type { PeopleStep } from "./steps.ts";
import { WALL_FROM_MS } from "./time.ts";
import type { Witness } from "./witness.ts";
import type { Subject } from "./words.ts";

export interface PeoplesWorld {
  readonly machines: readonly Machine[];
  readonly witness: Witness;
  readonly count: (path: string) => void;
  /** After so long, unless the world has ended. */
  readonly after: (delayMs: number, work: () => void) => void;
  /** Something that nobody waits for. What is not an error of everyday life fails the run. */
  readonly begin: (work: Promise<unknown>, name: string) => void;
  readonly powerOn: (machine: Machine) => void;
}

type Done = { readonly done: number };

/** How long a person takes to say yes. */
const THINK_MS = 1_500;
const STARTS_AGAIN_MS = 60_000;
const BACKUP_RECORDS = 12;
/** Whom the archives know. */
const CONTACTS = [0, 1];

export class People {
  readonly #world: PeoplesWorld;
  readonly #importedOn = new Map<number, Set<Machine>>();
  /** Every device that somebody said yes to. */
  readonly #admitted = new Set<DeviceId>();
  #texts = 0;

  constructor(world: PeoplesWorld) {
    this.#world = world;
  }

  do(step: PeopleStep): void {
    const { machines, begin } = this.#world;
    const machine = machines[step.device]!;
    if (machine.running === null && step.kind !== "upgrade") return;
    switch (step.kind) {
      case "send":
        for (let n = 0; n < step.count; n++)
          begin(this.send(machine, step.conversation, step.isReceived), "send");
        return;
      case "chatter":
        return this.#chatter(machine, step, 0);
      case "link":
        return begin(this.#link(machine, machines[step.joiner]!, step), "link");
      case "absence":
        return begin(this.#leave(machine, step.forMs), "absence");
      case "newer-version":
        return begin(this.#runNewer(machine, step), "newer version");
      case "upgrade":
        return begin(this.upgrade(machine), "upgrade");
      case "verify":
        return begin(this.verify(machine), "verify");
      default:
        return begin(this.#tidy(machine, step), step.kind);
    }
  }

  async verify(machine: Machine): Promise<void> {
    const { running } = machine;
    if (running === null) return;
    machine.isRepairing = true;
    const { bad, repaired } = await running.node.verify({ repair: true }).finally(() => {
      if (machine.running === running) machine.isRepairing = false;
    });
    if (bad > 0) this.#world.count("damage found by verify");
    if (repaired > 0) this.#world.count("damage repaired from a sibling");
  }

  /** Its id once it is promised; null where nothing runs. */
  async send(machine: Machine, conversation: number, isReceived: boolean): Promise<MessageId | null> {
    const { witness } = this.#world;
    const address = addressOf(conversation);
    const text = `${MARK} ${machine.name} ${++this.#texts}`;
    witness.written.add(text);
    const from = isReceived ? { from: address } : {};
    const { running } = machine;
    if (running === null) return null;
    const { id } = await running.node.messages.send({ conversation: address, text, ...from });
    witness.promise({ id: id as MessageId, machine, conversation: address, text, isReceived });
    return id as MessageId;
  }

  #chatter(machine: Machine, step: Extract<PeopleStep, { kind: "chatter" }>, saidMs: number): void {
    const { begin, after } = this.#world;
    if (saidMs >= step.forMs) return;
    begin(this.send(machine, step.conversation, false), "chatter");
    after(step.everyMs, () => this.#chatter(machine, step, saidMs + step.everyMs));
  }

  async #tidy(
    machine: Machine,
    step: Extract<
      PeopleStep,
      { kind: "read" | "unread" | "delete" | "restore" | "clear" | "rename" | "import" }
    >,
  ): Promise<void> {
    const { node } = machine.running!;
    switch (step.kind) {
      case "read":
      case "unread": {
        const conversation = addressOf(step.conversation);
        const subject: Subject = { of: "unread", conversation };
        const work = (): Promise<Done> => node.conversations[step.kind](conversation);
        return this.#world.witness.words.say([subject], machine, { what: step.kind, value: step.kind }, work);
      }
      case "clear":
        return this.#clear(machine, addressOf(step.conversation));
      case "delete":
      case "restore": {
        const ids = [...this.#world.witness.promised.keys()];
        if (ids.length === 0) return;
        const picked = Array.from({ length: step.count }, (_, at) => ids[(step.pick + at * 7) % ids.length]!);
        return this.#moveToBin(machine, step.kind, [...new Set(picked)]);
      }
      case "rename":
        await node.devices.rename(
          this.#world.machines[step.target]!.device ?? "nobody",
          `${MARK} ${machine.name} ${++this.#texts}`,
        );
        return;
      case "import":
        for (const at of CONTACTS) {
          const subject: Subject = { of: "title", conversation: addressOf(at) };
          // Of a conversation that has a title it says nothing.
          this.#world.witness.words.begin(subject, machine, "import", contactOf(at));
        }
        await node.import(`backup ${step.backup}`);
        this.#imported(step.backup, machine);
    }
  }

  #moveToBin(machine: Machine, what: "delete" | "restore", ids: readonly MessageId[]): Promise<void> {
    const subjects = ids.map((message): Subject => ({ of: "bin", message }));
    const { node } = machine.running!;
    const value = what === "delete" ? "bin" : "out";
    return this.#world.witness.words.say(subjects, machine, { what, value }, () => node.messages[what](ids));
  }

  /** Of which messages it says something only the device knows. */
  /** Into the bin goes all that the conversation holds, also what was taken in, which nobody was promised. */
  async #clear(machine: Machine, conversation: string): Promise<void> {
    const { promised, words } = this.#world.witness;
    const { node, replica } = machine.running!;
    const id = replica.fold!.conversationOf(conversation);
    const sent = [...promised.values()].filter((message) => message.conversation === conversation);
    const said = new Set([...sent.map((message) => message.id), ...messagesIn(machine, id)]);
    const say = (message: MessageId): unknown => words.begin({ of: "bin", message }, machine, "clear", "bin");
    said.forEach(say);
    await node.conversations.delete(conversation, { confirmed: true });
    // What came meanwhile may have gone with the rest.
    for (const message of messagesIn(machine, id, "bin")) if (!said.has(message)) say(message);
  }

  #imported(backup: number, machine: Machine): void {
    const machines = this.#importedOn.get(backup) ?? new Set<Machine>();
    this.#importedOn.set(backup, machines);
    const before = machines.size;
    if (machines.add(machine).size === 2 && before === 1) this.#world.count("one backup on two devices");
  }

  async #leave(machine: Machine, forMs: number): Promise<void> {
    await machine.stop();
    this.#world.after(forMs, () => this.#world.powerOn(machine));
  }

  /** From the older version of the program to this one. */
  async upgrade(machine: Machine): Promise<void> {
    if (!machine.isOlder) return;
    if (machine.running === null) machine.kill("told");
    await machine.stop();
    machine.upgrade();
    if (machine.passedOver > 0) this.#world.count("unknown kind folded after an upgrade");
    this.#world.powerOn(machine);
  }

  async #runNewer(machine: Machine, { what }: Extract<PeopleStep, { kind: "newer-version" }>): Promise<void> {
    const { witness, powerOn, count } = this.#world;
    if (machine.isOlder) return;
    await machine.stop();
    try {
      await machine.runOther(async (replica) => {
        const place = await writeUnknown(replica, what, addressOf(0));
        if (place === null) return;
        witness.unknown.add(place);
        count("unknown kind written");
      });
    } finally {
      powerOn(machine);
    }
  }

  async #link(
    member: Machine,
    joiner: Machine,
    { code, isRefused, diesAtCall }: Extract<PeopleStep, { kind: "link" }>,
  ): Promise<void> {
    if (joiner.isOn || joiner.holdsDevice) return;
    const { node } = member.running!;
    const attempt = await node.devices.link();
    this.#world.begin(this.#answer(member, attempt, isRefused), "confirm");
    try {
      const joining = joiner.join({
        code: code === "qr" ? attempt.uri : code === "wrong" ? wrongCode(attempt.code) : attempt.code,
        name: `${MARK} ${joiner.name}`,
        ...(code === "address" ? { address: node.addresses()[0] ?? "" } : {}),
      });
      if (diesAtCall > 0) {
        joiner.killAfter(diesAtCall);
        // Its own promise never settles then.
        this.#world.after(STARTS_AGAIN_MS, () => this.#world.powerOn(joiner));
      }
      await joining;
      this.#world.count("linked");
    } catch (error) {
      if (isEngineError(error)) this.#world.count(`join failed ${error.code}`);
      throw error;
    } finally {
      await attempt.cancel();
      this.#world.powerOn(joiner);
    }
  }

  async #answer(member: Machine, attempt: LinkAttempt, isRefused: boolean): Promise<void> {
    await attempt.request;
    await new Promise<void>((resolve) => this.#world.after(THINK_MS, resolve));
    if (isRefused) return attempt.refuse();
    const { device } = await attempt.confirm();
    const known = member.running?.replica.members.devices;
    if (known !== undefined && [...this.#admitted].some((other) => !known.has(other)))
      this.#world.count("two admissions at once");
    this.#admitted.add(device as DeviceId);
  }
}

export function addressOf(conversation: number): string {
  return `${MARK} ${"abcdefghij"[conversation % CONVERSATIONS]}`;
}

function contactOf(at: number): string {
  return `${MARK} contact ${at}`;
}

/** The same archives for everybody. */
export function fillBackups(backups: Backups, written: Set<string>, count: number): void {
  for (let backup = 0; backup < count; backup++) {
    const records = Array.from({ length: BACKUP_RECORDS }, (_, at): TakenInRecord => {
      const text = `${MARK} backup ${backup} ${at}`;
      written.add(text);
      const isOut = at % 3 === 0;
      return {
        kind: "taken-in",
        service: "sms",
        box: isOut ? "out" : "in",
        address: addressOf(at % CONTACTS.length),
        sender: isOut ? null : addressOf(at % CONTACTS.length),
        contactName: contactOf(at % CONTACTS.length),
        text,
        timeMs: WALL_FROM_MS - 1_000_000 * (at + 1),
        sentAtMs: WALL_FROM_MS - 1_000_000 * (at + 1),
        receivedAtMs: null,
        read: at % 4 === 0,
        attachmentHashes: [],
        line: at + 1,
      };
    });
    backups.put(`backup ${backup}`, records);
  }
}

function wrongCode(code: string): string {
  const [number, first, second] = code.split("-");
  return `${number}-${first}-${second === "zoo" ? "zone" : "zoo"}`;
}
