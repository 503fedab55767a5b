/**
 * The stored view of a device: which version of it serves, how it is read, and how it is built again: in the background where the older one can
 * serve meanwhile, else at once. Spec: docs/spec/storage.md, "A new version of the view". Tests: test/integration/app/view-building.test.ts.
 */
import type { Store } from "../../core/sync/ports.ts";
import { META } from "./meta-names.ts";
import { rebuildView, viewMeta } from "./rebuild-view.ts";
import type { StartMemory } from "./start-memory.ts";
import type { TurnContext } from "./turn-context.ts";
import { ViewBuilding } from "./view-building.ts";
import { decodeProgress, type ViewOptions } from "./view-progress.ts";
import type { Writer } from "./writer.ts";

export class StoredView {
  readonly building: ViewBuilding;
  readonly #context: TurnContext;
  readonly #options: ViewOptions;
  readonly #listeners = new Set<() => void>();
  #built = 0;
  /** Settled when the view stands again; null while it stands. */
  #rebuilding: Promise<void> | null = null;

  constructor(parts: {
    readonly context: TurnContext;
    readonly writer: Writer;
    readonly options: ViewOptions;
    readonly isDoubtful: () => boolean;
  }) {
    const { context, writer, options, isDoubtful } = parts;
    this.#context = context;
    this.#options = options;
    this.building = new ViewBuilding({
      context,
      writer,
      view: options,
      isDoubtful,
      onChange: () => this.changed(),
      onBuilt: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  /** How often another view came to serve, or what is stored was repaired: what was read before says nothing any more. */
  get built(): number {
    return this.#built;
  }

  changed(): void {
    this.#built++;
  }

  /** Reads of the view that serves. While it is built again at once they wait: what is not in it yet would seem to be nowhere. */
  readonly rows: Pick<Store, "rows" | "rowRange"> = {
    rows: (keys) => this.#whenBuilt(() => this.#context.store.rows(keys)),
    rowRange: (range) => this.#whenBuilt(() => this.#context.store.rowRange(range)),
  };

  /** Told when a view that was built in the background serves. */
  onBuilt(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** What is to be done about a view of this version; undefined: there is none yet. */
  async settle(version: number | undefined, memory: StartMemory): Promise<void> {
    const { version: current, readableSince } = this.#options;
    if (version === undefined) {
      const meta = viewMeta(current);
      await this.#context.store.commit({ logs: [], puts: new Map(), dels: new Set(), meta });
    } else if (version >= readableSince && version < current)
      this.building.begin((await memory.read(META.viewBuilding, decodeProgress)) ?? null);
    else if (version !== current) await this.rebuild();
  }

  /** At once. Nothing else may be written meanwhile. */
  async rebuild(): Promise<void> {
    // Once before, and once more: what is read meanwhile is half of it.
    this.changed();
    this.building.giveUp();
    const rebuilding = rebuildView(this.#context, this.#options.version);
    this.#rebuilding = rebuilding;
    try {
      await rebuilding;
      this.changed();
    } finally {
      this.#rebuilding = null;
    }
  }

  #whenBuilt<Result>(read: () => Promise<Result>): Promise<Result> {
    return this.#rebuilding === null ? read() : this.#rebuilding.then(read, read);
  }
}
