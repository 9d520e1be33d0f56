/** The guard of the architecture passes what keeps to it, and refuses every kind of breach. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const script = fileURLToPath(new URL('../../scripts/check-layers.ts', import.meta.url))

describe('check-layers', () => {
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tsicorn-layers-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  function check(files: Readonly<Record<string, string>>) {
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), source)
    }
    const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
    return { status, problems: stderr.split('\n').filter(line => line !== '') }
  }

  it('passes a tree whose imports stay in a room, or go where they may', () => {
    const { status, problems } = check({
      'worker/protocol/messages.ts': 'export const level = 1\n',
      'worker/protocol/frame.ts':
        "import type { Settings } from '../../config/table.ts'\nexport type { Settings }\n",
      'config/table.ts': 'export interface Settings {}\n',
      'worker/app/load.ts':
        "import { level } from '../protocol/messages.ts'\nimport fs from 'node:fs'\nexport { level, fs }\n",
      'worker/server/serve.ts': "import '../app/load.ts'\nimport './service.ts'\n",
      'worker/server/service.ts': '',
      'daemon/arbiter/arbiter.ts':
        "import { level } from '../../worker/protocol/messages.ts'\nexport { level }\n",
      'daemon/main.ts': "await import('./arbiter/arbiter.ts')\n",
    })
    expect(problems).to.deep.equal([])
    expect(status).to.equal(0)
  })

  const many = Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`hooks/${index}.ts`, '']))
  const plan = 'daemon/state/plan.ts'
  const arbiter = 'daemon/arbiter/arbiter.ts'
  const exit = 'worker/protocol/exit-codes.ts'
  const serve = 'worker/server/serve.ts'

  const refused: readonly {
    readonly name: string
    readonly files: Readonly<Record<string, string>>
    readonly problem: string
  }[] = [
    {
      name: 'an import that goes up',
      files: { [plan]: "import '../arbiter/arbiter.ts'\n", [arbiter]: '' },
      problem: `${plan}:1: imports ${arbiter}: daemon/state must not know of daemon/arbiter`,
    },
    {
      name: 'a worker that knows the arbiter',
      files: { 'worker/main.ts': "\nimport type { A } from '../daemon/state/plan.ts'\n", [plan]: '' },
      problem: `worker/main.ts:2: imports ${plan}: worker must not know of daemon/state`,
    },
    {
      name: 'an arbiter that imports more of the worker than its language',
      files: { [arbiter]: "import { serve } from '../../worker/server/serve.ts'\n", [serve]: '' },
      problem: `${arbiter}:1: imports ${serve}: daemon/arbiter must not know of worker/server`,
    },
    {
      name: 'a configuration that knows the worker',
      files: { 'config/table.ts': "export * from '../worker/protocol/exit-codes.ts'\n", [exit]: '' },
      problem: `config/table.ts:1: imports ${exit}: config must not know of worker/protocol`,
    },
    {
      name: 'an import of more than types, where only types may be imported',
      files: { [exit]: "import { type A, b } from '../../config/table.ts'\n", 'config/table.ts': '' },
      problem: `${exit}:1: imports config/table.ts: worker/protocol must not know of config`,
    },
    {
      name: 'an import over several lines',
      files: { [exit]: "import {\n  type A,\n  b,\n} from '../server/serve.ts'\n", [serve]: '' },
      problem: `${exit}:4: imports ${serve}: worker/protocol must not know of worker/server`,
    },
    {
      name: 'an import at run time',
      files: { [exit]: "export const s = () => import('../server/serve.ts')\n", [serve]: '' },
      problem: `${exit}:1: imports ${serve}: worker/protocol must not know of worker/server`,
    },
    {
      name: 'an import from a folder that is no room',
      files: { 'daemon/main.ts': "import '../scripts/bench.ts'\n" },
      problem: 'daemon/main.ts:1: imports scripts/bench.ts: scripts is no room',
    },
    {
      name: 'an import of a file that does not exist',
      files: { 'daemon/main.ts': "import './arbiter/arbiter.ts'\n" },
      problem: `daemon/main.ts:1: imports ${arbiter}: there is no such file`,
    },
    {
      name: 'a room that nobody has declared',
      files: { 'worker/utils/text.ts': '' },
      problem: 'worker/utils: is no room: declare it in scripts/layer-table.ts',
    },
    {
      name: 'a room with too many files',
      files: many,
      problem: 'hooks: has 13 files, more than 12: it is more than one room',
    },
    {
      name: 'a folder of tests with too many files',
      files: Object.fromEntries(Object.keys(many).map(path => [`test/${path}`, ''])),
      problem: 'test/hooks: has 13 files, more than 12: it is more than one room',
    },
    {
      name: 'a module of Node where everything is pure',
      files: { [plan]: "import { performance } from 'node:perf_hooks'\n" },
      problem: `${plan}: imports node:perf_hooks: daemon/state is pure`,
    },
    {
      name: 'a long file',
      files: { [serve]: '//\n'.repeat(251) },
      problem: `${serve}: has 251 lines, more than 250: give its second noun a file of its own`,
    },
    {
      name: 'a circle',
      files: {
        'worker/app/load.ts': "import './guards.ts'\n",
        'worker/app/guards.ts': "import './pending.ts'\n",
        'worker/app/pending.ts': "import type { A } from './load.ts'\n",
      },
      problem:
        'worker/app/guards.ts: imports itself in a circle: worker/app/guards.ts -> worker/app/pending.ts -> worker/app/load.ts -> worker/app/guards.ts',
    },
    {
      name: 'a circle of tests and scripts',
      files: { 'scripts/a.ts': "import '../test/b.ts'\n", 'test/b.ts': "import '../scripts/a.ts'\n" },
      problem: 'scripts/a.ts: imports itself in a circle: scripts/a.ts -> test/b.ts -> scripts/a.ts',
    },
  ]
  for (const { name, files, problem } of refused) {
    it(`refuses ${name}`, () => {
      const { status, problems } = check(files)
      expect(problems).to.deep.equal([problem])
      expect(status).to.equal(1)
    })
  }

  it('passes a generated file of any length', () => {
    expect(check({ 'config/option-docs.ts': '//\n'.repeat(1000) }).problems).to.deep.equal([])
  })

  it('does not take words in comments for imports', () => {
    const source =
      "/**\n * import './arbiter.ts'\n * See import('./arbiter.ts').\n */\n// import('./arbiter.ts')\n"
    expect(check({ [plan]: source, [arbiter]: '' }).problems).to.deep.equal([])
  })
})
