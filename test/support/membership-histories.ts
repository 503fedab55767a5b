/** Random histories: devices that act on what each of them knows, and now and then lie about it. */
import fc from "fast-check";
import type { ControlBody, ControlEntry } from "../../src/core/membership/types.ts";
import { bodies, TestAccount } from "./membership.ts";

const NAMES = ["a", "b", "c", "d", "e", "f", "g"] as const;
const MEMBERS = 4;

interface Step {
  readonly kind:
    | "admit"
    | "revoke"
    | "epoch"
    | "cloud"
    | "leave"
    | "tell"
    | "lie"
    | "phrase"
    | "fork"
    | "purge"
    | "countersign"
    | "void";
  readonly actor: number;
  readonly target: number;
  readonly luck: number;
}

const stepOf = (kinds: readonly Step["kind"][]): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    actor: fc.nat({ max: MEMBERS + 1 }),
    target: fc.nat({ max: NAMES.length - 1 }),
    luck: fc.nat({ max: 1_000 }),
  });

/** Long enough for circles: shorter ones would hold few operations that did not know each other. */
const LENGTH = { minLength: 6, maxLength: 30, size: "max" } as const;
const honest: readonly Step["kind"][] = [
  "admit",
  "revoke",
  "revoke",
  "epoch",
  "cloud",
  "leave",
  "tell",
  "tell",
  "tell",
];

/** Of one root, without forks. Steps and not accounts, so that a failing one is short to print. */
export const linearSteps = fc.array(stepOf([...honest, "lie", "lie", "phrase"]), LENGTH);

/** In which devices purge too, agree to purges and stop them, some of them with a past that suits them or by the phrase. */
export const purgingSteps = fc.array(
  stepOf([
    "purge",
    "purge",
    "countersign",
    "countersign",
    "countersign",
    "void",
    "void",
    "void",
    "tell",
    "tell",
    "revoke",
    "admit",
    "lie",
  ]),
  LENGTH,
);

/** In which devices fork their logs too. */
export const anySteps = fc.array(
  stepOf([...honest, "lie", "phrase", "fork", "purge", "countersign", "void"]),
  LENGTH,
);

/** What one device may write when it says whatever suits it. */
export const lies = fc.array(stepOf(["lie"]), { minLength: 1, maxLength: 6 });

export function writeLies(
  account: TestAccount,
  name: string,
  steps: readonly Step[],
): readonly ControlEntry[] {
  return steps.map((step) => lie(account, name, NAMES[step.target]!, step.luck));
}

export function buildHistory(steps: readonly Step[]): TestAccount {
  const account = TestAccount.of(...NAMES.slice(0, MEMBERS));
  for (const step of steps) {
    const actor = NAMES[step.actor]!;
    const target = NAMES[step.target]!;
    if (account.known(actor).length === 0) continue;
    take(account, step, actor, target);
  }
  return account;
}

function take(account: TestAccount, { kind, luck }: Step, actor: string, target: string): void {
  switch (kind) {
    case "admit":
      account.write(actor, bodies.admit(target, luck % 2 === 0 ? [] : [`e${luck % 5}`]));
      if (luck % 3 > 0) account.tell(actor, target);
      return;
    case "revoke":
      account.write(actor, bodies.revoke(target));
      return;
    case "leave":
      if (luck % 4 === 0) account.write(actor, bodies.revoke(actor));
      return;
    case "epoch": {
      const recipients = NAMES.filter((_, at) => Math.floor(luck / 2 ** at) % 2 === 0);
      account.write(actor, bodies.epoch(`e${luck % 5}`, recipients, { tips: [`e${luck % 3}`] }));
      return;
    }
    case "cloud":
      account.write(actor, bodies.cloud(`wss://${luck}.example`));
      return;
    case "tell":
      account.tell(actor, target);
      return;
    case "lie":
      lie(account, actor, target, luck);
      return;
    case "phrase": {
      const body = luck % 2 === 0 ? bodies.revoke(target) : bodies.admit(target);
      // In a stranger's log it would count once anyone names the stranger.
      const isNamed = (NAMES as readonly string[]).indexOf(actor) < MEMBERS;
      if (luck % 3 === 0 && isNamed) account.write(actor, body, { root: account.phrase });
      return;
    }
    case "purge":
      account.write(actor, bodies.purge(account.log(actor, "messages"), luck));
      return;
    case "countersign":
    case "void":
      settle(account, actor, bodies[kind], luck);
      return;
    case "fork": {
      const own = account.known(actor).filter(({ log }) => log === account.log(actor));
      const place = own[luck % Math.max(1, own.length)];
      if (place !== undefined && luck % 4 === 0)
        account.write(actor, bodies.cloud("fork"), { position: place.position });
    }
  }
}

/** Agrees to a purge or stops it: as it knows it, or as if it knew of nothing that came after it. */
function settle(
  account: TestAccount,
  actor: string,
  bodyOf: (purge: ControlEntry) => ControlBody,
  luck: number,
): void {
  const purges = account.entries.filter(({ operation }) => operation.body.kind === "purge");
  const purge = purges[luck % Math.max(1, purges.length)];
  if (purge === undefined) return;
  const after = luck % 4 === 0 ? { after: [purge] } : {};
  const isNamed = (NAMES as readonly string[]).indexOf(actor) < MEMBERS;
  const root = luck % 11 === 0 && isNamed ? { root: account.phrase } : {};
  account.write(actor, bodyOf(purge), { ...after, ...root });
}

/** Something that only an arbitrary part of the past, or none, is said to have come before. */
function lie(account: TestAccount, actor: string, target: string, luck: number): ControlEntry {
  const claimed = account.entries[luck % account.entries.length]!;
  const kinds = [
    bodies.revoke(target),
    bodies.revoke(target),
    bodies.admit(target),
    bodies.admit(actor),
    bodies.revoke(actor),
  ];
  return account.write(actor, kinds[luck % kinds.length]!, { after: luck % 7 === 0 ? [] : [claimed] });
}
