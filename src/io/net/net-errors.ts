/**
 * Errors of sockets and libp2p as the codes of the Net port. The one place that looks at foreign error names.
 * Tests: test/contracts/net.contract.ts.
 */
import { EngineError, type ErrorCode, isEngineError } from "../../core/base/errors.ts";

/** What a socket says when this machine, not the peer, is the cause. */
const NO_NETWORK = /\b(?:ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)\b/;

/** Text of an error and of everything it was caused by: libp2p puts a socket's code into its message only. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return `${error.name} ${code} ${error.message}`;
}

/** Why a dial failed. `timedOut` tells whether our own deadline ended it. */
export function dialError(cause: unknown, { timedOut }: { readonly timedOut: boolean }): EngineError {
  if (isEngineError(cause)) return cause;
  const text = textOf(cause);
  if (timedOut) return new EngineError("TIMED_OUT", "the device did not answer in time", { cause });
  if (text.includes("dial self")) {
    return new EngineError("ADDRESS_INVALID", "the address is this device's own", { cause });
  }
  if (NO_NETWORK.test(text)) {
    return new EngineError("NETWORK_UNAVAILABLE", "there is no way to that address from here", { cause });
  }
  return new EngineError("PEER_UNREACHABLE", "no device answers at that address", { cause });
}

/** Why listening failed. */
export function listenError(cause: unknown): EngineError {
  if (isEngineError(cause)) return cause;
  const text = textOf(cause);
  const [code, message]: readonly [ErrorCode, string] = text.includes("EADDRINUSE")
    ? ["ADDRESS_IN_USE", "another program listens at that address and port"]
    : /\b(?:EADDRNOTAVAIL|EACCES|EINVAL)\b/.test(text)
      ? ["ADDRESS_INVALID", "this machine cannot listen at that address and port"]
      : ["NETWORK_UNAVAILABLE", "this machine cannot listen for connections"];
  return new EngineError(code, message, { cause });
}

/** Why a stream ended before its time: what it said when it broke, or else its status now. */
export function streamError(cause: unknown): EngineError {
  if (isEngineError(cause)) return cause;
  return new EngineError("PEER_CLOSED", "the connection to the device broke", { cause });
}

export function statusError(status: string): EngineError {
  return status === "aborted"
    ? new EngineError("ABORTED", "this device ended the connection")
    : new EngineError("PEER_CLOSED", `the connection to the device is ${status}`);
}
