/**
 * One device in a process of its own, driven over stdin and stdout: a JSON command a line in, a JSON answer a line out. Lets a
 * benchmark measure the real library in real processes, each with its own memory.
 */
import { createInterface } from "node:readline";
import { VIEW } from "../src/app/replica/view-progress.ts";
import { tuneProcess } from "../src/app/node/process-tuning.ts";
import { type KinlogNode, type LinkAttempt, joinAccount, openNode } from "../src/index.ts";

// As the processes of the command line do.
tuneProcess();
const [dir, name] = process.argv.slice(2) as [string, string];
let node: KinlogNode | null = null;
let link: LinkAttempt | null = null;
/** Messages that the next purge is for. */
let picked: string[] = [];

const commands: Readonly<Record<string, (argument: string) => Promise<unknown>>> = {
  open: async (listen) => {
    node = await openNode({
      dir,
      name,
      discovery: "none",
      listen: listen === "" ? ["/ip4/127.0.0.1/tcp/0"] : [listen],
    });
    return node.addresses();
  },
  join: (argument) => {
    const [code, address] = argument.split(" ") as [string, string];
    return joinAccount({ dir, code, name, address });
  },
  link: async () => {
    link = await node!.devices.link();
    void link.request.then(() => link!.confirm());
    return link.code;
  },
  /** From now on as a program whose view is so many versions newer, and that reads those that are so many newer than this one's. */
  raise: async (argument) => {
    const [version, readableSince] = argument.split(" ").map((more) => VIEW.version + Number(more));
    Object.assign(VIEW, { version, readableSince });
  },
  import: (path) => node!.import(path),
  show: async (conversation) => (await node!.messages.show(conversation)).length,
  page: async (argument) => {
    const [conversation, before] = argument.split(" ") as [string, string];
    return (await node!.messages.show(conversation, { before })).length;
  },
  send: (conversation) => node!.messages.send({ conversation, text: "on my way" }),
  /** The newest so many of each of these conversations. */
  pick: async (argument) => {
    const [limit, ...conversations] = argument.split(" ") as [string, ...string[]];
    picked = [];
    for (const conversation of conversations) {
      const shown = await node!.messages.show(conversation, { limit: Number(limit) });
      picked.push(...shown.map(({ id }) => id));
    }
    return picked.length;
  },
  purge: () => node!.messages.purge(picked, { confirmed: true }),
  purges: () => node!.purges.list(),
  search: async (wanted) =>
    (await node!.messages.search(JSON.parse(wanted) as { text: string; conversation?: string })).messages
      .length,
  list: async (limit) => {
    const list = await node!.conversations.list(limit === "" ? {} : { limit: Number(limit) });
    return list.map(({ conversation, unread }) => ({ conversation, unread }));
  },
  connect: (address) => node!.connect(address),
  sync: () => node!.sync({ timeoutMs: 600_000 }),
  status: () => node!.status(),
  memory: async () => Math.round(process.resourceUsage().maxRSS / 1024),
  close: async () => node?.close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const at = line.indexOf(" ");
  const [command, argument] = at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
  const began = performance.now();
  try {
    const result = await commands[command]!(argument);
    console.log(JSON.stringify({ ms: performance.now() - began, result: result ?? null }));
  } catch (error) {
    console.log(
      JSON.stringify({
        error: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error),
      }),
    );
  }
}
process.exit(0);
