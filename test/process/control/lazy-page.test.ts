/** What the arbiter evaluates of the status page before somebody asks for it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { evaluatedBy, recordingTo } from '../../../scripts/generate/evaluated.ts'
import { ask, hello } from '../../support/http/status-page.ts'
import { freePort, launch, makeFolder } from '../../support/tsicorn.ts'

const page = ['actions', 'feed', 'page-file', 'same-origin', 'status-page'].map(
  name => `daemon/admin/${name}.ts`,
)

describe('the modules of the status page', () => {
  it('are evaluated when it is asked for, and not before', async () => {
    const port = await freePort()
    const folder = makeFolder({ 'app.mjs': hello })
    const records = join(folder, 'records')
    mkdirSync(records)
    const server = launch({
      folder,
      args: ['-b', '127.0.0.1:0', '--metrics-bind', `127.0.0.1:${port}`, './app.mjs'],
      env: recordingTo(records),
    })
    await server.running()
    for (const path of ['/metrics', '/-/ready', '/nothing']) await ask(port, path)
    const before = await evaluatedBy(server.pid, records)
    expect(before.modules).to.include('daemon/admin/admin-server.ts').and.include('daemon/metrics/metrics.ts')
    expect(before.modules.filter(name => page.includes(name))).to.deep.equal([])
    expect((await ask(port, '/')).status).to.equal(200)
    expect((await evaluatedBy(server.pid, records)).modules).to.include.members(page)
  })

  it('are not evaluated, nor those of metrics, by an arbiter that is to serve none', async () => {
    const folder = makeFolder({ 'app.mjs': hello })
    const records = join(folder, 'records')
    mkdirSync(records)
    const server = launch({ folder, args: ['-b', '127.0.0.1:0', './app.mjs'], env: recordingTo(records) })
    await server.running()
    const { modules } = await evaluatedBy(server.pid, records)
    expect(modules).to.include('daemon/control/control-socket.ts')
    expect(modules.filter(name => /^daemon\/(?:admin|metrics)\//.test(name))).to.deep.equal([])
    const control = modules.filter(name => /^(?:daemon\/)?control\//.test(name))
    expect(control).to.deep.equal(['control/protocol/folders.ts', 'daemon/control/control-socket.ts'])
  })
})
