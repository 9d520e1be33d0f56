/** What the error page finds out about an app that does not load. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { makeReport, type Report } from '../../../worker/page/report.ts'

describe('the report of an app that does not load', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-test-'))
    mkdirSync(join(folder, 'src'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (path: string, text: string | Buffer) => writeFileSync(join(folder, path), text)
  const report = async (message: string, app = './src/app.ts'): Promise<Report> =>
    await makeReport({ heading: 'Cannot start', message }, app, folder)
  const url = (path: string) => pathToFileURL(join(folder, path)).href
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, index) => `line ${index + 1}`).join('\n')

  it('names the first frame of the app, and shows three lines before and after it', async () => {
    write('src/app.ts', numbered(20))
    const { message, where, excerpt, stack } = await report(
      [
        'The app "./src/app.ts" failed: Error: no database',
        `    at pool (${url('node_modules/pg/pool.js')}:7:9)`,
        '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
        `    at async connect (${url('src/app.ts')}:10:3)`,
        `    at ${url('src/app.ts')}:20:1`,
      ].join('\n'),
    )
    expect(message).to.equal('Error: no database')
    expect(where).to.equal('src/app.ts:10:3')
    expect(excerpt?.map(({ number }) => number)).to.deep.equal([7, 8, 9, 10, 11, 12, 13])
    expect(excerpt?.filter(({ mark }) => mark !== undefined)).to.deep.equal([
      { number: 10, text: 'line 10', mark: { column: 3 } },
    ])
    expect(stack.map(({ isForeign }) => isForeign)).to.deep.equal([true, true, false, false])
    expect(stack.map(({ text }) => text)).to.include.members([
      'at async connect (src/app.ts:10:3)',
      'at src/app.ts:20:1',
    ])
  })

  it('finds the place of a syntax error, whose column esbuild counts from 0', async () => {
    write('src/app.ts', 'const x: = 3')
    const { where } = await report(
      'The app "./src/app.ts" failed: Cannot load it: syntax error at app.ts:1:9: Unexpected "="',
    )
    expect(where).to.equal('src/app.ts:1:10')
  })

  it('finds the syntax error in an imported module, which Node does not tell', async () => {
    write('src/app.mjs', `import './fine.mjs'\nimport { broken } from "./broken.mjs"\n`)
    write('src/fine.mjs', `import './app.mjs'\n`)
    write('src/broken.mjs', 'export const broken = 1\nconst = 2\n')
    const told = 'The app "./src/app.mjs" failed: Cannot load it: syntax error: Unexpected token'
    expect((await report(told, './src/app.mjs')).where).to.equal('src/broken.mjs:2:7')
  })

  it('finds the line that imports what is missing', async () => {
    write('src/app.ts', `import { createServer } from 'node:http'\n\nimport { db } from './database.ts'\n`)
    const told = (name: string) =>
      `The app "./src/app.ts" failed: Cannot load it: Cannot find module '${name}' imported from ${join(folder, 'src/app.ts')}`
    expect((await report(told(join(folder, 'src/database.ts')))).where).to.equal('src/app.ts:3:23')
    expect((await report(told('/elsewhere/gone.ts'))).where).to.equal('src/app.ts')
  })

  it('finds the setting that a configuration should not have', async () => {
    write('tsicorn.config.ts', 'export default {\n  wrokers: 2,\n}\n')
    const { where } = await report('tsicorn.config.ts: wrokers is not a setting: did you mean workers?')
    expect(where).to.equal('tsicorn.config.ts:2:3')
  })

  it('shows a part of a line that is a million characters long', async () => {
    write('src/app.ts', `${'x'.repeat(500_000)}throw${'y'.repeat(500_000)}\n`)
    const { excerpt } = await report(`Error\n    at ${url('src/app.ts')}:1:500001`)
    const [{ text, mark }] = excerpt as [NonNullable<typeof excerpt>[number]]
    expect(text).to.have.length.within(200, 202)
    expect(text.slice((mark?.column ?? 0) - 1)).to.match(/^throwy+…$/)
  })

  it('shows nothing of what is no text, no file, too large, or not there', async () => {
    write('binary', Buffer.from([104, 105, 0, 10]))
    write('large', Buffer.alloc(8 * 2 ** 20 + 1, 'a'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    for (const path of ['binary', 'large', 'pipe', 'src', 'missing', 'src/%00'])
      expect((await report(`Error\n    at ${url(path)}:1:1`)).excerpt, path).to.equal(undefined)
    expect((await report('Error\n    at file:///%zz:1:1')).where).to.equal(undefined)
  })

  it('reads paths with spaces, quotes and tags', async () => {
    const path = `src/it's "<b>".ts`
    write(path, 'throw 1')
    const { where, excerpt } = await report(`Error\n    at ${url(path)}:1:1`)
    expect(where).to.equal(`${path}:1:1`)
    expect(excerpt).to.have.length(1)
  })

  it('takes out what a terminal would obey, and what turns text around', async () => {
    write('src/app.ts', 'a\u001b[31m\u202eb\r')
    const { excerpt, message } = await report(`\u001b]0;title\u0007 no\n    at ${url('src/app.ts')}:1:1`)
    expect(message).to.equal('\ufffd]0;title\ufffd no')
    expect(excerpt?.[0]?.text).to.equal('a\ufffd[31m\ufffdb\ufffd')
  })

  it('is not held up by long lines of brackets', async () => {
    for (const long of ['('.repeat(60_000), 'syntax error at '.repeat(4_000), `/x:1`.repeat(15_000)])
      expect((await report(`${long}\n    at ${long}`)).where).to.equal(undefined)
  })
})
