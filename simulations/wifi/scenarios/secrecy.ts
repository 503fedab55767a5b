/** Looks through every capture of the run for what must not be there. Played when all hosts are silent. */
import { hostname } from "node:os";
import { CanaryScanner } from "../canaries.ts";
import type { Scenario } from "../stage.ts";

/** Shorter names are met by chance. */
const NAME_LENGTH_MIN = 8;
const TEXTS_MIN = 200;

export const secrecy: Scenario = {
  number: 6,
  name: "what the network saw",
  play: async (stage, report) => {
    const texts = new Set(
      [...stage.secretTexts].filter((text) => Buffer.byteLength(text) >= NAME_LENGTH_MIN),
    );
    if (hostname().length >= NAME_LENGTH_MIN) texts.add(hostname());
    const scanner = new CanaryScanner({ texts: [...texts, stage.controlText], ids: stage.secretIds });
    let [packets, bytes, lost, cut] = [0, 0, 0, 0];
    for (const capture of stage.captures) {
      lost += (await capture.end()).lost;
      for (const packet of capture.packets()) {
        packets++;
        bytes += packet.frame.length;
        if (packet.isCut) cut++;
        scanner.scanPacket(packet, packet.frame);
      }
    }
    stage.progress(`secrecy: looked through ${packets} packets, ${(bytes / 2 ** 20).toFixed(0)} MiB`);
    report.check(
      "packets that the captures missed",
      "0",
      `${lost} lost, ${cut} cut of ${packets}`,
      lost + cut === 0 && packets > 0,
    );
    const found = scanner.findings.filter(({ secret }) => secret !== stage.controlText);
    const control = scanner.findings.filter(({ secret }) => secret === stage.controlText);
    if (stage.hasTalked)
      report.check(
        "a text said in the open on purpose is found",
        "raw, hex, base64",
        control.map(({ form }) => form).join(", "),
        control.length === 3,
      );
    report.check(
      `${texts.size} texts, numbers and names as raw, hex or base64`,
      `0 found; at least ${TEXTS_MIN} looked for`,
      describe(found.filter(({ secret }) => texts.has(secret))),
      texts.size >= TEXTS_MIN && !found.some(({ secret }) => texts.has(secret)),
    );
    report.check(
      `${stage.secretIds.size} ids of devices and accounts as raw, hex or base64`,
      "0 found",
      describe(found.filter(({ secret }) => stage.secretIds.has(secret))),
      !found.some(({ secret }) => stage.secretIds.has(secret)),
    );
  },
};

function describe(found: readonly { readonly secret: string; readonly form: string }[]): string {
  const first = found
    .slice(0, 3)
    .map(({ secret, form }) => `${form} of ${JSON.stringify(secret.slice(0, 24))}`);
  return [`${found.length} found`, ...first].join(": ");
}
