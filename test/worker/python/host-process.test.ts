/** Starting a Python host: what is wrong with an application, with Python, or with how they are named. */
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { PythonSettings } from '../../../worker/python/command.ts'
import { HostProcess } from '../../../worker/python/host-process.ts'
import { startHost } from '../../../worker/python/started-host.ts'
import { describeWithPython } from '../../support/python/launch.ts'
import { makeFolder } from '../../support/tsicorn.ts'

const defaults = {
  threads: 1,
  python: null,
  pythonpath: [],
  paste: null,
  raw_paste_global_conf: [],
} as const

const files = {
  'raises.py': 'raise ValueError("while it was imported")\n',
  'spoilt.py': 'def application(:\n',
  'leaves.py': 'import sys\nsys.exit("the app left")\n',
  'crashes.py': 'import os\nos._exit(7)\n',
  'value.py':
    'application = 3\ndef none():\n    return None\ndef raises():\n    raise KeyError("in the factory")\n',
  'needs.py': 'import no_such_module_here\n',
  'pkg/__init__.py': '',
  old: `#!/bin/sh
exec python3 -c 'import sys; sys.version_info = (3, 8); sys.argv = sys.argv[1:]
exec(compile(open(sys.argv[0]).read(), "host", "exec"), {"__name__": "__main__", "__file__": sys.argv[0]})' "$@"
`,
}

describeWithPython('a Python host', () => {
  let folder: string
  before(() => {
    folder = makeFolder(files)
    chmodSync(join(folder, 'old'), 0o755)
  })
  after(() => rmSync(folder, { recursive: true }))

  async function failure(settings: Partial<PythonSettings> & { readonly app: string }): Promise<string> {
    try {
      const host = new HostProcess(startHost({ ...defaults, ...settings }, folder), settings.app)
      await host.ready
      host.kill()
      return 'it is ready'
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`
    }
  }

  const expected: Readonly<Record<string, RegExp>> = {
    nowhere: /^AppMissing: Cannot load the app "nowhere": there is no Python module 'nowhere' in \S+/,
    'pkg.web:app': /^AppMissing: .*there is no Python module 'pkg\.web' in /,
    needs:
      /^AppFailed: The app "needs" failed: Traceback[\s\S]*needs\.py", line 1[\s\S]*No module named 'no_such_module_here'$/,
    raises:
      /^AppFailed: The app "raises" failed: Traceback \(most recent call last\):\n {2}File "\S+raises\.py", line 1[\s\S]*ValueError: while it was imported$/,
    spoilt: /^AppFailed: The app "spoilt" failed: [\s\S]*spoilt\.py", line 1[\s\S]*SyntaxError/,
    leaves: /^AppFailed: The app "leaves" failed: [\s\S]*SystemExit: the app left$/,
    crashes:
      /^AppFailed: The app "crashes" failed: Python ended with code 7 before it had loaded it; what it printed is/,
    value: /^AppError: .*application of the module 'value' is no application: 3 cannot be called$/,
    'value:other': /^AppError: .*the module 'value' has no attribute 'other'$/,
    'value:none()': /^AppError: .*none\(\) of the module 'value' returned None$/,
    'value:raises()': /^AppFailed: .*Traceback[\s\S]*KeyError: 'in the factory'$/,
    'value:none(x)':
      /^AppError: .*'none\(x\)' is neither a name nor a call with literals: write it as app:name/,
    'value:a.b': /^AppError: .*'a\.b' is neither a name nor a call/,
    './value.py:application': /^AppError: .*names no Python module: write it as value:application$/,
    'lib/value.py': /^AppError: .*names no Python module: write it as lib\.value$/,
  }

  for (const [app, why] of Object.entries(expected)) {
    it(`says what is wrong with ${app}`, async () => {
      expect(await failure({ app })).to.match(why)
    })
  }

  it('says what is wrong with Python', async () => {
    expect(await failure({ app: 'value', python: 'python9' })).to.equal(
      'AppFailed: Cannot start Python (python9): there is no such program: install Python 3.9 or later, or name it with the setting python',
    )
    expect(await failure({ app: 'value', python: './old' })).to.equal(
      'AppMissing: Cannot load the app "value": Python 3.8 is too old: Python 3.9 or later is needed',
    )
  })

  it('says what is wrong with a paste file', async () => {
    expect(await failure({ app: 'no.ini', paste: 'no.ini' })).to.match(
      /^AppMissing: .*there is no paste file \S+\/no\.ini$/,
    )
  })
})
