/** Starts bench/device.ts and talks to it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Status } from "../src/index.ts";

export interface Answer<Result> {
  readonly ms: number;
  readonly result: Result;
}

export class DeviceProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  get pid(): number {
    return this.#child.pid!;
  }

  constructor(dir: string, name: string, nodeOptions: readonly string[] = []) {
    this.#child = spawn(
      process.execPath,
      [...nodeOptions, new URL("./device.js", import.meta.url).pathname, dir, name],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    const lines: Interface = createInterface({ input: this.#child.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async ask<Result>(command: string, argument = ""): Promise<Answer<Result>> {
    this.#child.stdin!.write(`${command} ${argument}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the device ended during ${command}`);
    const answer = JSON.parse(line.value) as Answer<Result> & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(`${command}: ${answer.error}`);
    return answer;
  }

  /** Waits until all can be found by searching; how long in ms. */
  async indexBuilt(): Promise<number> {
    const began = performance.now();
    for (;;) {
      const { search } = (await this.ask<Status>("status")).result;
      if (search.done === search.total) return performance.now() - began;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async end(): Promise<void> {
    await this.ask("close");
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin!.end();
    await ended;
  }
}
