/** The end of a server: one part that cannot be closed keeps no other one open. */
import { expect } from 'chai'
import { Server, type ServerParts } from '../../../daemon/arbiter/server.ts'
import { fakeServer, resolvedFrom } from './fake-server.ts'

/** In their order. */
const steps = [
  'generations.closeListeners',
  'generations.keepForks',
  'watcher.close',
  'renewals.close',
  'autoscaler.close',
  'scoreboard.close',
  'upgrader.release',
]
const parts = new Set(steps.map(step => step.slice(0, step.indexOf('.'))))

describe('a server that is closed', () => {
  for (const broken of steps)
    it(`closes everything else where ${broken} fails`, async () => {
      const calls: string[] = []
      const { server: fake, lines } = fakeServer({})
      const noted = (name: string) =>
        new Proxy(
          {},
          {
            get: (_, member: string) => {
              if (member === 'isShared') return false
              return () => {
                calls.push(`${name}.${member}`)
                if (`${name}.${member}` === broken) throw new Error('EACCES: permission denied, rmdir')
              }
            },
          },
        )
      const server = new Server(await resolvedFrom(), { name: 'stopped', code: 0 }, {
        ...Object.fromEntries(Array.from(parts, name => [name, noted(name)])),
        log: fake.log,
      } as unknown as ServerParts)
      server.close()
      expect(calls).to.deep.equal(steps)
      expect(lines).to.have.length(1)
      expect(lines[0]).to.match(/^critical The arbiter does not end in order: Error: EACCES/)
    })
})
