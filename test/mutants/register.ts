/**
 * Every planted bug. A row that no longer fits the source fails test/unit/mutants/register.test.ts, so the register cannot rot;
 * whoever changes the text that a row replaces moves the row along.
 */
import type { Mutant } from "./mutant.ts";
import { cryptoMutants } from "./register/crypto.ts";
import { edgesMutants } from "./register/edges.ts";
import { inboxMutants } from "./register/inbox.ts";
import { inboxMarksMutants } from "./register/inbox-marks.ts";
import { purgesMutants } from "./register/purges.ts";
import { keepingMutants } from "./register/keeping.ts";
import { purgesInTheWorldMutants } from "./register/purges-in-the-world.ts";
import { linkMutants } from "./register/link.ts";
import { logMutants } from "./register/log.ts";
import { membershipMutants } from "./register/membership.ts";
import { networkMutants } from "./register/network.ts";
import { replicaMutants } from "./register/replica.ts";
import { searchMutants } from "./register/search.ts";
import { storeMutants } from "./register/store.ts";
import { syncMutants } from "./register/sync.ts";

export const register: readonly Mutant[] = [
  ...logMutants,
  ...cryptoMutants,
  ...membershipMutants,
  ...syncMutants,
  ...keepingMutants,
  ...storeMutants,
  ...replicaMutants,
  ...inboxMutants,
  ...inboxMarksMutants,
  ...purgesMutants,
  ...purgesInTheWorldMutants,
  ...searchMutants,
  ...linkMutants,
  ...networkMutants,
  ...edgesMutants,
];
