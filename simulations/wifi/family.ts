/** Steps that most scenarios take: a first device, linking by a code, waiting for sync, and what two hosts must agree on. */
import { createHash } from "node:crypto";
import type { Conversation, Message, Status } from "../../src/app/node/types.ts";
import type { Host } from "./host.ts";
import { timeUntil } from "./measure.ts";
import type { Wifi } from "./netns.ts";
import type { Stage } from "./stage.ts";

const CODE_MS = 20_000;
const SYNC_MS = 60_000;
/** So that a page of messages stays below the longest line of the local API. */
const PAGE_MESSAGES = 500;

/** A new account with this host's device as its first. */
export async function foundAccount(stage: Stage, host: Host): Promise<void> {
  const made = await host.run<{
    readonly account: string;
    readonly device: string;
    readonly recoveryPhrase: string;
  }>(["init", "--name", host.name]);
  stage.secretIds.add(made.account).add(made.device);
  stage.secretTexts.add(made.recoveryPhrase);
}

/** A code shown by `member` and typed at `newcomer`: found by mDNS, without any address. Both sides say that it worked. */
export async function link(stage: Stage, member: Host, newcomer: Host): Promise<void> {
  const linking = member.begin(["link", "--yes"]);
  linking.endInput();
  const { value } = await linking.line((line) => typeof line.value["code"] === "string", CODE_MS);
  const joined = await newcomer.run<{ readonly device: string; readonly name: string }>([
    "join",
    String(value["code"]),
    "--name",
    newcomer.name,
  ]);
  stage.secretIds.add(joined.device);
  stage.secretTexts.add(String(value["code"])).add(String(value["code"]).split("-").slice(1).join("-"));
  const secret = /[?&]s=([0-9a-f]{32})/.exec(String(value["uri"]))?.[1];
  if (secret !== undefined) stage.secretIds.add(secret);
  const { code, lines } = await linking.ended;
  const last = lines.at(-1)?.value;
  if (code !== 0 || last?.["event"] !== "linked" || last["device"] !== joined.device)
    throw new Error(`link ended with exit ${code}: ${JSON.stringify(last)}`);
}

/** Hosts of one account on one Wi-Fi, running and in sync, with the first `messages` of the corpus. */
export async function makeFamily(
  stage: Stage,
  wifi: Wifi,
  input: { readonly names: readonly string[]; readonly history?: string },
): Promise<readonly Host[]> {
  const hosts: Host[] = [];
  for (const [at, name] of input.names.entries()) {
    const host = await stage.addHost(wifi, `host${at + 1}`, name);
    const first = hosts[0];
    if (first === undefined) await foundAccount(stage, host);
    else await link(stage, first, host);
    if (first === undefined && input.history !== undefined) await host.run(["import", input.history]);
    await host.start();
    hosts.push(host);
  }
  await requireEqual(hosts);
  return hosts;
}

/** How long it took until all hosts show the same fingerprint and say that they are in sync. */
export function timeUntilEqual(hosts: readonly Host[], limitMs: number): Promise<number | undefined> {
  return timeUntil(async () => areEqual(await Promise.all(hosts.map((host) => host.status()))), limitMs);
}

/** The same, and every one of them is connected with every other. */
export function timeUntilTogether(hosts: readonly Host[], limitMs: number): Promise<number | undefined> {
  return timeUntil(async () => {
    const all = await Promise.all(hosts.map((host) => host.status()));
    return (
      areEqual(all) &&
      all.every(({ peers }) => peers.filter(({ online }) => online).length >= hosts.length - 1)
    );
  }, limitMs);
}

function areEqual(all: readonly Status[]): boolean {
  return new Set(all.map(({ fingerprint }) => fingerprint)).size === 1 && all.every(({ inSync }) => inSync);
}

export async function requireEqual(hosts: readonly Host[], limitMs: number = SYNC_MS): Promise<number> {
  const tookMs = await timeUntilEqual(hosts, limitMs);
  if (tookMs === undefined)
    throw new Error(`${hosts.map(({ name }) => name).join(", ")} did not come in sync within ${limitMs} ms`);
  return tookMs;
}

/** Every message of a conversation, oldest first. The host's node runs. */
export async function readConversation(host: Host, conversation: string): Promise<readonly Message[]> {
  let all: readonly Message[] = [];
  for (;;) {
    const before = all[0]?.id;
    const page = await host.node!.request<readonly Message[]>("messages.show", {
      conversation,
      limit: PAGE_MESSAGES,
      ...(before === undefined ? {} : { before }),
    });
    all = [...page, ...all];
    if (page.length < PAGE_MESSAGES) return all;
  }
}

export interface Digest {
  readonly conversations: number;
  readonly messages: number;
  /** Over the texts of every conversation in their order, with who said them and when. */
  readonly hash: string;
}

export async function digestInbox(host: Host): Promise<Digest> {
  const list = await host.node!.request<readonly Conversation[]>("conversations.list", { limit: 100_000 });
  const hash = createHash("sha256");
  let messages = 0;
  for (const conversation of list.map((each) => each.conversation).sort()) {
    const all = await readConversation(host, conversation);
    messages += all.length;
    hash.update(JSON.stringify([conversation, digestMessages(all)]));
  }
  return { conversations: list.length, messages, hash: hash.digest("hex").slice(0, 16) };
}

/** What two devices must show alike; where else a message is stored they see differently. */
export function digestMessages(messages: readonly Message[]): string {
  const shown = messages.map(({ id, order, sender, text, sentAt, direction }) => [
    id,
    order,
    sender,
    text,
    sentAt,
    direction,
  ]);
  return createHash("sha256").update(JSON.stringify(shown)).digest("hex").slice(0, 16);
}
