/** What every turn of the writer works with. Made once, when a device is opened. */
import type { AccountId, DeviceId } from "../../core/base/ids.ts";
import type { Clock, Entropy } from "../../core/base/ports.ts";
import type { SigningKey } from "../../core/crypto/sign.ts";
import type { Fold } from "../../core/inbox/types.ts";
import type { Store } from "../../core/sync/ports.ts";
import type { ControlBook } from "./control-book.ts";
import type { ErasedPlaces } from "./erased-places.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Ledger } from "./ledger.ts";
import type { Sealer } from "./sealing.ts";

export interface TurnContext {
  readonly account: AccountId;
  readonly self: DeviceId;
  readonly signingKey: SigningKey;
  readonly store: Store;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly ledger: Ledger;
  readonly book: ControlBook;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
  readonly erased: ErasedPlaces;
  /** Null until the index key is here: nothing can be folded before. */
  readonly fold: () => Fold | null;
}
