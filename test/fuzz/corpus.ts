/**
 * The stored corpus: of each decoder a file of lower-case hex, one input a line, so that a change of it can be read. Inputs that
 * once broke a promise stand in a file of their own, which is never made smaller. Both are tried with every `npm test`
 * (test/unit/fuzz/corpus.test.ts).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { hex, hexToBytes } from "../../src/core/base/bytes.ts";
import { vectorPath } from "../support/paths.ts";

const FOLDER = vectorPath("corpus");

export type Shelf = "kept" | "found";

export function corpusPath(name: string, shelf: Shelf): string {
  return shelf === "kept" ? `${FOLDER}/${name}.hex` : `${FOLDER}/found/${name}.hex`;
}

/** Empty where nothing is stored yet. */
export function readShelf(name: string, shelf: Shelf): readonly Uint8Array[] {
  const path = corpusPath(name, shelf);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => hexToBytes(line));
}

export function readCorpus(name: string): readonly Uint8Array[] {
  return [...readShelf(name, "kept"), ...readShelf(name, "found")];
}

/** Shortest first, none twice. */
export function writeShelf(name: string, shelf: Shelf, inputs: readonly Uint8Array[]): void {
  const lines = [...new Set(inputs.map(hex))].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const path = corpusPath(name, shelf);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
}
