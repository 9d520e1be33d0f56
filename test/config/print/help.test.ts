/** What `--help` and `--print-config` print: one page, all about one setting, or each value with its origin. */
import { stripVTControlCharacters } from 'node:util'
import { expect } from 'chai'
import { spellingsOf } from '../../../config/describe.ts'
import { help } from '../../../config/print/help.ts'
import { printConfig } from '../../../config/print/print-config.ts'
import { settingNames } from '../../../config/table.ts'
import { removeFolders } from '../load/folder.ts'
import { refused, resolved } from '../resolve/resolving.ts'

const page = async (columns = 80, ...argv: string[]) =>
  help(await resolved({ argv: ['--help', ...argv] }), { columns, isColoured: false })

describe('--help', () => {
  afterEach(removeFolders)

  it('is a page of what people use, with four examples', async () => {
    const lines = (await page()).split('\n')
    expect(lines.length).to.be.at.most(40)
    expect(lines.filter(line => line.length > 80)).to.deep.equal([])
    expect(lines.filter(line => line.startsWith('  tsicorn'))).to.have.length(4)
  })

  it('names flags that exist, and a full list', async () => {
    const known = new Set(settingNames.flatMap(spellingsOf).concat('--help', '-h', '--version', '-v'))
    const named = (await page()).match(/(?<=[\s,])--?[a-z][\w-]*/g) ?? []
    expect(named.filter(flag => !known.has(flag))).to.deep.equal([])
    expect(await page()).to.match(/--help \[all\|SETTING\]/)
  })

  for (const topic of ['workers', '-w', '--workers'] as const) {
    it(`${topic} says all about one setting, with its value and where that comes from`, async () => {
      const files = { 'tsicorn.config.mjs': 'export default { workers: 7 }' }
      const asked = await resolved({ argv: ['--help', topic], files })
      const text = help(asked, { columns: 80, isColoured: false })
      expect(text).to.match(/^workers\n\nHow many worker processes serve/)
      expect(text).to.match(/^Flags: +-w, --workers INT\|auto\|MIN\.\.MAX$/m)
      expect(text).to.match(/^Default: +from \$WEB_CONCURRENCY, else 1$/m)
      expect(text).to.match(/^Value now: +7 \(tsicorn\.config\.mjs\)$/m)
    })
  }

  it('of a setting is printed whatever is wrong with the configuration', async () => {
    const files = { 'tsicorn.config.mjs': 'export default { wrokers: 7, timeout: "long" }' }
    const asked = await resolved({ argv: ['--help=timeout', '--nonsense'], files })
    expect(help(asked, { columns: 80, isColoured: false })).to.match(/^Value now: +30 \(default\)$/m)
  })

  it('of a hook says when it is called', async () => {
    expect(await page(80, 'when_ready')).to.match(/^when_ready\(server\)\n\nOnce, when every wanted worker/)
  })

  it('of what is no setting names the one that is meant', async () => {
    const { message, exitCode } = await refused({ argv: ['--help', 'wrokers'] })
    expect([message, exitCode]).to.deep.equal(['wrokers is not a setting: did you mean workers?', 2])
  })

  it('leaves an application alone', async () => {
    expect(await page(80, './app.ts')).to.equal(await page())
  })

  it('has colours on a terminal, and the same words', async () => {
    for (const argv of [[], ['all'], ['workers']]) {
      const asked = await resolved({ argv: ['--help', ...argv] })
      const text = help(asked, { columns: 80, isColoured: true })
      expect(text).to.include('\x1b[1m')
      expect(stripVTControlCharacters(text)).to.equal(help(asked, { columns: 80, isColoured: false }))
    }
  })
})

describe('--help all', () => {
  let words: ReadonlySet<string>
  before(async () => {
    words = new Set((await page(80, 'all')).split(/[\s,]+/))
  })

  for (const name of settingNames.filter(setting => spellingsOf(setting).length > 0)) {
    it(`mentions each flag of ${name}`, () => {
      expect([...words]).to.include.members([...spellingsOf(name)])
    })
  }

  for (const width of [40, 60, 80, 120]) {
    it(`stays within ${width} columns, but for words that are longer`, async () => {
      const wide = `${await page(width, 'all')}\n${await page(width)}`
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
