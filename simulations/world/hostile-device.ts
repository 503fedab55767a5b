/**
 * A member that misuses its keys. It joins as any device does, signs two histories of its messages log, and shows one to some devices and
 * the other to others; now and then it lies in other ways: lying-stream.ts. Both histories are kept by honest programs, each on its own
 * copy of the disk. What must hold then: registers/invariants.ts, and `checkBeside` in judge.ts. Threats L7, C2, C3.
 */
import type { ConversationId, LogId } from "../../src/core/base/ids.ts";
import { messageBounds, messageIsHere, messageOfKey } from "../../src/core/inbox/view.ts";
import { logIdOf } from "../../src/core/crypto/derive.ts";
import type { LogClass } from "../../src/core/log/types.ts";
import type { Frame } from "../../src/core/wire/frames.ts";
import { freshDraft } from "../../src/app/node/fresh-draft.ts";
import { openOwnLogs } from "../../src/app/replica/founding.ts";
import type { Replica } from "../../src/app/replica/replica.ts";
import { Peers } from "../../src/app/sessions/peers.ts";
import { SYNC_PROTOCOL } from "../../src/app/sessions/run-handshake.ts";
import type { MemoryNet } from "../doubles/memory-net.ts";
import { MARK } from "./canary.ts";
import { LyingStream } from "./lying-stream.ts";
import type { Machine } from "./machine.ts";
import { addressOf as conversationAddress } from "./people.ts";
import { CONVERSATIONS } from "./plan.ts";
import type { HostileStep } from "./hostile-plan.ts";
import type { OutsidersWorld } from "./strangers.ts";
import type { Witness } from "./witness.ts";

type Visit = Extract<HostileStep, { kind: "hostile-visit" }>;

/** Nobody else writes in it, so that all the rest can be compared where the histories differ. */
export const HOSTILE_CONVERSATION = `${MARK} nobody`;

const DIAL_MS = 5_000;
const JOIN_AGAIN_MS = 15_000;
const MESSAGES_MAX = 10_000;
/** Messages of each of many purges. */
const FEW = 20;

/** One history, the honest program that keeps it, and its way to others. */
interface History {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly net: MemoryNet;
}

export interface HostileWorld extends OutsidersWorld {
  readonly machines: readonly Machine[];
  readonly witness: Witness;
  readonly count: (path: string) => void;
  /** Two machines for one device. */
  readonly createMachines: () => readonly [Machine, Machine];
}

export class HostileDevice {
  readonly #world: HostileWorld;
  readonly #histories: History[] = [];
  readonly #left = Promise.withResolvers<void>();
  #bodies: readonly [Machine, Machine] | null = null;
  #isGone = false;
  #texts = 0;

  constructor(world: HostileWorld) {
    this.#world = world;
  }

  do(step: HostileStep): void {
    if (step.kind === "hostile-join") return this.#joinSoon(step.device);
    const machine = this.#isOn(step.device);
    const history = this.#histories[step.history];
    if (machine !== undefined && history !== undefined)
      this.#world.begin(this.#visit(history, machine, step), `hostile ${step.lie}`);
  }

