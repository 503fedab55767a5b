/** This package's version, without loading the engine. */
import { readFileSync } from "node:fs";

// From dist/cli as from the installed package.
const file = new URL("../../package.json", import.meta.url);

export const version: string = (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string })
  .version;
