/**
 * Leaves nothing behind: a shell of its own session that waits until this process ends in whatever way, and then kills what
 * still runs in the namespaces of this run, deletes them and the run's directory. It touches nothing that it was not told of.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Reads `ns NAME` and `dir PATH` until its input ends, which the death of the writer does as well. */
const SCRIPT = `
trap '' INT TERM HUP
namespaces='' directories=''
while read -r kind name; do
  case "$kind" in
    ns) namespaces="$namespaces $name" ;;
    dir) directories="$directories $name" ;;
  esac
done
for each in $namespaces; do
  for pid in $(ip netns pids "$each" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
done
for each in $namespaces; do ip netns del "$each" 2>/dev/null; done
for each in $directories; do rm -rf "$each" || { sleep 0.5; rm -rf "$each"; }; done
exit 0
`;

export class Janitor {
  readonly #process: ChildProcess;

  constructor() {
    // A session of its own, so that Ctrl-C at the terminal does not end it before its work.
    this.#process = spawn("sh", ["-c", SCRIPT], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    this.#process.stdin!.on("error", () => undefined);
  }

  /** Called before the namespace is made, so that none is missed. */
  willMakeNamespace(name: string): void {
    this.#tell(`ns ${name}`);
  }

  willMakeDirectory(path: string): void {
    if (/\s/.test(path)) throw new Error(`a directory with spaces cannot be cleaned up: ${path}`);
    this.#tell(`dir ${path}`);
  }

  /** Cleans up now and waits for it. */
  async finish(): Promise<void> {
    const gone = once(this.#process, "exit");
    this.#process.stdin!.end();
    await gone;
  }

  #tell(line: string): void {
    this.#process.stdin!.write(`${line}\n`);
  }
}
