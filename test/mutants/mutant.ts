/**
 * One planted bug, as data, and how it is put into a file's text. Reads no file and runs nothing.
 * Tests: test/unit/mutants/register.test.ts.
 */

/** What is expected to notice the bug, cheapest first. */
export type Catcher =
  /** Test files, by their paths in the project. Behind them the whole suite is tried. */
  | { readonly kind: "tests"; readonly files: readonly string[] }
  /** Seeds of a simulation, each replayed alone with SEED. Behind them the whole suite is tried. */
  | { readonly kind: "seeds"; readonly file: string; readonly seeds: readonly number[] };

export interface Mutant {
  /** The room, then what goes wrong: `log-proof-unchecked`. */
  readonly id: string;
  /** The file of src or cli that it is planted in. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly put: string;
  /** What the bug is, for people. */
  readonly bug: string;
  /** What it breaks: an id of the threats (`P9`), an invariant (`I7`), a rule of durability (`D`) or of speed (`P3 of speed`). */
  readonly breaks: string;
  readonly by: Catcher;
}

/** How often `find` stands in `text`. */
export function countPlaces({ find }: Mutant, text: string): number {
  return text.split(find).length - 1;
}

/**
 * The text with the bug in it.
 *
 * @throws Error where the text is not found exactly once: the register is out of date.
 */
export function plantInto(text: string, mutant: Mutant): string {
  const places = countPlaces(mutant, text);
  if (places !== 1) throw new Error(`what is to be replaced stands ${places} times in ${mutant.file}`);
  // A function, since a string would give `$` a meaning.
  return text.replace(mutant.find, () => mutant.put);
}
