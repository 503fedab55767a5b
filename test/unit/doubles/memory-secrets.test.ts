/** The double of Secrets under the contract. */
import { type KeyPlace, memorySecrets } from "../../../simulations/doubles/memory-secrets.ts";
import { describeSecrets } from "../../contracts/secrets.contract.ts";

describeSecrets("the double", () => {
  const place: KeyPlace = { bytes: null };
  return Promise.resolve({ open: () => memorySecrets(place), cleanup: () => Promise.resolve() });
});
