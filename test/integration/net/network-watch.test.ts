/** Noticing that the network changed or the machine slept. */
import { equal } from "node:assert/strict";
import { watchNetwork } from "../../../src/io/net/network-watch.ts";

const EVERY_MS = 5;

describe("the network watch", () => {
  let fingerprint: string;
  let wallMs: number;
  let looks: number;
  let changes: number;
  let close: () => void;

  beforeEach(() => {
    [fingerprint, wallMs, looks, changes] = ["a", 0, 0, 0];
    ({ close } = watchNetwork(() => changes++, {
      fingerprint: () => {
        looks++;
        return fingerprint;
      },
      wallMs: () => {
        wallMs += EVERY_MS;
        return wallMs;
      },
      everyMs: EVERY_MS,
    }));
  });

  afterEach(() => close());

  /** Waits for two more looks: one of them began after the call. */
  async function look(): Promise<void> {
    const until = looks + 2;
    while (looks < until) {
      await new Promise((resolve) => {
        setTimeout(resolve, EVERY_MS);
      });
    }
  }

  it("says nothing while nothing changes", async () => {
    await look();
    equal(changes, 0);
  });

  it("N14: tells once of other addresses", async () => {
    fingerprint = "b";
    await look();
    equal(changes, 1);
    await look();
    equal(changes, 1);
  });

  it("N14: tells of a clock that jumped either way, as after sleep", async () => {
    wallMs += 60_000;
    await look();
    equal(changes, 1);
    wallMs -= 60_000;
    await look();
    equal(changes, 2);
  });

  it("bears a look that comes late", async () => {
    wallMs += 9_000;
    await look();
    equal(changes, 0);
  });

  it("is silent once closed", async () => {
    close();
    fingerprint = "b";
    await new Promise((resolve) => {
      setTimeout(resolve, 4 * EVERY_MS);
    });
    equal(changes, 0);
  });
});
