/** Random histories: devices that act on what each of them knows, and now and then lie about it. */
import fc from "fast-check";
import type { ControlEntry } from "../../src/core/membership/types.ts";
import { bodies, TestAccount } from "./membership.ts";

const NAMES = ["a", "b", "c", "d", "e", "f", "g"] as const;
const MEMBERS = 4;

interface Step {
  readonly kind: "admit" | "revoke" | "epoch" | "cloud" | "leave" | "tell" | "lie" | "phrase" | "fork";
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

/** In which devices fork their logs too. */
export const anySteps = fc.array(stepOf([...honest, "lie", "phrase", "fork"]), LENGTH);

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
    case "fork": {
      const own = account.known(actor).filter(({ log }) => log === account.log(actor));
      const place = own[luck % Math.max(1, own.length)];
      if (place !== undefined && luck % 4 === 0)
        account.write(actor, bodies.cloud("fork"), { position: place.position });
    }
  }
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
