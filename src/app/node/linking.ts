/** A link attempt as the library offers it, over the member's side of linking. Rules: docs/spec/link.md. */
import { EngineError } from "../../core/base/errors.ts";
import { linkTag } from "../../core/crypto/discovery.ts";
import { LINK_PROTOCOL } from "../link/link-channel.ts";
import { uriOf } from "../link/link-code.ts";
import { LinkMember } from "../link/link-member.ts";
import type { Replica } from "../replica/replica.ts";
import { timeText } from "./inbox-reader.ts";
import type { NodeNetwork } from "./node-network.ts";
import type { LinkAttempt } from "./types.ts";

/** Opens one code. Only one may be open at a time; `done` resolves when this one is over. */
export async function openLink(input: {
  readonly replica: Replica;
  readonly network: NodeNetwork;
  readonly ownName: string;
  readonly freeName: (wanted: string) => Promise<string>;
  readonly livesMs?: number;
}): Promise<{ readonly attempt: LinkAttempt; readonly done: Promise<void> }> {
  const { replica, network, ownName, freeName, livesMs } = input;
  const member = new LinkMember({
    replica,
    ownName,
    freeName,
    ...(livesMs === undefined ? {} : { livesMs }),
  });
  network.net.handle(LINK_PROTOCOL, (stream) => void member.answer(stream));
  const stopAnswering = await network.meeting.answerAlso(linkTag(member.number)).catch((error: unknown) => {
    member.cancel();
    network.net.handle(LINK_PROTOCOL, null);
    throw error;
  });
  // Nobody finds the way to a code that is over.
  const done = member.done.then(() => {
    network.net.handle(LINK_PROTOCOL, null);
    return stopAnswering();
  });
  const attempt: LinkAttempt = {
    code: member.text,
    uri: uriOf({ number: member.number, qrSecret: member.qrSecret, addresses: network.net.addresses() }),
    expiresAt: timeText(member.expiresAtMs),
    request: member.request,
    confirm: () => member.confirm(),
    refuse: async () => {
      member.refuse();
      await done;
    },
    cancel: async () => {
      member.cancel();
      await done;
    },
  };
  return { attempt, done };
}

/** Thrown where a second code is asked for while one is open. */
export function linkIsOpen(): EngineError {
  return new EngineError("REQUEST_INVALID", "a link code is open already", {
    remedy: "Use that one, or end it first.",
  });
}
