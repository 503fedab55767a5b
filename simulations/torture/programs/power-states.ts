/**
 * Builds disks as a power cut may leave them, and opens each: `node power-states.js FROM TO RECORD DIR BACKUP MESSAGES SCRATCH`.
 * Says for each what was wrong.
 */
import "../../../src/promise-with-resolvers.ts";
import { mkdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { auditDevice } from "../audit.ts";
import { readTrace } from "../power/read-trace.ts";
import { chooseState, writeState } from "../power/states.ts";
import { type Line, Said } from "../said.ts";
import { readRecord } from "../strace.ts";

const [from, to, record, recordedDir, backupPath, backupMessages, scratch] = process.argv.slice(2);
const trace = readTrace(readRecord(record!), recordedDir!);
const backup = { path: backupPath!, messages: Number(backupMessages) };

for (let trial = Number(from); trial < Number(to); trial++) {
  const state = chooseState(trace, trial);
  const said = new Said();
  for (const { at, line } of trace.said) if (at < state.cut) said.take(JSON.parse(line) as Line);
  const dir = join(scratch!, `state-${trial}`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeState(state, dir);
  const problems = await auditDevice({ dir, said, backup, goOn: true });
  if (problems.length === 0) rmSync(dir, { recursive: true, force: true });
  const { cut, namings, namingsMost, mode } = state;
  writeSync(
    1,
    `${JSON.stringify({ trial, cut, namings, namingsMost, mode, acknowledged: said.count, problems })}\n`,
  );
}
