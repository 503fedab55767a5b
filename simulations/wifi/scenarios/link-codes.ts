/** Codes that are guessed: a wrong one is refused and dies, and hundreds of false members have one guess between them. */
import { foundAccount } from "../family.ts";
import { CommandError, type Host } from "../host.ts";
import { beginProgram } from "../begin-program.ts";
import type { Scenario, Stage } from "../stage.ts";
import { formatMs, type Report } from "../table.ts";

const CODE_MS = 20_000;
const FAKES = 500;
const FAKE_ADDRESSES = 50;
const FAKES_READY_MS = 60_000;
/** A code that nobody shows. */
const FAKE_CODE = "57-ostrich-violin";
const ABSURD_WORDS = "abandon-zoo";

export const linkCodes: Scenario = {
  number: 8,
  name: "link codes",
  play: async (stage, report) => {
    const wifi = await stage.openWifi("codes");
    const member = await stage.addHost(wifi, "member", "Code showing desktop Fairweather");
    const joiner = await stage.addHost(wifi, "joiner", "Code typing phone Fairweather");
    const attacker = await stage.addHost(wifi, "attacker", "unused");
    await foundAccount(stage, member);
    const victim = await stage.addHost(wifi, "victim", "Code typing tablet Fairweather");
    // The first one mostly waits until nobody was found.
    await Promise.all([
      checkWrongCode(report, member, joiner),
      checkFakes(stage, report, { joiner: victim, attacker }),
    ]);
  },
};

async function checkWrongCode(report: Report, member: Host, joiner: Host): Promise<void> {
  const linking = member.begin(["link", "--yes"]);
  linking.endInput();
  const { value } = await linking.line((line) => typeof line.value["code"] === "string", CODE_MS);
  const right = String(value["code"]);
  const wrong = `${right.split("-")[0]}-${ABSURD_WORDS}`;
  const first = await joinCode(joiner, wrong);
  report.check("join with wrong words", "CODE_WRONG, exit 1", first, first === "CODE_WRONG, exit 1");
  const { code, lines } = await linking.ended;
  const error = lines.at(-1)?.value["error"] as { readonly code: string } | undefined;
  report.check(
    "link, after a wrong guess",
    "CODE_WRONG, exit 1",
    `${error?.code}, exit ${code}`,
    code === 1 && error?.code === "CODE_WRONG",
  );
  const second = await joinCode(joiner, right);
  report.check(
    "the same code with the right words",
    "refused: the code is dead",
    second,
    second !== "joined",
  );
}

async function checkFakes(
  stage: Stage,
  report: Report,
  { joiner, attacker }: { readonly joiner: Host; readonly attacker: Host },
): Promise<void> {
  const addresses = Array.from({ length: FAKE_ADDRESSES }, (_, at) => `10.77.0.${150 + at}`);
  for (const address of addresses)
    await attacker.station.ip("address", "add", `${address}/24`, "dev", attacker.plug.device);
  const fakes = beginProgram(stage, attacker.station, "fake-members", [
    FAKE_CODE.split("-")[0]!,
    String(FAKES),
    ...addresses,
  ]);
  await fakes.line((line) => line.value["event"] === "ready", FAKES_READY_MS);
  const startedAt = performance.now();
  const outcome = await joinCode(joiner, FAKE_CODE);
  const tookMs = performance.now() - startedAt;
  fakes.endInput();
  const { lines } = await fakes.ended;
  const counts = lines.at(-1)?.value as Readonly<
    Record<"announced" | "greeted" | "exchanges" | "proofs", number>
  >;
  report.check(
    `${FAKES} false members on the network: guesses that they get`,
    "at most 1 between them",
    `${counts.exchanges} (${counts.announced} answers, ${counts.greeted} greeted, ${counts.proofs} proofs asked)`,
    counts.exchanges <= 1,
  );
  report.check(
    `${FAKES} false members: what the joiner is told`,
    "an error, nothing joined",
    `${outcome} after ${formatMs(tookMs)}`,
    outcome !== "joined",
  );
}

async function joinCode(host: Host, code: string): Promise<string> {
  try {
    await host.run(["join", code, "--name", host.name]);
    return "joined";
  } catch (error) {
    if (error instanceof CommandError) return `${error.code}, exit ${error.exit}`;
    throw error;
  }
}
