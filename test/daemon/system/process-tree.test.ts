/** What a process and its children use together, and who belongs to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { kinOf, treeOf } from '../../../daemon/system/process-tree.ts'
import { usageOf } from '../../../worker/protocol/process-usage.ts'

describe('a process with a child', () => {
  let parent: ChildProcess
  let child: number

  before(async () => {
    const text = `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', 'const a = Buffer.alloc(1e8, 1); console.log(); setInterval(() => a, 1e6)'], { detached: true })
      child.stdout.once('data', () => console.log(child.pid))`
    parent = spawn(process.execPath, ['-e', text], {
      env: { ...process.env, MARK: 'one two' },
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(parent.stdout!, 'data')
    child = Number(line)
  })
  after(async () => {
    const gone = once(parent, 'close')
    for (const pid of [child, parent.pid as number]) process.kill(pid, 'SIGKILL')
    await gone
  })

  it('uses memory and processor time of both', () => {
    const both = usageOf(treeOf(parent.pid as number), true)
    expect(both.rss).to.be.greaterThan(usageOf(treeOf(child), true).rss)
    expect(both.rss).to.be.greaterThan(1e8)
    expect(both.cpuMs).to.be.greaterThan(0)
  })

  it('has kin in its group, and by its variables', () => {
    const pid = parent.pid as number
    expect(kinOf(pid, ['MARK=nothing'])).to.deep.equal([pid])
    expect(kinOf(0x7fffffff, ['MARK=one two'])).to.have.members([pid, child])
    expect(kinOf(pid, ['MARK=one two'])).to.have.members([pid, child])
    expect(kinOf(0x7fffffff, ['MARK=one'])).to.deep.equal([])
  })

  it('uses nothing when it has ended', async () => {
    const ended = spawn('true')
    await once(ended, 'close')
    expect(usageOf(treeOf(ended.pid as number), true)).to.deep.equal({ rss: 0, cpuMs: 0 })
  })
})
