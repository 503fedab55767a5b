/**
 * Kinlog as a library: `openNode` opens a device, and everything else hangs from the node it returns. Types: src/app/node/types.ts.
 * Errors carry `code`; docs/errors.md says what each means.
 */
import "./promise-with-resolvers.ts";

export { hasAccount, initAccount, openNode, VERSION } from "./app/node/open-node.ts";
export { joinAccount, type JoinOptions } from "./app/node/join-account.ts";
export { EngineError, type ErrorCode, isEngineError } from "./core/base/errors.ts";
export type * from "./app/node/alarm-types.ts";
export type * from "./app/node/evict-types.ts";
export type * from "./app/node/purge-types.ts";
export type * from "./app/node/types.ts";
