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

/** Opens one code. Only one is open at a time: `busy` says whether. */
export async function openLink(input: {
  readonly replica: Replica;
  readonly network: NodeNetwork;
  readonly ownName: string;
  readonly freeName: (wanted: string) => Promise<string>;
  readonly livesMs?: number;
}): Promise<LinkAttempt> {
  const { replica, network, ownName, freeName, livesMs } = input;
  const member = new LinkMember({
    replica,
    ownName,
    freeName,
    ...(livesMs === undefined ? {} : { livesMs }),
  });
  network.net.handle(LINK_PROTOCOL, (stream) => void member.answer(stream));
  const stopAnswering = await network.meeting.answerAlso(linkTag(member.number));
  const end = async (): Promise<void> => {
    network.net.handle(LINK_PROTOCOL, null);
    await stopAnswering();
  };
  // Nobody finds the way to a code that is over.
  member.request.catch(() => void end());
  return {
    code: member.text,
    uri: uriOf({ number: member.number, qrSecret: member.qrSecret, addresses: network.net.addresses() }),
    expiresAt: timeText(member.expiresAtMs),
    request: member.request,
    confirm: async () => {
      try {
        return await member.confirm();
      } finally {
        await end();
      }
    },
    refuse: async () => {
      await member.refuse();
      await end();
    },
    cancel: async () => {
      if (member.over) return;
      member.cancel();
      await end();
    },
  };
}

/** Thrown where a second code is asked for while one is open. */
export function linkIsOpen(): EngineError {
  return new EngineError("REQUEST_INVALID", "a link code is open already", {
    remedy: "Use that one, or end it first.",
  });
}
