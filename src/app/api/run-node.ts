/**
 * A node that others can ask: the node and its socket, from the first to the last. Also the place where an untouched account gives way to
 * another while the node runs. Part of the composition root. Tests: test/integration/cli.
 */
import { EngineError } from "../../core/base/errors.ts";
import { hasAccount, openNode } from "../node/open-node.ts";
import { machineClock } from "../node/platform.ts";
import { tuneProcess } from "../node/process-tuning.ts";
import type { KinlogEvent, KinlogNode, OpenNodeOptions } from "../node/types.ts";
import { createLocalClient } from "./local-client.ts";
import type { Dispatch, MethodHost } from "./method-entry.ts";
import { createDispatch } from "./methods.ts";
import { timeNow } from "./progress.ts";
import type { ApiClient, ApiMethods } from "./protocol.ts";
import { connectApi } from "./socket-client.ts";
import { serveSocket, type SocketServer } from "./socket-server.ts";
import { whileBusy } from "./while-busy.ts";

export interface RunningNode {
  /** Asks this node; closing it closes the node. */
  readonly client: ApiClient;
  /** `created` and `ready` first; then what happens, until the node has closed. Read once. */
  readonly events: AsyncIterable<KinlogEvent>;
  /** Ends the node cleanly; also done by the API's `stop`. Resolves when the directory is free. */
  readonly close: () => Promise<void>;
}

/**
 * @throws EngineError `NODE_RUNNING` where another process runs one, `STORE_BUSY` where a command held the store for ten seconds, and what
 * `openNode` throws.
 */
export async function runNode(options: OpenNodeOptions): Promise<RunningNode> {
  tuneProcess();
  const { dir } = options;
  let isNew = false;
  const node = await whileBusy(async () => {
    const other = await connectApi(dir);
    if (other !== undefined) {
      await other.close();
      throw new EngineError("NODE_RUNNING", "a node runs for this directory already");
    }
    isNew = !(await hasAccount(dir));
    return openNode(options);
  });
  const runner = new Runner(options, node, isNew);
  try {
    await runner.listen();
  } catch (error) {
    await node.close();
    throw error;
  }
  const close = (): Promise<void> => runner.finish();
  return { client: createLocalClient(runner.dispatch, close), events: runner.events(), close };
}

class Runner {
  readonly dispatch: Dispatch;
  readonly #options: OpenNodeOptions;
  readonly #isNew: boolean;
  /** Null while another account takes the place of this one. */
  #node: KinlogNode | null;
  /** Begun with the node, so that nothing is missed before the first event is read. */
  #stream: AsyncIterable<KinlogEvent>;
  #server: SocketServer | null = null;
  #joining: Promise<unknown> | null = null;
  /** Settles when the next node stands in the place of the one that gave way. */
  #replaced: PromiseWithResolvers<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: OpenNodeOptions, node: KinlogNode, isNew: boolean) {
    this.#options = options;
    this.#isNew = isNew;
    this.#node = node;
    this.#stream = node.events();
    this.dispatch = createDispatch({
      node: () => this.#openNode(),
      successor: (former) => this.#successor(former),
      clock: machineClock,
      stop: () => this.#close(),
      join: (params, call) => this.#join(params, call),
    });
  }

  async listen(): Promise<void> {
    this.#server = await serveSocket(this.#options.dir, this.dispatch);
  }

  async *events(): AsyncGenerator<KinlogEvent, void, undefined> {
    const { account, device, name } = this.#openNode();
    if (this.#isNew) yield { event: "created", at: timeNow(machineClock), account, device, name };
    while (this.#node !== null) {
      yield this.#ready(this.#node);
      for await (const event of this.#stream) {
        // The node goes on with another account.
        if (event.event !== "stopped" || this.#replaced === null) yield event;
      }
      if (this.#replaced === null) return;
      await this.#replaced.promise;
      this.#replaced = null;
    }
    yield { event: "stopped", at: timeNow(machineClock) };
  }

  /** Ends the node; resolves when everyone who asked for it knows. */
  async finish(): Promise<void> {
    await this.#close();
    await this.#server?.close();
  }

  /** Resolves when the directory is free; what ends with the node is answered after that. */
  #close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#server?.drain();
      // It was broken off; who asked for it has been told.
      await this.#joining?.catch(() => undefined);
      await this.#node?.close();
    })();
    return this.#closing;
  }

  async #join(
    params: ApiMethods["join"]["params"],
    call: Parameters<MethodHost["join"]>[1],
  ): Promise<ApiMethods["join"]["result"]> {
    const node = this.#openNode();
    const { peers, messages } = await node.status();
    if (peers.length > 0 || messages > 0) {
      throw new EngineError("ACCOUNT_EXISTS", "the account of this directory has been used already");
    }
    const joining = this.#replaceAccount(node, params, call);
    this.#joining = joining;
    try {
      return await joining;
    } finally {
      this.#joining = null;
    }
  }

  /**
   * While no node is open, the socket stays: whoever comes is sent away, and nobody opens the store by himself. So nothing is written to the
   * old account between the look at it and its end. Fails it, the old account goes on.
   */
  async #replaceAccount(
    node: KinlogNode,
    params: ApiMethods["join"]["params"],
    { signal, onProgress }: Parameters<MethodHost["join"]>[1],
  ): Promise<ApiMethods["join"]["result"]> {
    const replaced = Promise.withResolvers<void>();
    // Also where nobody reads events.
    replaced.promise.catch(() => undefined);
    this.#replaced = replaced;
    this.#node = null;
    const { dir } = this.#options;
    try {
      await node.close();
      const { joinAccount } = await import("../node/join-account.ts");
      return await joinAccount({ ...params, dir, signal, onProgress });
    } finally {
      await this.#reopen().then(replaced.resolve, replaced.reject);
    }
  }

  async #reopen(): Promise<void> {
    if (this.#closing !== null) return;
    // The name is the account's matter now.
    const { name: _name, ...options } = this.#options;
    const node = await openNode(options);
    this.#stream = node.events();
    this.#node = node;
  }

  async #successor(node: KinlogNode): Promise<KinlogNode | null> {
    // A failure to go on is told by the events of the node itself.
    await this.#replaced?.promise.catch(() => undefined);
    return this.#node === node || this.#closing !== null ? null : this.#node;
  }

  #openNode(): KinlogNode {
    if (this.#node === null) {
      throw new EngineError("NODE_CLOSED", "the node is just being linked to another account", {
        remedy: "Run the command again in a moment.",
      });
    }
    return this.#node;
  }

  #ready(node: KinlogNode): KinlogEvent {
    const { device, name } = node;
    const socket = this.#server?.path;
    const api = socket === undefined ? null : { socket };
    const at = timeNow(machineClock);
    return { event: "ready", at, device, name, addresses: node.addresses(), api };
  }
}
