/** Which incoming connections are let in. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Admission, type Admitted } from "../../../src/io/net/admission.ts";
import { defaultLimits } from "../../../src/io/net/limits.ts";

const LIMITS = {
  ...defaultLimits,
  connectionsPerHostMax: 6,
  connectionsPerHostPerSecond: 5,
  pendingPerHostMax: 3,
};

function open(): { readonly admission: Admission; readonly wait: (ms: number) => void } {
  let now = 0;
  return {
    admission: new Admission(LIMITS, () => now),
    wait: (ms) => {
      now += ms;
    },
  };
}

const count = (admission: Admission, host: string, tries: number): number =>
  Array.from({ length: tries }, () => admission.admit(host)).filter((admitted) => admitted !== undefined)
    .length;

describe("admission", () => {
  it("N7: holds so many unfinished handshakes of one address, and leaves the others alone", () => {
    const { admission } = open();
    equal(count(admission, "192.168.1.2", 5), 3);
    equal(count(admission, "192.168.1.3", 5), 3);
  });

  it("N7: takes so many a second from one address", () => {
    const { admission, wait } = open();
    const come = (): Admitted | undefined => {
      const admitted = admission.admit("192.168.1.2");
      admitted?.gone();
      return admitted;
    };
    deepEqual(
      Array.from({ length: 7 }, () => come() !== undefined),
      [true, true, true, true, true, false, false],
    );
    wait(1_000);
    ok(come() !== undefined);
  });

  it("N11: holds so many connections of one address, until one of them is gone", () => {
    const { admission, wait } = open();
    const held: Admitted[] = [];
    for (let second = 0; second < 5; second++) {
      for (let n = 0; n < 3; n++) {
        const admitted = admission.admit("fe80::2");
        admitted?.upgraded();
        if (admitted !== undefined) held.push(admitted);
      }
      wait(1_000);
    }
    equal(held.length, 6);
    held[0]?.gone();
    held[0]?.gone();
    equal(count(admission, "fe80::2", 3), 1);
  });

  it("counts a handshake that failed once only", () => {
    const { admission, wait } = open();
    const [first, second] = [admission.admit("10.0.0.2"), admission.admit("10.0.0.2")];
    first?.gone();
    first?.upgraded();
    second?.upgraded();
    second?.upgraded();
    wait(1_000);
    equal(count(admission, "10.0.0.2", 5), 3);
  });

  it("lets every connection of this machine in", () => {
    const { admission } = open();
    for (const host of ["127.0.0.1", "127.3.3.3", "::1"]) equal(count(admission, host, 100), 100);
  });

  it("N7: remembers a bounded number of addresses, and forgets those that are gone", () => {
    const { admission, wait } = open();
    const hosts = Array.from({ length: 3_000 }, (_, n) => `10.0.${Math.floor(n / 250)}.${n % 250}`);
    const admitted = hosts.map((host) => admission.admit(host));
    equal(admitted.filter((each) => each !== undefined).length, 1_024);
    for (const each of admitted) each?.gone();
    equal(admission.admit("10.9.9.9"), undefined);
    wait(1_000);
    ok(admission.admit("10.9.9.9") !== undefined);
  });
});
