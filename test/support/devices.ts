/** Devices of one account as real nodes on loopback, each in a directory of its own. Nothing here looks at the network for others. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinAccount } from "../../src/app/node/join-account.ts";
import { initAccount, openNode } from "../../src/app/node/open-node.ts";
import type { EventKind, KinlogEvent, KinlogNode } from "../../src/app/node/types.ts";

export const LOOPBACK = "/ip4/127.0.0.1/tcp/0";

export class TestDevices {
  readonly root: string;
  readonly #nodes = new Set<KinlogNode>();

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<TestDevices> {
    return new TestDevices(await mkdtemp(join(tmpdir(), "kinlog-devices-")));
  }

  get running(): readonly KinlogNode[] {
    return [...this.#nodes];
  }

  dir(name: string): string {
    return join(this.root, name);
  }

  /** A new account with one running device. */
  async found(name: string): Promise<KinlogNode> {
    await initAccount({ dir: this.dir(name), name });
    return this.start(name);
  }

  async start(name: string, listen: string = LOOPBACK): Promise<KinlogNode> {
    const node = await openNode({ dir: this.dir(name), name, listen: [listen], discovery: "none" });
    this.#nodes.add(node);
    return node;
  }

  async stop(...nodes: readonly KinlogNode[]): Promise<void> {
    for (const node of nodes) {
      this.#nodes.delete(node);
      await node.close();
    }
  }

  /** Links a new device through `member`, without starting it. */
  async join(member: KinlogNode, name: string): Promise<Awaited<ReturnType<typeof joinAccount>>> {
    const attempt = await member.devices.link();
    const joining = joinAccount({
      dir: this.dir(name),
      code: attempt.code,
      name,
      address: addressOf(member),
    });
    // The first failure tells why; the other side's is its echo.
    const [joined] = await Promise.all([joining, attempt.request.then(() => attempt.confirm())]);
    return joined;
  }

  /** Links and starts a new device, and connects it. */
  async add(member: KinlogNode, name: string): Promise<KinlogNode> {
    await this.join(member, name);
    const node = await this.start(name);
    await node.connect(addressOf(member));
    return node;
  }

  async cleanup(): Promise<void> {
    await this.stop(...this.running);
    await rm(this.root, { recursive: true, force: true });
  }
}

export function addressOf(node: KinlogNode): string {
  const [address] = node.addresses();
  if (address === undefined) throw new Error("the node listens nowhere");
  return address;
}

/** Resolves with what `look` finds, looking now and after each event of the node. */
export async function eventually<Found>(
  node: KinlogNode,
  look: () => Promise<Found | undefined | false>,
): Promise<Found> {
  const controller = new AbortController();
  const events = node.events({ signal: controller.signal })[Symbol.asyncIterator]();
  try {
    for (let found = await look(); ; found = await look()) {
      if (found !== undefined && found !== false) return found;
      const { done } = await events.next();
      if (done === true) throw new Error("the node ended before it came to that");
    }
  } finally {
    controller.abort();
  }
}

/** The first event of a kind from now on that passes; begin to wait before what causes it. */
export async function nextEvent<Kind extends EventKind>(
  node: KinlogNode,
  kind: Kind,
  passes: (event: Extract<KinlogEvent, { event: Kind }>) => boolean = () => true,
): Promise<Extract<KinlogEvent, { event: Kind }>> {
  const controller = new AbortController();
  const events = node.events({ kinds: [kind], signal: controller.signal });
  for await (const event of events) {
    const found = event as Extract<KinlogEvent, { event: Kind }>;
    if (!passes(found)) continue;
    controller.abort();
    return found;
  }
  throw new Error(`the node ended without such a ${kind}`);
}

/** Collects events from now on; ends with the node or `stop`. */
export function collectEvents(
  node: KinlogNode,
  kinds: readonly EventKind[],
): { readonly events: KinlogEvent[]; readonly stop: () => Promise<void> } {
  const controller = new AbortController();
  const events: KinlogEvent[] = [];
  const reading = (async () => {
    for await (const event of node.events({ kinds, signal: controller.signal })) events.push(event);
  })();
  return {
    events,
    stop: async () => {
      controller.abort();
      await reading;
    },
  };
}
