/** Reads vector files; checks that a Wycheproof file holds as many vectors as it says. Interprets nothing else. */
import { equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { vectorPath } from "./paths.ts";

export interface WycheproofVector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
}

/** The JSON of a vector file, taken to be of the given type. */
export function readVectors<Content>(name: string): Content {
  return JSON.parse(readFileSync(vectorPath(name), "utf8")) as Content;
}

/** Every vector of a Wycheproof file together with its group. */
export function readWycheproof<Group, Vector extends WycheproofVector>(
  name: string,
): readonly { readonly group: Group; readonly vector: Vector }[] {
  const file = readVectors<{
    readonly numberOfTests: number;
    readonly testGroups: readonly (Group & { readonly tests: readonly Vector[] })[];
  }>(`wycheproof/${name}.json`);
  const all = file.testGroups.flatMap((group) => group.tests.map((vector) => ({ group, vector })));
  equal(all.length, file.numberOfTests);
  return all;
}

/** The vectors by their first flag, so that each family is a test of its own and its size is asserted there. */
export function byFlag<Item extends { readonly vector: WycheproofVector }>(
  items: readonly Item[],
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const flag = item.vector.flags[0] ?? "none";
    groups.set(flag, [...(groups.get(flag) ?? []), item]);
  }
  return groups;
}
