/** What a client may send to the control socket without doing any harm. */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { expect } from 'chai'
import { commands } from '../../../control/protocol/commands.ts'
import { encodeFrame } from '../../../control/protocol/frame.ts'
import { chance, createRandom, integer, pick, type Random } from '../../attack/random.ts'
import { descriptorsOf } from '../../loss/census.ts'
import { eventually, launchApp, shareApp, type Tsicorn } from '../../support/tsicorn.ts'
import { control, exchange, socketOf } from '../../support/tsicornc.ts'

const request = (command: unknown, rest: object = {}) => encodeFrame({ id: 1, protocol: 1, command, ...rest })

describe('a client of the control socket', () => {
  for (const [what, bytes, error] of [
    [
      'another protocol',
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      /A message has 1195725856 bytes: 1 to 65536 are possible/,
    ],
    ['a message that is too long', Buffer.from([0, 2, 0, 0]), /A message has 131072 bytes/],
    ['what is not JSON', Buffer.from([0, 0, 0, 2, 0x7b, 0x7b]), /A message is not JSON/],
    ['a message that is no object', encodeFrame([1]), /needs an id/],
    [
      'another version',
      encodeFrame({ id: 1, protocol: 2, command: 'hello' }),
      /speaks protocol 1, not 2: use the tsicornc of its version/,
    ],
    [
      'an unknown command',
      request('frobnicate'),
      /Unknown command .*frobnicate.* the commands are hello, show all/,
    ],
    ['a command that is none', request({}), /needs a command, which is a text/],
    [
      'arguments of another kind',
      request('scale', { args: [3] }),
      /args has to be a list of at most 16 texts/,
    ],
    ['an argument out of range', request('scale -1'), /scale needs a number of workers, 1 or more/],
  ] as const) {
    it(`is answered with the reason when it sends ${what}`, async () => {
      const server = await shareApp('hello.ts')
      const [answer = ''] = await exchange(socketOf(server), bytes, 1)
      expect(JSON.parse(answer)).to.include({ status: 'error' })
      expect(JSON.parse(answer).error).to.match(error)
      expect((await control(server, 'hello')).code).to.equal(0)
    })
  }

  it('may send twenty thousand malformed and mutated messages, and nothing changes', async () => {
    const server = launchApp('hello.ts', ['-w', '2'])
    await server.running()
    await control(server, 'hello')
    const before = { workers: server.workers, descriptors: await descriptorsOf(server.pid) }
    const random = createRandom(1)
    for (let round = 0; round < 200; round += 1) {
      const make = round % 2 === 0 ? garbage : mutated
      await send(socketOf(server), Buffer.concat(Array.from({ length: 100 }, () => make(random))))
    }
    expect((await control(server, 'hello')).code).to.equal(0)
    expect(server.workers).to.deep.equal(before.workers)
    await eventually(
      'its descriptors are as before',
      async () => (await descriptorsOf(server.pid)) === before.descriptors,
    )
    expect(server.log).to.not.match(/The arbiter failed|Reload|Wanted|Stopping/)
  }).timeout(240_000)

  it('that reads nothing is disconnected before it costs much memory', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    await control(server, 'show', 'config')
    const before = memoryOf(server)
    const socket = net.connect(socketOf(server)).pause()
    socket.on('error', () => undefined)
    let isClosed = false
    socket.once('close', () => {
      isClosed = true
    })
    for (let id = 0; !isClosed && id < 20_000; id += 1) {
      socket.write(encodeFrame({ id, protocol: 1, command: 'show config' }))
      await new Promise(setImmediate)
    }
    await eventually('it is disconnected', () => isClosed)
    expect(memoryOf(server) - before).to.be.below(64 * 1024 * 1024)
    expect((await control(server, 'hello')).code).to.equal(0)
  }).timeout(240_000)

  it('finds a place although many others are connected and say nothing', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    const idle = Array.from({ length: 200 }, () => net.connect(socketOf(server)).on('error', () => undefined))
    expect((await control(server, 'hello')).code).to.equal(0)
    for (const socket of idle) socket.destroy()
  })
})

function garbage(random: Random): Buffer {
  const bytes = Buffer.from(Array.from({ length: integer(random, 0, 60) }, () => integer(random, 0, 255)))
  if (chance(random, 0.5)) return bytes
  const head = Buffer.alloc(4)
  head.writeUInt32BE(bytes.length)
  return Buffer.concat([head, bytes])
}

/** Valid requests that are harmless, with a few bytes changed: no mutation makes another command of them. */
function mutated(random: Random): Buffer {
  const name = pick(
    random,
    Object.keys(commands).filter(name => /^(hello|show|wait|events|logs)/.test(name)),
  )
  const values: readonly unknown[] = [null, -1, 1e99, '', 'x'.repeat(5_000), [], {}, [['a']], true]
  const message: Record<string, unknown> = { id: integer(random, 0, 9), protocol: 1, command: name, args: [] }
  if (chance(random, 0.7)) message[pick(random, Object.keys(message))] = pick(random, values)
  const bytes = encodeFrame(message)
  if (chance(random, 0.3)) bytes[integer(random, 0, bytes.length - 1)] = integer(random, 0, 255)
  return chance(random, 0.1) ? bytes.subarray(0, integer(random, 0, bytes.length)) : bytes
}

/** Sends it, and waits until the server has closed, or has read all of it. */
async function send(path: string, bytes: Buffer): Promise<void> {
  const socket = net.connect(path).resume()
  await new Promise<void>(resolve => {
    socket.once('close', () => resolve())
    socket.on('error', () => undefined)
    socket.end(bytes)
  })
}

function memoryOf({ pid }: Tsicorn): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
