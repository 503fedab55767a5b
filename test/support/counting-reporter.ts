/**
 * Mocha's spec reporter with one plain line at the very end: `N passed, N failed`, and `, N skipped` when
 * something was skipped. `.ci/run` reads this line and adds it up over the runs.
 */
import Mocha from "mocha";

const { EVENT_RUN_END } = Mocha.Runner.constants;

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    // The base class has registered its own summary for this event already, so that ours comes after it.
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const skipped = pending === 0 ? "" : `, ${pending} skipped`;
      console.log(`${passes} passed, ${failures} failed${skipped}`);
    });
  }
}
