/** The account's settings as they stand, opened where they were written. Changes nothing. */
import type { DeviceId } from "../../core/base/ids.ts";
import type { OrderKey } from "../../core/inbox/types.ts";
import { type Naming, readNamingRow, settingBounds } from "../../core/inbox/view.ts";
import type { Replica } from "../replica/replica.ts";
import type { EntryOpener } from "./entry-opener.ts";

const SETTINGS_MAX = 100_000;

/** An empty value: it was taken away. */
export interface ReadSetting {
  readonly name: string;
  readonly value: string;
  readonly order: OrderKey;
  readonly author: DeviceId;
}

export class SettingsReader {
  readonly #replica: Replica;
  readonly #opener: EntryOpener;

  constructor(replica: Replica, opener: EntryOpener) {
    this.#replica = replica;
    this.#opener = opener;
  }

  async one(name: string): Promise<ReadSetting | null> {
    const key = this.#replica.fold?.clockKey({ kind: "setting", name, value: "" });
    const [row] = key === undefined ? [] : await this.#replica.view.rows([key]);
    const [setting] = row === undefined ? [] : await this.#open([readNamingRow(row)]);
    return setting ?? null;
  }

  async all(): Promise<readonly ReadSetting[]> {
    const range = { ...settingBounds(), reverse: false, limit: SETTINGS_MAX };
    const rows = await this.#replica.view.rowRange(range);
    return this.#open(rows.map(([, row]) => readNamingRow(row)));
  }

  async #open(namings: readonly Naming[]): Promise<readonly ReadSetting[]> {
    const operations = await this.#opener.operationsAt(namings.map(({ place }) => place));
    return namings.flatMap(({ order }, at) => {
      const operation = operations[at] ?? null;
      if (operation?.body.kind !== "setting") return [];
      const { name, value } = operation.body;
      return [{ name, value, order, author: operation.author }];
    });
  }
}
