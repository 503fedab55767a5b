/**
 * The methods of the local API for what people do with messages: each with what it takes and what of the node it calls. The others, and what
 * runs them: methods.ts. Spec: docs/spec/api.md. Tests: test/unit/api/methods.test.ts.
 */
import { DELIVERY_STATES, PARTICIPANTS_MAX } from "../../core/inbox/types.ts";
import type { SettingScope } from "../node/types.ts";
import type { MethodEntry } from "./method-entry.ts";
import { flag, list, oneOf, optional, shortText, text, whole } from "./params.ts";
import { progressOf } from "./progress.ts";
import type { MethodName } from "./protocol.ts";

type InboxMethod = Extract<MethodName, `${"messages" | "conversations" | "purges" | "settings"}.${string}`>;

const ID_CHARACTERS_MAX = 64;
const IDS_MAX = 10_000;
const LIST_MAX = 100_000;
const RANK_MAX = 2 ** 48 - 1;

const id = shortText({ charactersMax: ID_CHARACTERS_MAX });
const ids = list(id, { min: 1, max: IDS_MAX });
const limit = optional(whole({ min: 1, max: LIST_MAX }));
const scope = optional(oneOf<SettingScope>(["account", "device"]));

export const INBOX_METHODS: { readonly [Name in InboxMethod]: MethodEntry<Name> } = {
  "messages.send": {
    fields: { conversation: text, text, from: optional(text), replyTo: optional(id) },
    run: ({ node }, message) => node.messages.send(message),
  },
  "messages.show": {
    fields: { conversation: text, limit, before: optional(id), deleted: optional(flag) },
    run: ({ node }, { conversation, ...options }) => node.messages.show(conversation, options),
  },
  "messages.search": {
    fields: { text, conversation: optional(text), limit, before: optional(id) },
    run: async (running, wanted) => {
      const { node, call } = running;
      const { messages, ...page } = await node.messages.search(wanted, { onProgress: progressOf(running) });
      await call.emit({ event: "page", ...page });
      return messages;
    },
  },
  "messages.delete": {
    fields: { ids, confirmed: optional(flag) },
    run: ({ node }, { ids: named, ...options }) => node.messages.delete(named, options),
  },
  "messages.restore": { fields: { ids }, run: ({ node }, params) => node.messages.restore(params.ids) },
  "messages.purge": {
    fields: { ids, confirmed: optional(flag) },
    run: ({ node }, { ids: named, ...options }) => node.messages.purge(named, options),
  },
  "messages.edit": {
    fields: { id, text },
    run: ({ node }, params) => node.messages.edit(params.id, params.text),
  },
  "messages.unsend": { fields: { id }, run: ({ node }, params) => node.messages.unsend(params.id) },
  "messages.react": {
    fields: { id, emoji: text, remove: optional(flag), from: optional(text) },
    run: ({ node }, { id: message, emoji, ...options }) => node.messages.react(message, emoji, options),
  },
  "messages.setStatus": {
    fields: { id, status: oneOf(DELIVERY_STATES) },
    run: ({ node }, params) => node.messages.setStatus(params.id, params.status),
  },
  "messages.fetch": {
    fields: { ids },
    lasts: "waiting",
    run: ({ node }, params) => node.messages.fetch(params.ids),
  },
  "messages.history": { fields: { id }, run: ({ node }, params) => node.messages.history(params.id) },
  "conversations.list": {
    fields: { limit, archived: optional(flag) },
    run: ({ node }, options) => node.conversations.list(options),
  },
  "conversations.read": {
    fields: { conversation: text },
    run: ({ node }, { conversation }) => node.conversations.read(conversation),
  },
  "conversations.unread": {
    fields: { conversation: text },
    run: ({ node }, { conversation }) => node.conversations.unread(conversation),
  },
  "conversations.delete": {
    fields: { conversation: text, before: optional(id), confirmed: optional(flag) },
    run: ({ node }, { conversation, ...options }) => node.conversations.delete(conversation, options),
  },
  "conversations.title": {
    fields: { conversation: text, title: text },
    run: ({ node }, { conversation, title }) => node.conversations.title(conversation, title),
  },
  "conversations.pin": {
    fields: { conversation: text, rank: optional(whole({ min: 0, max: RANK_MAX })) },
    run: ({ node }, { conversation, ...options }) => node.conversations.pin(conversation, options),
  },
  "conversations.unpin": {
    fields: { conversation: text },
    run: ({ node }, { conversation }) => node.conversations.unpin(conversation),
  },
  "conversations.mute": {
    fields: { conversation: text, until: optional(id) },
    run: ({ node }, { conversation, ...options }) => node.conversations.mute(conversation, options),
  },
  "conversations.unmute": {
    fields: { conversation: text },
    run: ({ node }, { conversation }) => node.conversations.unmute(conversation),
  },
  "conversations.archive": {
    fields: { conversation: text },
    run: ({ node }, { conversation }) => node.conversations.archive(conversation),
  },
  "conversations.unarchive": {
    fields: { conversation: text },
    run: ({ node }, { conversation }) => node.conversations.unarchive(conversation),
  },
  "conversations.draft": {
    fields: { conversation: text, text },
    run: ({ node }, params) => node.conversations.draft(params.conversation, params.text),
  },
  "conversations.participants": {
    fields: { conversation: text, participants: list(text, { min: 0, max: PARTICIPANTS_MAX }) },
    run: ({ node }, { conversation, participants }) =>
      node.conversations.participants(conversation, participants),
  },
  "purges.list": { fields: {}, run: ({ node }) => node.purges.list() },
  "purges.approve": { fields: { id }, run: ({ node }, params) => node.purges.approve(params.id) },
  "purges.stop": { fields: { id }, run: ({ node }, params) => node.purges.stop(params.id) },
  "settings.get": {
    fields: { name: text, scope },
    run: async ({ node }, { name, ...options }) => ({ value: await node.settings.get(name, options) }),
  },
  "settings.set": {
    fields: { name: text, value: text, scope },
    run: ({ node }, { name, value, ...options }) => node.settings.set(name, value, options),
  },
  "settings.list": { fields: { scope }, run: ({ node }, options) => node.settings.list(options) },
};
