/** Reads the project's own source as text, for the tests that check it. Not a parser: see `codeOf`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { repositoryRoot } from "./paths.ts";

/** One source file. Paths are relative to the root of the repository and use `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text without comments and without what stands in plain strings. */
  readonly code: string;
  /** Files of this repository that it imports, types included. */
  readonly imports: readonly string[];
  /** Everything else that it imports: `node:fs`, `level`, `@noble/curves`. */
  readonly packages: readonly string[];
}

// A comment, a plain string or a template, whichever starts first; so a `//` within a string is no comment.
const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g;
const IMPORT = /\b(?:from|import)(?:\s*\(\s*|\s+)"([^"\n]+)"/g;

/** The `.ts` files under `folders`. A folder that does not exist holds none. */
export function readSourceFiles(folders: readonly string[]): readonly SourceFile[] {
  const present = folders.filter((folder) => existsSync(join(repositoryRoot, folder)));
  return present.flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile() && found.name.endsWith(".ts"))
      .map((found) => relative(repositoryRoot, join(found.parentPath, found.name)).split(sep).join("/"))
      .toSorted()
      .map((path) => sourceFile(path, readFileSync(join(repositoryRoot, path), "utf8"))),
  );
}

export function sourceFile(path: string, text: string): SourceFile {
  const specifiers = [...withoutComments(text).matchAll(IMPORT)].map(([, specifier]) => specifier!);
  const isLocal = (specifier: string): boolean => specifier.startsWith(".");
  return {
    path,
    text,
    code: codeOf(text),
    imports: specifiers.filter(isLocal).map((specifier) => posix.join(posix.dirname(path), specifier)),
    packages: specifiers.filter((specifier) => !isLocal(specifier)).map(packageOf),
  };
}

/** Templates keep their text: code may stand in their `${}`. */
function codeOf(text: string): string {
  return text.replace(COMMENT_OR_STRING, (found) =>
    found.startsWith("`") ? found : /^["']/.test(found) ? '""' : " ",
  );
}

function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, (found) =>
    found.startsWith("/") ? " " : found.startsWith("`") ? "``" : found,
  );
}

/** `@noble/curves/ed25519.js` belongs to `@noble/curves`; a `node:` module is its own package. */
function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("node:")
    ? specifier
    : parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
