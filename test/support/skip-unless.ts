/** Leaves a test out where the machine lacks what it needs, and says in its title what that is: the report shows it. */

/** Ends the test here where `holds` is false. `needs`: what it takes, as in "needs root". */
export function skipUnless(test: Mocha.Context, holds: boolean, needs: string): asserts holds {
  if (holds) return;
  test.runnable().title += ` (skipped: ${needs})`;
  test.skip();
}
