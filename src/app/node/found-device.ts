/** A directory becomes the first device of a new account. Rules: engine, section 11. Tests: test/integration/app/device-directory.test.ts. */
import { EngineError } from "../../core/base/errors.ts";
import { validateName } from "../../core/inbox/address.ts";
import { foundAccount, writeFounding } from "../replica/founding.ts";
import { accountExists, beginDevice, type DeviceDirectory } from "./device-directory.ts";

/** @throws EngineError `ACCOUNT_EXISTS`, `NAME_INVALID`, `KEY_FILE_MISSING`, `DISK_FULL`, `DIRECTORY_UNREADABLE`. */
export async function foundDevice(
  directory: DeviceDirectory,
  name: string,
): Promise<{
  readonly account: string;
  readonly device: string;
  readonly name: string;
  readonly recoveryPhrase: string;
}> {
  validateName(name);
  if (await directory.secrets.exists()) throw accountExists();
  const founding = await foundAccount(directory);
  let account = "";
  await beginDevice(directory, founding.secrets, async (replica) => {
    account = replica.account;
    await writeFounding(replica, founding, name.normalize("NFC"));
  });
  if (account === "") throw new EngineError("UNEXPECTED", "the account was not made");
  return {
    account,
    device: founding.secrets.device,
    name: name.normalize("NFC"),
    recoveryPhrase: founding.phrase,
  };
}