  /** The device of this number, or the next one that is on. */
  #isOn(device: number): Machine | undefined {
    const { machines } = this.#world;
    const inTurn = machines.map((_, at) => machines[(device + at) % machines.length]!);
    return inTurn.find(({ running }) => running !== null);
  }

  #joinSoon(device: number): void {
    if (this.#isGone || this.#bodies?.[0].holdsDevice === true) return;
    const machine = this.#isOn(device);
    if (machine !== undefined) this.#world.begin(this.#join(machine), "hostile join");
    this.#world.after(JOIN_AGAIN_MS, () => this.#joinSoon(device + 1));
  }

  /** It is never seen again. */
  leave(): void {
    this.#isGone = true;
    for (const { peers, net } of this.#histories) {
      peers.close();
      net.vanish("told");
    }
    this.#histories.length = 0;
    this.#left.resolve();
  }

  async #join(member: Machine): Promise<void> {
    this.#bodies ??= this.#world.createMachines();
    const [body, twin] = this.#bodies;
    if (body.isOn || body.holdsDevice) return;
    const { node } = member.running!;
    const attempt = await node.devices.link();
    this.#world.begin(
      attempt.request.then(() => attempt.confirm()),
      "hostile confirm",
    );
    try {
      const [address = ""] = node.addresses();
      await body.join({ code: attempt.code, name: `${MARK} ${body.name}`, address });
    } finally {
      await attempt.cancel();
    }
    await body.runOther(async (replica) => {
      await openOwnLogs(replica);
      await this.#write(replica, "both");
      this.#forgive(body, replica);
    });
    twin.shelf.put("db", body.disk!.copy());
    twin.keyPlace.bytes = body.keyPlace.bytes;
    for (const [at, machine] of [body, twin].entries())
      this.#world.begin(
        machine.runOther((replica) => this.#live(replica, at)),
        "hostile life",
      );
    this.#world.count("hostile device joined");
  }

  /**
   * What it signs of its messages may contradict itself, and nobody is to blame for it but itself. Of its other logs it has one history, to which
   * one of its copies alone adds: all devices come to hold the same of these, and to show it. What it left with, none of them can have.
   */
  #forgive(body: Machine, { account, self }: Replica): void {
    const logOf = (logClass: LogClass): LogId => logIdOf({ account, device: self, incarnation: 0, logClass });
    const { witness } = this.#world;
    witness.forgive(body, [logOf("messages")]);
    for (const logClass of ["control", "state"] as const) witness.hostileLogs.add(logOf(logClass));
  }

  async #live(replica: Replica, at: number): Promise<void> {
    const net = this.#world.hub.createNet(`hostile ${at}`);
    const nothing = (): void => undefined;
    const peers = new Peers(replica, {
      connected: nothing,
      disconnected: nothing,
      suspect: nothing,
      equal: nothing,
      acknowledged: nothing,
      evidence: nothing,
      brought: nothing,
      keep: nothing,
      absent: nothing,
      dropped: nothing,
    });
    this.#histories[at] = { replica, peers, net };
    await this.#write(replica, `history ${at}`);
    await this.#left.promise;
  }

  async #visit(history: History, machine: Machine, { lie, forMs, writes }: Visit): Promise<void> {
    const { count, random, after, witness } = this.#world;
    const [address] = machine.running?.node.addresses() ?? [];
    if (address === undefined) return;
    const { peers, net, replica } = history;
    // The other one stays as it is: then their heads have two lengths.
    if (writes) await this.#write(replica, "later");
    if (lie === "purges-all" || lie === "purges-few") await this.#purge(replica, lie);
    const stream = await net.dial(address, SYNC_PROTOCOL, DIAL_MS);
    const told = (frame: Frame): void => {
      if (frame.kind === "evidence" || frame.kind === "evidence-nodes")
        count("hostile device shown its own fork");
      if (frame.kind === "ack" && frame.dropped && lie === "erases") count("erasing without a purge refused");
      if (frame.kind === "need" && lie === "offers-more") count("hostile device asked for what it offered");
    };
    const madeUp = (bytes: Uint8Array): void => witness.mustBeRefused(bytes);
    const lying = new LyingStream(stream, { lie, replica, random, told, madeUp });
    const session = await peers.run(lying, "manual");
    count(`hostile visit ${lie}`);
    after(forMs, () => session?.close("done"));
  }

  /** As much as it likes: what may be erased of it, others decide. */
  async #purge(replica: Replica, lie: "purges-all" | "purges-few"): Promise<void> {
    const [body] = this.#bodies!;
    const rows = await replica.view.rowRange({ ...messageBounds(), reverse: false, limit: MESSAGES_MAX });
    const all = rows.filter(([, row]) => messageIsHere(row)).map(([key]) => messageOfKey(key));
    const count = lie === "purges-all" ? all.length : FEW;
    const addresses = Array.from({ length: CONVERSATIONS }, (_, at) => conversationAddress(at));
    const addressOf = (wanted: ConversationId): Promise<string> => {
      const found = addresses.find((address) => replica.fold!.conversationOf(address) === wanted);
      return Promise.resolve(found ?? HOSTILE_CONVERSATION);
    };
    for (let at = 0; at < all.length; at += Math.max(1, count)) {
      const messages = all.slice(at, at + count);
      const { purges, words } = this.#world.witness;
      purges.want(body, messages);
      // A purge puts into the bin what it names, and leaves it there when it is stopped. Whom it tells of it nobody knows.
      for (const message of messages) words.begin({ of: "bin", message }, body, "hostile purge", "bin");
      await replica.writer.purge({ messages, named: new Set(), addressOf });
      this.#world.count(`hostile device ${lie}`);
    }
  }

  async #write(replica: Replica, what: string): Promise<void> {
    const text = `${MARK} hostile ${what} ${++this.#texts}`;
    this.#world.witness.written.add(text);
    await replica.writer.append([
      freshDraft(replica, {
        kind: "message",
        conversation: HOSTILE_CONVERSATION,
        direction: "out",
        service: "kinlog",
        sender: null,
        text,
        sentAtMs: replica.ports.clock.wallMs(),
        receivedAtMs: null,
        replyTo: null,
        takenIn: false,
        readAtSource: false,
      }),
    ]);
  }
}
