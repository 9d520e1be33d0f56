/** The administrative listener after an upgrade: it takes its address as soon as that is free. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect } from 'chai'
import { AdminServer } from '../../../daemon/admin/admin-server.ts'

describe('the administrative listener', () => {
  it('goes on trying an address that somebody else keeps, and says so once', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const reported: string[] = []
    const said = Promise.withResolvers<void>()
    const admin = new AdminServer({
      address: { kind: 'tcp', host: '127.0.0.1', port },
      version: '1',
      tokenFile: null,
      report(message) {
        reported.push(message)
        said.resolve()
      },
    })
    // The listener itself keeps no process alive.
    const awake = setInterval(() => undefined, 1_000)
    const taken = admin.takeOver()
    await said.promise
    other.close()
    await taken
    clearInterval(awake)
    const response = await fetch(`http://127.0.0.1:${port}/-/live`)
    expect(response.status).to.equal(200)
    admin.close()
    expect(reported).to.have.length(1)
    expect(reported[0]).to.match(
      /the address is in use: choose another address, or free it: it is tried again$/,
    )
  })
})
