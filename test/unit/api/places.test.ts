/** Where a device's data lies when nobody says otherwise, and where its node's socket lies. */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryFor } from "../../../src/app/api/directory.ts";
import { socketPaths, socketPathToListen } from "../../../src/app/api/socket-path.ts";
import { assertRejectsWithCode } from "../../support/assert-code.ts";
import { skipUnless } from "../../support/skip-unless.ts";

describe("The default directory", () => {
  it("follows the platform's convention", () => {
    const home = "/home/ana";
    equal(directoryFor({ platform: "linux", env: {}, home }), "/home/ana/.local/share/kinlog");
    equal(directoryFor({ platform: "linux", env: { XDG_DATA_HOME: "/data" }, home }), "/data/kinlog");
    equal(
      directoryFor({ platform: "darwin", env: { XDG_DATA_HOME: "/data" }, home }),
      "/home/ana/Library/Application Support/kinlog",
    );
    equal(directoryFor({ platform: "win32", env: { LOCALAPPDATA: "/local" }, home }), "/local/kinlog");
  });

  it("takes an empty or relative variable for none, as XDG wants it", () => {
    for (const XDG_DATA_HOME of ["", "data", "./data"]) {
      equal(
        directoryFor({ platform: "linux", env: { XDG_DATA_HOME }, home: "/h" }),
        "/h/.local/share/kinlog",
      );
    }
  });
});

describe("The path of the socket", () => {
  let root = "";
  let former: string | undefined;

  beforeEach(function () {
    skipUnless(this, process.platform !== "win32", "needs Unix paths");
    root = realpathSync(mkdtempSync(join(tmpdir(), "kl-")));
    former = process.env["XDG_RUNTIME_DIR"];
    process.env["XDG_RUNTIME_DIR"] = root;
  });

  afterEach(() => {
    if (former === undefined) delete process.env["XDG_RUNTIME_DIR"];
    else process.env["XDG_RUNTIME_DIR"] = former;
    rmSync(root, { recursive: true, force: true });
  });

  function longDirectory(): string {
    const dir = join(root, "d".repeat(100));
    mkdirSync(dir);
    return dir;
  }

  it("is in the data directory, and the same over a link to it", async () => {
    const dir = join(root, "data");
    mkdirSync(dir);
    symlinkSync(dir, join(root, "link"));
    equal(await socketPathToListen(dir), join(dir, "kinlog.sock"));
    deepEqual(await socketPaths(join(root, "link")), [join(dir, "kinlog.sock")]);
    deepEqual(await socketPaths(join(root, "nothing")), []);
    await assertRejectsWithCode(socketPathToListen(join(root, "nothing")), "DIRECTORY_MISSING");
  });

  it("K6: is elsewhere where the directory's is too long, in a folder for its owner only", async () => {
    const dir = longDirectory();
    const path = await socketPathToListen(dir);
    ok(Buffer.byteLength(path) <= 100);
    equal(path.startsWith(join(root, "kinlog", "/")), true);
    equal(statSync(join(root, "kinlog")).mode & 0o777, 0o700);
    ok((await socketPaths(dir)).includes(path));
    const other = join(root, "e".repeat(100));
    mkdirSync(other);
    notEqual(await socketPathToListen(other), path);
  });

  it("is found by a client that runs in another environment", async () => {
    const dir = longDirectory();
    delete process.env["XDG_RUNTIME_DIR"];
    const path = await socketPathToListen(dir);
    process.env["XDG_RUNTIME_DIR"] = root;
    ok((await socketPaths(dir)).includes(path));
    rmSync(path, { force: true });
  });

  it("U15: is in no folder that others may enter, and looked for in none", async () => {
    const dir = longDirectory();
    mkdirSync(join(root, "kinlog"));
    chmodSync(join(root, "kinlog"), 0o755);
    const inOpenFolder = (path: string): boolean => path.startsWith(join(root, "kinlog", "/"));
    equal(inOpenFolder(await socketPathToListen(dir)), false);
    equal((await socketPaths(dir)).some(inOpenFolder), false);
    rmSync(join(root, "kinlog"), { recursive: true });
    symlinkSync("/tmp", join(root, "kinlog"));
    equal(inOpenFolder(await socketPathToListen(dir)), false);
  });
});
