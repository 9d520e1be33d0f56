/** Commands of `tsicornc` that wait: each of them ends, also while a server starts. */
import { expect } from 'chai'
import { Client } from '../../../control/client/client.ts'
import { eventually, launchText } from '../../support/tsicorn.ts'
import { control, socketOf, start, tsicornc } from '../../support/tsicornc.ts'

const gate = `import { existsSync } from 'node:fs'
  while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 20))`
const hello = `export default (req, res) => res.end('hello')`
const broken = `throw new Error('broken')`

/** How often a pattern is in the log. */
function times(log: string, pattern: RegExp): number {
  return [...log.matchAll(pattern)].length
}

describe('tsicornc waits', () => {
  it('for a server that is booting', async () => {
    const server = launchText(`${gate}\n${hello}`)
    await server.says(/Booting worker/)
    const client = await Client.connect(socketOf(server))
    const ready = client.ask('wait', ['ready'])
    // Its answer shows that the server has heard both.
    await client.ask('hello')
    server.write('go', '')
    expect(await ready).to.deep.equal({ ready: true })
    client.close()
  })

  it('for the start of a server that waited for a change', async () => {
    const server = launchText(
      `import { existsSync } from 'node:fs'\nif (!existsSync('go')) ${broken}\n${hello}`,
      ['--reload'],
      { errors: true },
    )
    await server.says(/Waiting for a change/)
    const failed = await control(server, 'reload')
    expect(failed).to.include({ code: 1 })
    expect(failed.stderr).to.match(/^tsicornc: Cannot start: The app .*broken/)
    server.write('go', '')
    const { code, stdout } = await control(server, 'reload')
    expect(code).to.equal(0)
    expect(stdout).to.match(/Serving, generation (\d+)\nGeneration \1 serves\n/)
  })

  it('for a reload during a start that fails and is tried again', async () => {
    const server = launchText(`${gate}\n${broken}`, ['--reload'], { errors: true })
    await server.says(/Booting worker/)
    const reload = start(['--pid', `${server.pid}`, 'reload'])
    await server.says(/The reload follows/)
    server.write('go', '')
    const { code, stderr } = await reload.ended
    expect(code).to.equal(1)
    expect(stderr).to.match(/^tsicornc: Cannot start: The app .*broken/)
    await eventually('both starts have failed', () => times(server.log, /Cannot start/g) === 2)
  })

  it('for its own upgrade: a second one is refused, and fails for nobody else', async () => {
    const server = launchText(hello)
    await server.running()
    server.write('app.mjs', `${gate}\n${hello}`)
    const first = start(['--pid', `${server.pid}`, 'upgrade', '--bake', '0.1'])
    await first.says(/The new arbiter starts/)
    const second = await control(server, 'upgrade')
    expect(second).to.include({ code: 1, stdout: '' })
    expect(second.stderr).to.match(/^tsicornc: Not upgrading: a new arbiter lives already/)
    server.write('go', '')
    const { code, stdout } = await first.ended
    expect(code).to.equal(0)
    const [, pid] = /Upgraded: pid (\d+)/.exec(stdout) as RegExpExecArray
    expect((await tsicornc('--pid', `${pid}`, 'shutdown')).code).to.equal(0)
  })
})

describe('tsicornc worker kill', () => {
  it('of a worker that is booting replaces it when it serves', async () => {
    const server = launchText(`${gate}\n${hello}`)
    await server.says(/Booting worker 1/)
    const [pid] = server.workers
    expect((await control(server, 'worker', 'kill', `${pid}`)).code).to.equal(0)
    server.write('go', '')
    await server.says(/Running/)
    await server.says(/Booting worker 2/)
    await server.says(/Worker 1 .* exited with code 0: asked on the control socket/)
  })
})
