/**
 * `kinlog start`: runs the node until it is told to end. On an empty directory it asks a person what to begin with; where nobody is there, it
 * begins a new account and keeps the phrase until somebody asks for it.
 */
import { hostname } from "node:os";
import type { RunningNode } from "../../src/app/api/run-node.ts";
import type { KinlogEvent } from "../../src/app/node/types.ts";
import type { Context, Run } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { eventLines } from "../output/events.ts";
import { phraseLines } from "../output/phrase.ts";
import { printableLine } from "../output/printable.ts";

export const run: Run = async (context) => {
  const { args, dir, signal } = context;
  const [{ runNode }, { whatToBegin }] = await Promise.all([
    import("../../src/app/api/run-node.ts"),
    import("../first-start.ts"),
  ]);
  const begun = await whatToBegin(context);
  const listen = args.texts("listen");
  const node = await runNode({
    dir,
    name: begun.name ?? args.text("name") ?? (hostname() || "device"),
    ...(listen.length === 0 ? {} : { listen }),
    discovery: args.flag("no-mdns") ? "none" : "mdns",
  });
  const close = (): void => void node.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  for await (const event of node.events) await tell(context, node, event);
  await node.close();
  return EXIT.done;
};

async function tell(context: Context, node: RunningNode, event: KinlogEvent): Promise<void> {
  const { output } = context;
  switch (event.event) {
    case "created":
      await output.event(event, [
        `A new account, with this device as its first: ${printableLine(event.name)}.`,
      ]);
      // Where nobody reads along, the phrase waits for `recovery show`.
      if (output.isTerminal && context.input.isTerminal) await showPhrase(context, node);
      return;
    case "ready":
      await output.event(event, await readyLines(context, node, event));
      return;
    case "message":
      // While much is missing, the progress is told instead.
      if (!event.catchUp) await output.event(event);
      return;
    case "message-changed":
    case "read":
    case "conversation":
      // Who writes with whom does not belong into a service's log: people use `watch`.
      await output.event(event);
      return;
    case "progress":
      await output.progress(event);
      return;
    default:
      await output.event(event, eventLines(event, output.style));
  }
}

async function showPhrase({ output }: Context, node: RunningNode): Promise<void> {
  const { recoveryPhrase } = await node.client.call("recovery.show", {});
  await output.lines(["", ...phraseLines(recoveryPhrase, output.style), ""]);
}

async function readyLines(
  { args, dir, output }: Context,
  node: RunningNode,
  { name, addresses }: Extract<KinlogEvent, { event: "ready" }>,
): Promise<readonly string[]> {
  if (output.isJson || output.isQuiet) return [];
  const { peers, recovery } = await node.client.call("status", {});
  const at = args.text("dir") === undefined ? "" : ` --dir ${dir}`;
  const others = peers.map((peer) => printableLine(peer.name)).join(", ");
  return [
    `${output.style.green("Ready.")} ${output.style.bold(printableLine(name))} runs until Ctrl-C. Its data: ${dir}`,
    ...(addresses.length === 0
      ? []
      : [`Listening on ${addresses.filter(isReachable).map(withoutPeer).join(", ")}`]),
    peers.length === 0
      ? `Next, in a second terminal: \`kinlog link${at}\` shows a code by which another device of yours joins.`
      : `Looking for ${others}.`,
    ...(recovery === "unseen"
      ? [`The recovery phrase has not been shown yet: \`kinlog recovery show${at}\` shows it once.`]
      : []),
  ];
}

/** From another machine, as far as an address tells; one that needs a zone cannot be typed there. */
function isReachable(address: string): boolean {
  return !["/ip4/127.", "/ip6/::1/", "/ip6/fe80:"].some((start) => address.startsWith(start));
}

/** The transport's key is new at each start, so nobody types it. */
function withoutPeer(address: string): string {
  return address.split("/p2p/")[0] ?? address;
}
