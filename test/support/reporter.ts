/** The reporter of the tests, which `.mocharc.mjs` names. */
import Mocha from 'mocha'

const { EVENT_RUN_END } = Mocha.Runner.constants

/** Mocha's own report, and as the very last line `N passed, N failed`, which is easy to find for people and scripts. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    // Spec prints its epilogue on this event too and has subscribed before, so this line follows it.
    runner.once(EVENT_RUN_END, () => {
      const skipped = this.stats.pending > 0 ? `, ${this.stats.pending} skipped` : ''
      console.log(`${this.stats.passes} passed, ${this.stats.failures} failed${skipped}`)
    })
  }
}
