/** How Mocha runs the tests: all of them unless files are named, and those that take longest first. */
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Types are stripped, and code is compiled, once for all processes that run tests, and for all that these start.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('node_modules/.cache/tsicorn-tests', import.meta.url),
)

/** By how long they take: one that comes late would run alone in the end. */
const longest = [
  'test/process/lifecycle/upgrade.test.ts',
  'test/process/lifecycle/reload.test.ts',
  'test/simulation/simulation.test.ts',
  'test/process/apps/own-address.test.ts',
  'test/systemd/systemd.test.ts',
  'test/process/lifecycle/supervision.test.ts',
  'test/process/tls/tls.test.ts',
  'test/process/lifecycle/signals.test.ts',
  'test/process/apps/worker-channel.test.ts',
  'test/process/apps/apps.test.ts',
  'test/process/http2/http2.test.ts',
  'test/process/lifecycle/start.test.ts',
  'test/page/browser/status-page.test.ts',
  'test/process/apps/habits.test.ts',
  'test/process/lifecycle/drain.test.ts',
  'test/process/apps/app-shutdown.test.ts',
  'test/process/error-page/error-page.test.ts',
]
const others = globSync('test/**/*.test.ts').filter(file => !longest.includes(file))
const areNamed = process.argv.slice(2).some(argument => /(?:^|\/)test(?:\/|$)|\.test\./.test(argument))

export default {
  extension: ['test.ts'],
  recursive: true,
  require: ['./test/support/bundle.ts', './test/support/tsicorn.ts'],
  timeout: 120_000,
  retries: 0,
  parallel: true,
  jobs: 6,
  reporter: './test/support/reporter.ts',
  ...(areNamed ? {} : { spec: [...longest, ...others.sort()] }),
}
