/** A lock has one holder at a time, is taken from a dead one, and is not fooled by a pid that is used again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { LockedError, takeLock } from '../../../daemon/process/lock.ts'
import { fromWord, isRunning, ourselves, toWord } from '../../../daemon/system/process-identity.ts'
import { eventually } from '../../support/tsicorn.ts'

const lockModule = new URL('../../../daemon/process/lock.ts', import.meta.url).href

describe('lock', () => {
  let folder: string
  let path: string
  const children: ChildProcess[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-lock-'))
    path = join(folder, 'lock')
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  const unexpected = (error: Error) => {
    throw error
  }

  /** The lock of somebody else. */
  function leave(name: string): void {
    mkdirSync(path)
    writeFileSync(join(path, name), '')
  }

  /** A process that takes the lock, says how that went, and stays. */
  async function contend(): Promise<string> {
    const script = `
      const { takeLock } = await import(${JSON.stringify(lockModule)})
      try { takeLock(${JSON.stringify(path)}, () => {}); console.log('taken') } catch (error) { console.log(error.name) }
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [text] = await new Promise<[Buffer]>(resolve =>
      child.stdout.once('data', (...all: [Buffer]) => resolve(all)),
    )
    return text.toString().trim()
  }

  it('says by name who holds it, readable for everybody, and is gone when released', () => {
    const lock = takeLock(path, unexpected)
    expect(readdirSync(path)).to.deep.equal([toWord(ourselves())])
    expect(statSync(path).mode & 0o777).to.equal(0o755)
    lock.release()
    expect(readdirSync(folder)).to.deep.equal([])
    lock.release()
  })

  it('is refused while its holder lives', async () => {
    expect(await contend()).to.equal('taken')
    expect(() => takeLock(path, unexpected))
      .to.throw(LockedError)
      .with.property('pid', children[0]?.pid)
    expect(readdirSync(folder)).to.deep.equal(['lock'])
  })

  it('goes to exactly one of many that find it left behind', async () => {
    leave(`${process.pid}.1.${ourselves().boot}`)
    const outcomes = await Promise.all(Array.from({ length: 8 }, contend))
    expect(outcomes.sort()).to.deep.equal([...Array(7).fill('LockedError'), 'taken'])
    expect(readdirSync(folder)).to.deep.equal(['lock'])
  })

  const { pid, start, boot } = ourselves()
  const left: readonly (readonly [whose: string, name: string])[] = [
    ['of a process whose number is somebody else by now', `${pid}.${Number(start) - 1}.${boot}`],
    ['from before the machine was started', `${pid}.${start}.0-1-2`],
    ['of a number that nobody has', `4194305.1.${boot}`],
    ['of this very process, which lost track of it', toWord(ourselves())],
  ]
  for (const [whose, name] of left) {
    it(`is taken at once from one ${whose}`, () => {
      leave(name)
      takeLock(path, unexpected).release()
      expect(readdirSync(folder)).to.deep.equal([])
    })
  }

  it('is taken from one that died while it made the lock', () => {
    mkdirSync(path)
    takeLock(path, unexpected).release()
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('never removes what is no lock', () => {
    leave('notes.txt')
    expect(() => takeLock(path, unexpected)).to.throw(/lock" is in the way: remove it/)
    expect(readdirSync(path)).to.deep.equal(['notes.txt'])
    rmSync(path, { recursive: true })
    writeFileSync(path, 'mine')
    expect(() => takeLock(path, unexpected)).to.throw(/lock" is in the way: remove it/)
    expect(readFileSync(path, 'utf8')).to.equal('mine')
    expect(readdirSync(folder)).to.deep.equal(['lock'])
  })
})

describe('the identity of a process', () => {
  it('is one word and back', () => {
    const own = ourselves()
    expect(fromWord(toWord(own))).to.deep.equal(own)
    expect(toWord(own)).to.match(/^[\w.-]+$/)
    for (const word of ['', '0.1.a', '12', 'x.1.a', '1.2.3.4', '-1.1.a'])
      expect(fromWord(word), word).to.equal(undefined)
  })

  it('lives while its process does, and not as a zombie', async () => {
    expect(isRunning(ourselves())).to.equal(true)
    // The shell becomes a program that never asks what became of its child.
    const parent = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = Number(await new Promise(resolve => parent.stdout.once('data', resolve)))
    // Until then it is still the shell, which does ask.
    const name = () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim()
    await eventually('the shell is gone', () => name() === 'sleep')
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')
    const zombie = { ...ourselves(), pid, start: text.split(' ')[19] as string }
    expect(isRunning(zombie)).to.equal(true)
    const program = () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim()
    await eventually('the shell is that program', () => program() === 'sleep')
    process.kill(pid, 'SIGKILL')
    await eventually('it is a zombie', () => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
    expect(isRunning(zombie)).to.equal(false)
    parent.kill('SIGKILL')
  })
})
