/**
 * A logger for libp2p that writes nothing: its lines name addresses and peers, and even unprinted ones cost time.
 */
import type { ComponentLogger, Logger } from "@libp2p/interface";

const discard = (): void => undefined;

const silent: Logger = Object.assign((): void => undefined, {
  error: discard,
  trace: discard,
  enabled: false,
  newScope: (): Logger => silent,
});

export const silentLog: ComponentLogger = { forComponent: () => silent };
