/** What a method of the local API is, and what it is given when it runs. Types only. The methods: methods.ts, inbox-methods.ts. */
import type { Clock } from "../../core/base/ports.ts";
import type { KinlogNode, OnProgress } from "../node/types.ts";
import type { LinkQuestion } from "./link-question.ts";
import type { Fields } from "./params.ts";
import type { ApiMethods, MethodName } from "./protocol.ts";

/** What a running request can do besides giving its result. */
export interface Call<Event = object> {
  /** Resolves when the reader can take more. */
  readonly emit: (event: Event) => Promise<void>;
  /** For what may be missed: dropped where the reader is slow. */
  readonly tell: (event: Event) => void;
  readonly signal: AbortSignal;
}

/** Whose methods these are. */
export interface MethodHost {
  /** @throws EngineError `NODE_CLOSED` while there is none. */
  readonly node: () => KinlogNode;
  /** What came in the place of a node that closed, once it is there; null where it was the last. */
  readonly successor: (node: KinlogNode) => Promise<KinlogNode | null>;
  readonly clock: Clock;
  /** @throws EngineError `NODE_NOT_RUNNING` where the node was opened for one command only. */
  readonly stop: () => Promise<void>;
  readonly join: (
    params: ApiMethods["join"]["params"],
    call: Pick<Call, "signal"> & { readonly onProgress: OnProgress },
  ) => Promise<ApiMethods["join"]["result"]>;
}

/** Checks the params of a method and runs it. @throws EngineError */
export type Dispatch = (method: string, params: unknown, call: Call) => Promise<unknown>;

/**
 * How a request ends beside giving its result. `finite`: soon, so a closing node waits for it. `waiting`: for something outside, so a
 * closing node breaks it off. `attended`: the same, and its caller must stay. `endless`: with its caller or the node. `ending`: with the node.
 */
export type Lasting = "finite" | "waiting" | "attended" | "endless" | "ending";

export interface Running<Name extends MethodName> {
  readonly host: MethodHost;
  readonly node: KinlogNode;
  readonly question: LinkQuestion;
  readonly call: Call<ApiMethods[Name]["event"]>;
}

export interface MethodEntry<Name extends MethodName> {
  readonly fields: Fields<ApiMethods[Name]["params"]>;
  readonly lasts?: Lasting;
  readonly run: (
    running: Running<Name>,
    params: ApiMethods[Name]["params"],
  ) => Promise<ApiMethods[Name]["result"]>;
}
