/** Reads a backup of SMS in a process of its own and prints what it held meanwhile: `node --expose-gc read-backup.js PATH`. */
import { assert } from "../../src/core/base/errors.ts";
import { readSmsBackup } from "../../src/io/gateways/sms-backup.ts";

/** What it prints, as JSON. */
export interface BackupRead {
  readonly count: number;
  readonly isWhole: boolean;
  /** Memory in use at most, above what there was before. */
  readonly grewBytes: number;
}

const LOOK_EVERY_MS = 500;

/** Without what nobody needs any more: how much of that lies around depends on the machine and its load. */
function memoryInUse(): number {
  assert(globalThis.gc !== undefined, "it runs with --expose-gc");
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const source = readSmsBackup(process.argv[2]!);
const before = memoryInUse();
let most = before;
let count = 0;
// Also while one message is read, which may be most of the file.
const looking = setInterval(() => {
  most = Math.max(most, memoryInUse());
}, LOOK_EVERY_MS);
for await (const batch of source) count += batch.length;
clearInterval(looking);
const read: BackupRead = {
  count,
  isWhole: source.bytesRead === source.bytesTotal,
  grewBytes: Math.max(most, memoryInUse()) - before,
};
console.log(JSON.stringify(read));
