import { expect } from 'chai'
import { spellingsOf } from '../../config/describe.ts'
import { help } from '../../config/help.ts'
import { printConfig } from '../../config/print.ts'
import { settingNames } from '../../config/table.ts'
import { removeFolders } from './folder.ts'
import { resolved } from './resolving.ts'

describe('--help', () => {
  const words = new Set(help(80).split(/[\s,]+/))

  for (const name of settingNames.filter(setting => spellingsOf(setting).length > 0)) {
    it(`mentions each flag of ${name}`, () => {
      expect([...words]).to.include.members([...spellingsOf(name)])
    })
  }

  for (const width of [40, 60, 80, 120]) {
    it(`stays within ${width} columns, but for words that are longer`, () => {
      const wide = help(width)
        .split('\n')
        .filter(line => line.length > width && line.trim().includes(' '))
      expect(wide).to.deep.equal([])
    })
  }
})

describe('--print-config', () => {
  afterEach(removeFolders)

  const files = { 'tsicorn.config.mjs': `export default { app: 'a', umask: 0o117, pre_fork() {} }` }

  it('aligns names and values, sorted, with origins', async () => {
    const lines = printConfig(await resolved({ files, argv: ['--print-config', '-w', '3'] })).split('\n')
    expect(lines).to.deep.equal(lines.toSorted())
    expect(lines).to.have.length(settingNames.length + 1)
    const found = (name: string) => lines.find(line => line.startsWith(`${name} `))?.replace(/ +/g, ' ')
    expect(found('workers')).to.equal('workers = 3 # -w')
    expect(found('umask')).to.equal('umask = 0o117 # tsicorn.config.mjs')
    expect(found('pre_fork')).to.equal('pre_fork = (function) # tsicorn.config.mjs')
    expect(found('timeout')).to.equal('timeout = 30 # default')
    expect(new Set(lines.map(line => line.indexOf(' = '))).size).to.equal(1)
  })

  it('needs no application', async () => {
    expect((await resolved({ argv: ['--print-config'] })).settings.app).to.equal(null)
  })

  it('prints JSON that, as a configuration, gives the same settings', async () => {
    const first = await resolved({
      files,
      argv: ['--print-config', '--json', '-b', ':1', '-w', 'auto', '-e', 'A=1'],
    })
    const printed = JSON.parse(printConfig(first)) as {
      settings: Record<string, { value: unknown; origin: string }>
    }
    const values = Object.entries(printed.settings).map(([name, { value }]) => [name, value])
    const again = Object.fromEntries(values.filter(([name]) => name !== 'config'))
    const second = await resolved({ files: { 'tsicorn.config.json': JSON.stringify(again) } })
    expect(second.settings).to.deep.equal(first.settings)
    expect(printed.settings.bind).to.deep.equal({ value: [':1'], origin: '-b' })
  })
})
