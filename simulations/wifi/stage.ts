/**
 * What all scenarios share: networks that are captured from the first packet, hosts, the history to import, and the list of what
 * must not be seen in any capture.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Capture } from "./capture.ts";
import { type Corpus, openCorpus } from "./corpus.ts";
import { Host } from "./host.ts";
import { Janitor } from "./janitor.ts";
import { type Plug, Wifi } from "./netns.ts";
import type { Options, Size } from "./options.ts";
import type { Report } from "./table.ts";

export interface Scenario {
  readonly number: number;
  readonly name: string;
  readonly play: (stage: Stage, report: Report) => Promise<void>;
}

/** The first Wi-Fi with its three linked hosts: several scenarios go on where the first one ended. */
export interface Family {
  readonly wifi: Wifi;
  readonly hosts: readonly Host[];
}

export class Stage {
  readonly options: Options;
  readonly corpus: Corpus;
  readonly captures: Capture[] = [];
  /** Texts, names, numbers and phrases that nobody on the network may see. */
  readonly secretTexts = new Set<string>();
  /** Ids of devices and accounts, in hex. */
  readonly secretIds = new Set<string>();
  /** Said in the open on purpose, to see that the search finds such texts. */
  readonly controlText = `the control text ${randomBytes(9).toString("base64url")}`;
  hasTalked = false;
  family: Family | undefined;
  readonly #run = `kinlog-${process.pid.toString(36)}${randomBytes(2).toString("hex")}`;
  readonly #janitor = new Janitor();
  readonly #scratch: string;
  readonly #startedAt = performance.now();

  constructor(options: Options) {
    this.options = options;
    if (options.keepLogs === undefined) {
      this.#scratch = mkdtempSync(join(tmpdir(), "kinlog-wifi-"));
      this.#janitor.willMakeDirectory(this.#scratch);
    } else {
      this.#scratch = options.keepLogs;
      mkdirSync(this.#scratch, { recursive: true });
    }
    this.corpus = openCorpus(this.#scratch, options.messages);
    for (const canary of this.corpus.canaries) this.secretTexts.add(canary);
  }

  /** The value for this size of run. */
  sized<Value>(values: Readonly<Record<Size, Value>>): Value {
    return values[this.options.size];
  }

  progress(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
    process.stderr.write(`${seconds.padStart(7)} s  ${text}\n`);
  }

  /** The first `messages` of the corpus, or all of it. */
  history(messages: number | undefined): Corpus {
    const fewer = messages !== undefined && messages < this.corpus.messages;
    return fewer ? openCorpus(this.#scratch, messages) : this.corpus;
  }

  async openWifi(label: string, subnet = 0): Promise<Wifi> {
    const wifi = await Wifi.create({ run: this.#run, janitor: this.#janitor, label, subnet });
    this.captures.push(await Capture.begin(wifi, join(this.#scratch, `${label}.pcap`)));
    return wifi;
  }

  /** A host on this Wi-Fi, without a device yet. Its name must not be seen. */
  async addHost(wifi: Wifi, label: string, name: string): Promise<Host> {
    const station = await wifi.addStation(label);
    return this.hostAt(await wifi.plug(station), name);
  }

  hostAt(plug: Plug, name: string): Host {
    this.secretTexts.add(name);
    return new Host({ name, plug, scratch: this.#scratch });
  }

  /** A file of this run. */
  path(name: string): string {
    return join(this.#scratch, name);
  }

  /** A text of our own that nothing else contains. */
  canary(text: string): string {
    const whole = `${text} ${randomBytes(6).toString("base64url")}`;
    this.secretTexts.add(whole);
    return whole;
  }

  async close(): Promise<void> {
    await this.#janitor.finish();
  }
}
