/** The key file under the contract of Secrets, and what a file alone has: modes, owners, links, crashes. */
import { deepEqual, equal } from "node:assert/strict";
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyFile } from "../../../src/io/secrets/key-file.ts";
import { describeSecrets, secretsOf } from "../../contracts/secrets.contract.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { skipUnless } from "../../support/skip-unless.ts";

describeSecrets("The key file", async () => {
  const parent = await mkdtemp(join(tmpdir(), "kinlog-key-"));
  return {
    open: () => createKeyFile({ dir: join(parent, "data") }),
    cleanup: () => rm(parent, { recursive: true, force: true }),
  };
});

describe("the key file on disk", () => {
  let parent: string;
  let dir: string;
  let path: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "kinlog-key-"));
    dir = join(parent, "deep", "data");
    path = join(dir, "device.key");
  });

  afterEach(() => rm(parent, { recursive: true, force: true }));

  const modeOf = async (what: string): Promise<string> => ((await stat(what)).mode % 0o1000).toString(8);

  it("K6: is made for its owner only, whatever the umask", async () => {
    const former = process.umask(0o000);
    try {
      await createKeyFile({ dir }).save(secretsOf(1));
    } finally {
      process.umask(former);
    }
    equal(await modeOf(dir), "700");
    equal(await modeOf(path), "600");
  });

  it("K6: takes away what others may do, at each load", async () => {
    const secrets = createKeyFile({ dir });
    await secrets.save(secretsOf(1));
    await chmod(dir, 0o755);
    await chmod(path, 0o644);
    deepEqual(await secrets.load(), secretsOf(1));
    equal(await modeOf(dir), "700");
    equal(await modeOf(path), "600");
  });

  it("K6: refuses a file of another user", async function () {
    const { getuid } = process;
    skipUnless(this, getuid !== undefined, "needs user ids");
    await createKeyFile({ dir }).save(secretsOf(1));
    process.getuid = () => getuid() + 1;
    try {
      await assertRejectsWithCode(createKeyFile({ dir }).load(), "DIRECTORY_UNREADABLE");
      await assertRejectsWithCode(createKeyFile({ dir }).save(secretsOf(2)), "DIRECTORY_UNREADABLE");
    } finally {
      process.getuid = getuid;
    }
    deepEqual(await createKeyFile({ dir }).load(), secretsOf(1));
  });

  it("U7: follows no link in its place, neither to read, to write nor to erase", async () => {
    const target = join(parent, "target");
    await createKeyFile({ dir }).save(secretsOf(1));
    await rename(path, target);
    await symlink(target, path);
    const before = await readFile(target);
    await assertRejectsWithCode(createKeyFile({ dir }).load(), "KEY_FILE_DAMAGED");
    await createKeyFile({ dir }).erase();
    deepEqual(await readFile(target), before);
    await symlink(target, path);
    await symlink(target, `${path}.new`);
    await createKeyFile({ dir }).save(secretsOf(2));
    deepEqual(await readFile(target), before);
    deepEqual(await createKeyFile({ dir }).load(), secretsOf(2));
  });

  it("takes a directory or anything else in its place for damage", async () => {
    await mkdir(path, { recursive: true });
    await assertRejectsWithCode(createKeyFile({ dir }).load(), "KEY_FILE_DAMAGED");
  });

  it("does not read a file that is too long", async () => {
    await createKeyFile({ dir }).save(secretsOf(1));
    await writeFile(path, Buffer.alloc(5_000_000));
    await assertRejectsWithCode(createKeyFile({ dir }).load(), "KEY_FILE_DAMAGED");
  });

  it("S14: a crash while it is written leaves the former one, and the next save works", async () => {
    await createKeyFile({ dir }).save(secretsOf(1));
    const aside = await open(`${path}.new`, "w", 0o600);
    await aside.writeFile("half of it");
    await aside.close();
    deepEqual(await createKeyFile({ dir }).load(), secretsOf(1));
    await createKeyFile({ dir }).save(secretsOf(2));
    deepEqual(await createKeyFile({ dir }).load(), secretsOf(2));
    deepEqual(await readdir(dir), ["device.key"]);
  });

  it("leaves nothing behind when it is erased, a half-written one included", async () => {
    await createKeyFile({ dir }).save(secretsOf(1));
    await writeFile(`${path}.new`, "half of it");
    await createKeyFile({ dir }).erase();
    deepEqual(await readdir(dir), []);
  });

  it("says that a file stands where the directory should be", async () => {
    await mkdir(join(parent, "deep"));
    await writeFile(dir, "");
    await assertRejectsWithCode(createKeyFile({ dir }).load(), "KEY_FILE_MISSING");
    await assertRejectsWithCode(createKeyFile({ dir }).save(secretsOf(1)), "DIRECTORY_UNREADABLE");
  });

  it("K2: calls its keys not protected", () => {
    equal(createKeyFile({ dir }).protection(), "none");
  });
});
