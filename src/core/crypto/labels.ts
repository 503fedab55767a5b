/**
 * The strings that keep one use of a hash, key or signature apart from every other (threat C11). Nothing here hashes.
 * Spec: docs/spec/crypto.md. Tests: test/unit/crypto/labels.test.ts.
 */
import { concat, utf8 } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";

/** A new meaning gets a new string; a string never changes its meaning. */
export const labels = {
  account: "kinlog/v1/account",
  controlId: "kinlog/v1/control-id",
  logId: "kinlog/v1/log-id",
  head: "kinlog/v1/head",
  entry: "kinlog/v1/entry",
  epochId: "kinlog/v1/epoch-id",
  rootSign: "kinlog/v1/root-sign",
  rootOpen: "kinlog/v1/root-open",
  rootOperation: "kinlog/v1/root-operation",
  discoveryTag: "kinlog/v1/discovery-tag",
  linkTag: "kinlog/v1/link-tag",
  linkInitiator: "kinlog/v1/link-initiator",
  linkResponder: "kinlog/v1/link-responder",
  linkKey: "kinlog/v1/link-key",
  handshake: "kinlog/v1/handshake",
  handshakeSelector: "kinlog/v1/handshake-selector",
  possession: "kinlog/v1/possession",
  fingerprint: "kinlog/v1/fingerprint",
  messageId: "kinlog/v1/message-id",
  conversationId: "kinlog/v1/conversation-id",
  reactionId: "kinlog/v1/reaction-id",
  settingId: "kinlog/v1/setting-id",
  wrapInfo: "kinlog/v1/wrap-info",
  recoverySeal: "kinlog/v1/recovery-seal",
  keyFile: "kinlog/v1/key-file",
  nameHint: "kinlog/v1/name-hint",
  deviceSettings: "kinlog/v1/device-settings",
  searchToken: "kinlog/v1/search-token",
  searchKey: "kinlog/v1/search-key",
  searchRow: "kinlog/v1/search-row",
} as const;

const LABEL_BYTES_MAX = 255;

const prefixByLabel: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(labels).map((label) => [label, encodeLabel(label)]),
);

/**
 * `u8 length ‖ label ‖ parts`. The length makes labels prefix-free; the parts are joined as they are, so they must be
 * of fixed sizes or encode their own lengths.
 */
export function labelled(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat(labelPrefix(label), ...parts);
}

/** What `labelled` begins with, for callers that join the parts themselves. */
export function labelPrefix(label: string): Uint8Array {
  return prefixByLabel.get(label) ?? encodeLabel(label);
}

function encodeLabel(label: string): Uint8Array {
  const text = utf8(label);
  assert(text.length > 0 && text.length <= LABEL_BYTES_MAX, "a label has 1 to 255 bytes");
  return concat(Uint8Array.of(text.length), text);
}
