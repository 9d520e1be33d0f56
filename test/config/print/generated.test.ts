/** Pages and schema that are made from the code are up to date, and leave out no setting, hook or exit code. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { settingNames } from '../../../config/table.ts'
import { hookTable } from '../../../hooks/table.ts'
import { exitCodes } from '../../../worker/protocol/exit-codes.ts'

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')

describe('generated files', () => {
  it('are fresh: npm run generate changes nothing', () => {
    const script = fileURLToPath(new URL('../../../scripts/generate.ts', import.meta.url))
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
    expect([status, stderr]).to.deep.equal([0, ''])
  })

  it('document every setting, hook and exit code', () => {
    const [settings, hooks, codes] = ['settings', 'hooks', 'exit-codes'].map(page => read(`docs/${page}.md`))
    for (const name of settingNames) expect(settings).to.include(`\n### ${name}\n`)
    for (const name of Object.keys(hookTable)) expect(hooks).to.include(`\`${name}(`)
    for (const { code } of Object.values(exitCodes)) expect(codes).to.include(`| ${code} |`)
  })

  it('hold a schema of every setting that a file can set', () => {
    const { properties } = JSON.parse(read('docs/schema.json')) as { properties: object }
    expect(properties).to.include.all.keys(settingNames.filter(name => name !== 'config'))
    expect(properties).to.not.have.property('config')
  })
})
