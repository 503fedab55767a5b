/** What a power cut may leave, by hand-made traces: what is synced stays, and everything else can be lost. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readTrace } from "../../../simulations/torture/power/read-trace.ts";
import { namingLimits, splitWrites, type Trace } from "../../../simulations/torture/power/disk.ts";
import { chooseState } from "../../../simulations/torture/power/states.ts";
import type { Call } from "../../../simulations/torture/strace.ts";

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** Calls as `[name, args, result]`, in order. */
function traceOf(calls: readonly (readonly [string, string, number])[]): Trace {
  return readTrace(
    calls.map(([name, args, result], at): Call => ({
      thread: "1",
      ordinal: 0,
      name,
      began: at,
      ended: at,
      args,
      result,
    })),
    "/d",
  );
}

const open = (path: string, fd: number): readonly [string, string, number] => [
  "openat",
  `AT_FDCWD<${hex("/")}>, "${hex(path)}", O_WRONLY|O_CREAT|O_TRUNC, 0600`,
  fd,
];
const write = (path: string, fd: number, text: string): readonly [string, string, number] => [
  "write",
  `${fd}<${hex(path)}>, "${hex(text)}", ${text.length}`,
  text.length,
];
const sync = (path: string, fd: number): readonly [string, string, number] => [
  "fdatasync",
  `${fd}<${hex(path)}>`,
  0,
];

describe("a disk after a power cut", () => {
  const calls = [
    open("/d/log", 5),
    write("/d/log", 5, "first "),
    sync("/d/log", 5),
    write("/d/log", 5, "second"),
    write("pipe:[1]", 1, '{"did":"ended"}\n'),
    open("/d/new", 6),
    write("/d/new", 6, "fresh"),
    ["rename", `"${hex("/d/new")}", "${hex("/d/current")}"`, 0],
    ["fsync", `7<${hex("/d")}>`, 0],
    ["unlink", `"${hex("/d/log")}"`, 0],
  ] as const;
  const trace = traceOf(calls);

  it("S6: keeps what was synced before the cut, and only that for certain", () => {
    const [log] = trace.files;
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    equal(text(splitWrites(log!, 3).durable), "first ");
    deepEqual(
      splitWrites(log!, 4).pending.map(({ bytes, offset }) => [text(bytes), offset]),
      [["second", 6]],
    );
    equal(splitWrites(log!, 2).durable.length, 0, "a sync that is not over has done nothing for certain");
  });

  it("S6: keeps the name of a synced file, all names up to a synced directory, and no later one for certain", () => {
    deepEqual(namingLimits(trace, 2), { least: 0, most: 1 });
    deepEqual(namingLimits(trace, 3), { least: 1, most: 1 });
    deepEqual(namingLimits(trace, 8), { least: 1, most: 3 });
    deepEqual(namingLimits(trace, 9), { least: 3, most: 3 });
    deepEqual(namingLimits(trace, 10), { least: 3, most: 4 });
  });

  it("hears what was said when the call began", () => {
    deepEqual(trace.said, [{ at: 4, line: '{"did":"ended"}' }]);
  });

  it("S7: loses, tears, zeroes and spoils what was not synced, and nothing else; the same for the same number", () => {
    const tails = new Set<string>();
    let undone = 0;
    for (let seed = 1; seed < 3_000; seed++) {
      const state = chooseState(trace, seed);
      const { cut, content } = state;
      deepEqual(chooseState(trace, seed), state);
      const log = content.get("log");
      if (cut > 2 && cut < 10) ok(log instanceof Uint8Array, "a synced name is there");
      if (log === undefined || log === null) continue;
      const text = Buffer.from(log).toString("latin1");
      if (cut > 2) equal(text.slice(0, 6), "first ");
      if (cut > 3) tails.add(text.slice(6));
      if (cut > 7 && content.has("new")) undone++;
    }
    for (const tail of ["", "second", "sec", "sec\0\0\0", "\0\0\0\0\0\0"])
      ok(tails.has(tail), JSON.stringify(tail));
    ok(tails.size > 30, "and anything in its place");
    ok(undone > 0, "a rename whose directory is not synced can be undone");
  });
});
