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

  it('passes a tree whose imports go down or stay level', () => {
    const { status, problems } = check({
      'worker/protocol.ts': 'export const level = 1\n',
      'worker/app.ts':
        "import { level } from './protocol.ts'\nimport fs from 'node:fs'\nexport { level, fs }\n",
      'worker/serve.ts': "import './app.ts'\n",
      'daemon/arbiter.ts': "import { level } from '../worker/protocol.ts'\nexport { level }\n",
      'daemon/main.ts': "await import('./arbiter.ts')\n",
    })
    expect(problems).to.deep.equal([])
    expect(status).to.equal(0)
  })

  const refused: readonly {
    readonly name: string
    readonly files: Readonly<Record<string, string>>
    readonly problem: string
  }[] = [
    {
      name: 'an import that goes up',
      files: { 'daemon/plan.ts': "import './arbiter.ts'\n", 'daemon/arbiter.ts': '' },
      problem: 'daemon/plan.ts:1: imports daemon/arbiter.ts: goes up from layer 2 to layer 4',
    },
    {
      name: 'a worker that knows the arbiter',
      files: { 'worker/main.ts': "\nimport type { A } from '../daemon/plan.ts'\n", 'daemon/plan.ts': '' },
      problem: 'worker/main.ts:2: imports daemon/plan.ts: worker must not know of it',
    },
    {
      name: 'an arbiter that imports more of the worker than its language',
      files: { 'daemon/arbiter.ts': "import { serve } from '../worker/serve.ts'\n", 'worker/serve.ts': '' },
      problem: 'daemon/arbiter.ts:1: imports worker/serve.ts: daemon must not know of it',
    },
    {
      name: 'a configuration that knows the worker',
      files: { 'config/table.ts': "export * from '../worker/exit.ts'\n", 'worker/exit.ts': '' },
      problem: 'config/table.ts:1: imports worker/exit.ts: config must not know of it',
    },
    {
      name: 'an import over several lines',
      files: { 'worker/exit.ts': "import {\n  type A,\n  b,\n} from './serve.ts'\n", 'worker/serve.ts': '' },
      problem: 'worker/exit.ts:4: imports worker/serve.ts: goes up from layer 0 to layer 3',
    },
    {
      name: 'an import at run time',
      files: { 'worker/exit.ts': "export const s = () => import('./serve.ts')\n", 'worker/serve.ts': '' },
      problem: 'worker/exit.ts:1: imports worker/serve.ts: goes up from layer 0 to layer 3',
    },
    {
      name: 'an import from a folder without layers',
      files: { 'daemon/main.ts': "import '../scripts/bench.ts'\n" },
      problem:
        'daemon/main.ts:1: imports scripts/bench.ts: only config, hooks, worker, daemon may be imported',
    },
    {
      name: 'an import of a file that does not exist',
      files: { 'daemon/main.ts': "import './arbiter.ts'\n" },
      problem: 'daemon/main.ts:1: imports daemon/arbiter.ts: there is no such file',
    },
    {
      name: 'a file without a layer',
      files: { 'worker/utils.ts': '' },
      problem: 'worker/utils.ts: has no layer: declare it in scripts/layer-table.ts',
    },
    {
      name: 'a long file',
      files: { 'worker/serve.ts': '//\n'.repeat(251) },
      problem: 'worker/serve.ts: has 251 lines, more than 250: give its second noun a file of its own',
    },
    {
      name: 'a circle',
      files: {
        'worker/app.ts': "import './serve.ts'\n",
        'worker/serve.ts': "import './connections.ts'\n",
        'worker/connections.ts': "import type { A } from './app.ts'\n",
      },
      problem:
        'worker/app.ts: imports itself in a circle: worker/app.ts -> worker/serve.ts -> worker/connections.ts -> worker/app.ts',
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
    expect(check({ 'daemon/plan.ts': source, 'daemon/arbiter.ts': '' }).problems).to.deep.equal([])
  })
})
