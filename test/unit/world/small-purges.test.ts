import { equal } from "node:assert/strict";
import { type NamedPurge, SmallPurges } from "../../../simulations/world/small-purges.ts";
import type { ControlId, DeviceId } from "../../../src/core/base/ids.ts";

function purge(id: string, author: string, length: number): NamedPurge {
  return { id: id as ControlId, author: author as DeviceId, entries: { length } };
}

/** Of each of these places, gone one after the other, whether all that is gone by then is explained. */
function explained(...places: readonly (readonly NamedPurge[])[]): string {
  const day = new SmallPurges();
  return places.map((purges) => (day.explains(purges) ? "yes" : "no")).join(" ");
}

describe("what the world takes for small purges", () => {
  const many = [1, 2, 3, 4, 5].map((at) => purge(`many-${at}`, "hostile", 20));
  const [first, second, third, fourth, fifth] = many as [
    NamedPurge,
    NamedPurge,
    NamedPurge,
    NamedPurge,
    NamedPurge,
  ];
  const one = purge("one", "honest", 1);

  it("counts a purge whole with the first of its places, and not again with the next", () => {
    equal(explained([first], [second], [third], [fourth], [first], [fourth]), "yes yes yes yes yes yes");
    equal(explained([first], [second], [third], [fourth], [fifth]), "yes yes yes yes no");
  });

  it("counts each author for itself, just below the limit", () => {
    const nearly = purge("nearly", "hostile", 99);
    equal(explained([nearly], [one], [purge("too-much", "hostile", 1)]), "yes yes no");
  });

  it("takes a place for that of a small purge which names it beside one that waits, in whatever order they are known", () => {
    equal(explained([first], [second], [third], [fourth], [fifth, one]), "yes yes yes yes yes");
    equal(explained([first], [second], [third], [fourth], [one, fifth]), "yes yes yes yes yes");
  });

  it("takes it for that of the other where this explains what goes later", () => {
    equal(explained([fifth, one], [first], [second], [third], [fourth]), "yes yes yes yes yes");
    equal(explained([fifth, one], [first], [second], [third], [fourth], [fifth]), "yes yes yes yes yes no");
  });

  it("finds none where both are too much", () => {
    const other = purge("other", "honest", 99);
    equal(explained([first], [second], [third], [fourth], [one], [fifth, other]), "yes yes yes yes yes no");
  });
});
