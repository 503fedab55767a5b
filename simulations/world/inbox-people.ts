/** What people do with messages that are there, and with conversations and settings, step by step: the words of words.ts. */
import type { MessageId } from "../../src/core/base/ids.ts";
import { messageRowKey } from "../../src/core/inbox/row-keys.ts";
import type { DeliveryStatus } from "../../src/app/node/types.ts";
import { MARK } from "./canary.ts";
import type { InboxStep, MarkStep, PropertyStep, SettingStep } from "./inbox-plan.ts";
import type { Machine } from "./machine.ts";
import { addressOf } from "./people.ts";
import type { Promised, Witness } from "./witness.ts";
import type { Subject, Words } from "./words.ts";

export interface InboxPeoplesWorld {
  readonly machines: readonly Machine[];
  readonly witness: Witness;
  readonly words: Words;
  /** Something that nobody waits for. What is not an error of everyday life fails the run. */
  readonly begin: (work: Promise<unknown>, name: string) => void;
}

type Done = { readonly done: number };

const EMOJI = ["\u{1f44d}", "\u{2764}\u{fe0f}", "\u{1f602}", "\u{e9}"];
const STATES: readonly DeliveryStatus[] = ["queued", "failed", "sent", "delivered", "read"];
/** What others wrote has none of it. */
const OF_ONES_OWN: ReadonlySet<MarkStep["what"]> = new Set<MarkStep["what"]>(["edit", "unsend", "deliver"]);
/** Odd picks choose among so many of the last. */
const LAST = 8;
const MINUTE_MS = 60_000;
export class InboxPeople {
  readonly #world: InboxPeoplesWorld;
  /** Which message an even pick has come to mean. */
  readonly #picks = new Map<number, Promised>();
  #texts = 0;

  constructor(world: InboxPeoplesWorld) {
    this.#world = world;
  }

  do(step: InboxStep): void {
    const machine = this.#world.machines[step.device]!;
    // The first version of the program has none of this.
    if (machine.running === null || machine.isOlder) return;
    switch (step.kind) {
      case "mark":
        return this.#mark(machine, step);
      case "property":
        return this.#world.begin(this.#setProperty(machine, step), step.what);
      case "setting":
        return this.#world.begin(this.#set(machine, step), "setting");
    }
  }

  #mark(machine: Machine, step: MarkStep): void {
    const message = this.picked(step.pick, OF_ONES_OWN.has(step.what) && step.choice !== 0);
    if (message === undefined) return;
    // The first of them may be what it dies of.
    for (let n = 0; n < step.count && machine.running !== null; n++)
      this.#world.begin(this.#markOne(machine, message, step, step.choice + n), step.what);
  }

  /** `isOwn`: none that somebody else wrote; that is refused, so it is picked now and then. */
  picked(pick: number, isOwn = false): Promised | undefined {
    const at = Math.floor(pick / 2);
    const all = [...this.#world.witness.promised.values()];
    if (pick % 2 === 1) {
      const some = all.filter(({ isReceived }) => !isOwn || !isReceived).slice(-LAST);
      return some[at % some.length];
    }
    const everywhere = all.filter(({ id, isReceived }) => !isReceived && this.#isEverywhere(id));
    const picked = this.#picks.get(pick) ?? everywhere[at % everywhere.length];
    if (picked !== undefined) this.#picks.set(pick, picked);
    return picked;
  }

  #isEverywhere(id: MessageId): boolean {
    const key = messageRowKey(id);
    return this.#world.machines.every(
      ({ running, disk }) => running === null || disk?.state.rows.has(key) === true,
    );
  }

  async #markOne(machine: Machine, { id }: Promised, { what }: MarkStep, choice: number): Promise<void> {
    const { messages } = machine.running!.node;
    switch (what) {
      case "edit": {
        const text = this.#text(machine);
        const edited = (): Promise<Done> => messages.edit(id, text);
        return this.#say(machine, { of: "text", message: id }, "edit", text, edited);
      }
      case "unsend":
        return this.#say(machine, { of: "text", message: id }, "unsend", "", () => messages.unsend(id));
      case "react":
      case "unreact": {
        const emoji = EMOJI[choice % EMOJI.length]!;
        const sender = choice < EMOJI.length ? null : `${MARK} friend`;
        const remove = what === "unreact";
        const options = sender === null ? { remove } : { remove, from: sender };
        return this.#say(
          machine,
          { of: "reaction", message: id, emoji, sender },
          what,
          remove ? "gone" : "there",
          () => messages.react(id, emoji, options),
        );
      }
      case "delete":
      case "restore": {
        const value = what === "delete" ? "bin" : "out";
        return this.#say(machine, { of: "bin", message: id }, what, value, () => messages[what]([id]));
      }
      case "deliver": {
        const state = STATES[choice % STATES.length]!;
        const subject: Subject = { of: "delivery", message: id };
        return this.#say(machine, subject, "deliver", state, () => messages.setStatus(id, state));
      }
    }
  }

  async #setProperty(machine: Machine, { what, conversation, choice }: PropertyStep): Promise<void> {
    const { conversations } = machine.running!.node;
    const address = addressOf(conversation);
    const say = (
      of: Extract<Subject, { conversation: string }>["of"],
      value: string,
      work: () => Promise<Done>,
    ): Promise<void> => this.#say(machine, { of, conversation: address }, what, value, work);
    switch (what) {
      case "title": {
        const title = choice === 0 ? "" : this.#text(machine);
        return say("title", title, () => conversations.title(address, title));
      }
      case "pin":
        return choice < 4
          ? say("pin", "on", () => conversations.pin(address))
          : say("pin", `on ${choice}`, () => conversations.pin(address, { rank: choice }));
      case "unpin":
        return say("pin", "off", () => conversations.unpin(address));
      case "mute": {
        if (choice === 0) return say("mute", "for ever", () => conversations.mute(address));
        const untilMs = machine.wallMs() + choice * MINUTE_MS;
        const until = new Date(untilMs).toISOString();
        return say("mute", String(untilMs), () => conversations.mute(address, { until }));
      }
      case "unmute":
        return say("mute", "0", () => conversations.unmute(address));
      case "archive":
        return say("archive", "on", () => conversations.archive(address));
      case "unarchive":
        return say("archive", "off", () => conversations.unarchive(address));
      case "draft": {
        const text = choice === 0 ? "" : this.#text(machine);
        return say("draft", text, () => conversations.draft(address, text));
      }
      case "participants": {
        const participants = Array.from({ length: choice }, () => this.#text(machine));
        const value = JSON.stringify(participants);
        return say("participants", value, () => conversations.participants(address, participants));
      }
    }
  }

  async #set(machine: Machine, { name: number, choice, scope }: SettingStep): Promise<void> {
    const { settings } = machine.running!.node;
    const name = `${MARK} ${"xyz"[number]}`;
    const value = choice === 0 ? "" : this.#text(machine);
    const ofDevice = scope === "device" ? machine.name : null;
    const set = (): Promise<Done> => settings.set(name, value, { scope });
    return this.#say(machine, { of: "setting", name, ofDevice }, "setting", value, set);
  }

  #say(
    machine: Machine,
    subject: Subject,
    what: string,
    value: string,
    work: () => Promise<Done>,
  ): Promise<void> {
    return this.#world.words.say([subject], machine, { what, value }, work);
  }

  #text(machine: Machine): string {
    const text = `${MARK} ${machine.name} says ${++this.#texts}`;
    this.#world.witness.written.add(text);
    return text;
  }
}
