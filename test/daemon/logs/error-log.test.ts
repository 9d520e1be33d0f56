/** The error log: its lines as text and as JSON, its levels, rotation without a lost line, and full disks. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { openErrorLog } from '../../../daemon/logs/error-log.ts'
import { logLevels } from '../../../worker/protocol/messages.ts'

describe('error log', () => {
  let folder: string
  let errorlog: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsicorn-error-log-'))
    errorlog = join(folder, 'error.log')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('writes the lines of Gunicorn', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    log.info('Starting')
    log.write('warning', 'From a worker', 42)
    await log.close()
    const [first, second, rest] = (await readFile(errorlog, 'utf8')).split('\n')
    const time = String.raw`\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\]`
    expect(first).to.match(new RegExp(`^${time} \\[${process.pid}\\] \\[INFO\\] Starting$`))
    expect(second).to.match(new RegExp(`^${time} \\[42\\] \\[WARNING\\] From a worker$`))
    expect(rest).to.equal('')
  })

  it('lets a stack follow on lines of its own, without an empty one at the end', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    log.error('Error: boom\n    at app.ts:1:1\n')
    await log.close()
    expect(await readFile(errorlog, 'utf8')).to.match(/\[ERROR\] Error: boom\n {4}at app\.ts:1:1\n$/)
  })

  it('writes JSON, a whole stack in one line, and text again where that is set later', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info', log_format: 'json' })
    log.write('error', 'Error: boom\n    at app.ts:1:1\n', 42)
    log.print('printed\n{"msg":"own"}\n{not JSON}\n')
    log.setFormat('text')
    log.info('text')
    await log.close()
    const lines = (await readFile(errorlog, 'utf8')).trim().split('\n')
    const [first, second, third, fourth] = lines
      .slice(0, 4)
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(first).to.deep.include({ pid: 42, level: 'error', message: 'Error: boom\n    at app.ts:1:1' })
    expect(first?.time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(second).to.deep.include({ level: 'info', message: 'printed' })
    expect(third).to.deep.equal({ msg: 'own' })
    expect(fourth).to.deep.include({ level: 'info', message: '{not JSON}' })
    expect(lines[4]).to.match(/\[INFO\] text$/)
  })

  logLevels.forEach((loglevel, rank) => {
    it(`leaves out what is less severe than ${loglevel}`, async () => {
      const log = await openErrorLog({ errorlog, loglevel })
      for (const level of logLevels) log[level](`a ${level} line`)
      await log.close()
      expect(await levelsIn(errorlog)).to.deep.equal(logLevels.slice(rank))
    })
  })

  it('follows a level that is set later', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'error' })
    log.info('unheard')
    log.setLevel('debug')
    log.debug('heard')
    await log.close()
    expect(await levelsIn(errorlog)).to.deep.equal(['debug'])
  })

  it('appends to what is there', async () => {
    await writeFile(errorlog, 'earlier\n')
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    log.info('later')
    await log.close()
    expect(await readFile(errorlog, 'utf8')).to.match(/^earlier\n\[.*later\n$/)
  })

  it('loses and splits no line when the file is renamed and reopened again and again', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    const files = [errorlog]
    for (let turn = 0; turn < 5; turn++) {
      for (let line = 0; line < 500; line++) log.info(`line ${turn * 500 + line} end`)
      const old = `${errorlog}.${turn}`
      await rename(errorlog, old)
      files.unshift(old)
      const reopened = log.reopen()
      log.info(`during reopen ${turn}`)
      await reopened
    }
    await log.close()
    const contents = await Promise.all(files.map(file => readFile(file, 'utf8')))
    const lines = contents.join('').split('\n')
    const numbers = lines.flatMap(line => /\[INFO\] line (\d+) end$/.exec(line)?.[1] ?? [])
    expect(numbers.map(Number).sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 2500 }, (_, n) => n))
    expect(lines.filter(line => line.includes('during reopen'))).to.have.length(5)
    expect(contents.every(content => content.endsWith('\n') || content === '')).to.equal(true)
  })

  it('writes what follows a reopen to the new file only', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    log.info('old')
    await rename(errorlog, `${errorlog}.1`)
    await log.reopen()
    log.info('new')
    await log.close()
    expect(await readFile(`${errorlog}.1`, 'utf8')).to.match(/old\n$/)
    expect(await readFile(errorlog, 'utf8')).to.match(/^\[.*new\n$/)
  })

  it('keeps the old file when the new one cannot be opened, and recovers with the next reopen', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    await rename(errorlog, `${errorlog}.1`)
    await mkdir(errorlog)
    await log.reopen()
    log.info('still here')
    await rm(errorlog, { recursive: true })
    await log.reopen()
    log.info('back again')
    await log.close()
    const old = await readFile(`${errorlog}.1`, 'utf8')
    expect(old).to.match(/\[ERROR\] Cannot reopen ".*": .* the old file stays in use\n\[.*still here\n$/)
    expect(await readFile(errorlog, 'utf8')).to.match(/^\[.*back again\n$/)
  })

  it('names the setting, the path and the cure when the folder does not exist', async () => {
    const path = join(folder, 'absent', 'error.log')
    const error = await openErrorLog({ errorlog: path, loglevel: 'info' }).catch(error => error)
    expect(error.message).to.equal(
      `Cannot open errorlog "${path}" for appending: no such file or directory: create its folder, or use "-" for standard error`,
    )
  })

  it('says so when the path is a folder', async () => {
    const error = await openErrorLog({ errorlog: folder, loglevel: 'info' }).catch(error => error)
    expect(error.message).to.include('name a file, not a folder')
  })

  it('ignores lines after it was closed', async () => {
    const log = await openErrorLog({ errorlog, loglevel: 'info' })
    await log.close()
    log.info('too late')
    await log.close()
    expect(await readFile(errorlog, 'utf8')).to.equal('')
  })

  it('writes to standard error for -', async () => {
    const child = logger(`log.error('oops'); await log.close()`)
    expect(await text(child.stderr)).to.match(/\[ERROR\] oops\n$/)
  })

  it('loses no line to process.exit', async () => {
    const child = logger(`for (let n = 0; n < 50; n++) log.info('line ' + n); process.exit(0)`)
    expect((await text(child.stderr)).split('\n')).to.have.length(51)
  })

  it('survives a standard error that nobody reads any more', async () => {
    const child = logger(
      `process.stdin.once('end', async () => { log.info('into the void'); await log.close(); process.exit(7) }).resume()`,
    )
    child.stderr.destroy()
    child.stdin.end()
    const [code] = await once(child, 'exit')
    expect(code).to.equal(7)
  })

  it('survives a full disk and says so on standard error', async function () {
    if (process.platform !== 'linux') this.skip()
    const child = logger(`log.info('no room'); await log.close(); process.exitCode = 7`, '/dev/full')
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect(code).to.equal(7)
    expect(said).to.match(/\[ERROR\] Cannot write to "\/dev\/full": ENOSPC/)
  })

  for (const [how, deed] of [
    ['a reopen', `await unlink(place); await log.reopen()`],
    ['another place', `await log.moveTo(place + '.2')`],
  ] as const) {
    it(`takes the lines that wait for a full disk along to ${how}`, async function () {
      if (process.platform !== 'linux') this.skip()
      await symlink('/dev/full', errorlog)
      const script = `
        const { unlink } = await import('node:fs/promises')
        const place = ${JSON.stringify(errorlog)}
        log.info('kept'); log.info('and kept'); ${deed}; await log.close()`
      const child = logger(script, errorlog)
      expect(await once(child, 'exit')).to.deep.equal([0, null])
      const file = how === 'a reopen' ? errorlog : `${errorlog}.2`
      expect(await readFile(file, 'utf8')).to.match(/kept\n.*and kept\n/)
    })
  }
})

async function levelsIn(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  return lines.flatMap(line => /\[([A-Z]+)\] /.exec(line)?.[1]?.toLowerCase() ?? [])
}

/** A process that opens an error log and does something with it. */
function logger(script: string, errorlog = '-') {
  const module = new URL('../../../daemon/logs/error-log.ts', import.meta.url).href
  const program = `
    const { openErrorLog } = await import(${JSON.stringify(module)})
    const log = await openErrorLog({ errorlog: ${JSON.stringify(errorlog)}, loglevel: 'info' })
    ${script}`
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
}
