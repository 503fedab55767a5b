/** `npm run threats`: which threats of docs/threats.md tests carry in their names, and which wait for what. */
import { parseArgs } from "node:util";
import { kindOf, readNames, type TestName } from "./names.ts";
import { readRegister, type Threat } from "./register.ts";

const EXIT_USAGE = 2;
const EXIT_FAILED = 1;
const WIDTH = 100;
const usage = `npm run threats -- [ID…]

Lists the threats of docs/threats.md: how many names of tests carry each, with one of them, then those that wait, by what they
wait for. With IDs: every name that carries one of them.`;

function readIds(known: ReadonlySet<string>): readonly string[] {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { help: { type: "boolean", default: false } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const strange = positionals.find((id) => !known.has(id));
    if (strange !== undefined) throw new Error(`there is no threat ${strange}`);
    return positionals;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : "wrong arguments"}\n\n${usage}`);
    process.exit(EXIT_USAGE);
  }
}

function grouped<Item>(
  items: readonly Item[],
  groupOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(groupOf(item));
    if (group === undefined) groups.set(groupOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function printTested({ id }: Threat, names: readonly TestName[]): void {
  const counts = [...grouped(names, ({ path }) => kindOf(path))]
    .map(([kind, some]) => `${some.length} ${kind}`)
    .join(", ");
  const example = names[0]?.name ?? "";
  console.log(
    `${id.padEnd(4)}${counts.padEnd(38)}${example.length > WIDTH ? `${example.slice(0, WIDTH)}…` : example}`,
  );
}

const threats = readRegister();
const ids = readIds(new Set(threats.map(({ id }) => id)));
const all = readNames();
const namesOf = (id: string): readonly TestName[] => all.filter((each) => each.ids.includes(id));

if (ids.length > 0) {
  for (const id of ids) for (const { name, path } of namesOf(id)) console.log(`${path}  ${name}`);
} else {
  const tested = threats.filter(({ id }) => namesOf(id).length > 0);
  for (const threat of tested) printTested(threat, namesOf(threat.id));
  const waiting = grouped(
    threats.filter(({ id }) => namesOf(id).length === 0),
    ({ waitsFor }) => waitsFor ?? "a test: the register says that there is one",
  );
  for (const [what, some] of waiting) {
    console.log(`\nwaits for ${what}`);
    for (const { id, what: threat } of some) console.log(`  ${id.padEnd(4)}${threat}`);
  }
  console.log(`\n${tested.length} of ${threats.length} threats are carried by ${all.length} names of tests`);
  if (threats.some(({ id, waitsFor }) => waitsFor === null && namesOf(id).length === 0))
    process.exitCode = EXIT_FAILED;
}
