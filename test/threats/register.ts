/** The register of threats, docs/threats.md, as data. Tests: test/unit/threats/register.test.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../support/paths.ts";

export interface Threat {
  readonly id: string;
  readonly what: string;
  /** Null: tests carry it. Else what it waits for. */
  readonly waitsFor: string | null;
}

const FILE = "docs/threats.md";
const TESTED = "tested";
const WAITS = "waits for ";
const ROW = /^\| ([SLCPNUK]\d{1,2}) \| (.+) \| (.+) \|$/;

export function readRegister(
  text: string = readFileSync(join(repositoryRoot, FILE), "utf8"),
): readonly Threat[] {
  return text.split("\n").flatMap((line) => {
    const [, id, what, state] = ROW.exec(line) ?? [];
    if (id === undefined || what === undefined || state === undefined) return [];
    if (state !== TESTED && !state.startsWith(WAITS))
      throw new Error(`${FILE}: ${id} is neither tested nor waits`);
    return [{ id, what, waitsFor: state === TESTED ? null : state.slice(WAITS.length) }];
  });
}
