/** WSGI applications for tests, which need Python and nothing besides its standard library. */
import { spawnSync } from 'node:child_process'
import { type LaunchOptions, launch, makeFolder, Tsicorn, testApp } from '../tsicorn.ts'

/** Why tests of WSGI applications cannot run; undefined where they can. */
export const whyNoPython = checkPython()

function checkPython(): string | undefined {
  const { status, stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 9))'], {
    encoding: 'utf8',
  })
  if (status !== 0) return 'there is no python3'
  return stdout.trim() === 'True' ? undefined : 'python3 is older than 3.9'
}

/** A suite that is skipped, and says why, where Python is missing. */
export function describeWithPython(title: string, suite: (this: Mocha.Suite) => void): void {
  if (whyNoPython === undefined) describe(title, suite)
  else describe.skip(`${title} (skipped: ${whyNoPython})`, suite)
}

/** Serves this text, in `app.py`, on a free port. */
export function launchPython(
  text: string,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): Tsicorn {
  const files = { ...options.files, 'app.py': text }
  return launch({ ...options, args: ['-b', '127.0.0.1:0', '-k', 'wsgi', ...args, 'app'], files })
}

/** Serves `test/apps/wsgi/NAME.py` on a free port. */
export function launchModule(
  name: string,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): Tsicorn {
  return launch(moduleOptions(name, args, options))
}

/** The same for all tests of a suite, which may have errors in its log. */
export function shareModule(name: string, args: readonly string[] = []): { url: string; server: Tsicorn } {
  const shared = {} as { url: string; server: Tsicorn }
  let failures = 0
  before(async () => {
    shared.server = new Tsicorn(makeFolder(), moduleOptions(name, args, { errors: true }))
    shared.url = await shared.server.running()
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') failures += 1
  })
  after(async () => await shared.server.cleanUp(failures > 0))
  return shared
}

function moduleOptions(name: string, args: readonly string[], options: LaunchOptions): LaunchOptions {
  const env = { PYTHONDONTWRITEBYTECODE: '1', ...options.env }
  const own = ['-b', '127.0.0.1:0', '-k', 'wsgi', '--chdir', testApp('wsgi')]
  return { ...options, env, args: [...own, ...args, name] }
}
