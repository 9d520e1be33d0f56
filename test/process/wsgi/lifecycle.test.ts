/** Python hosts come and go with their workers: reloads, drains, recycling, changed files, stuck requests. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { exchange, open } from '../../support/http/raw.ts'
import { reloadTwice } from '../../support/http/reloads.ts'
import { describeWithPython, launchModule, launchPython } from '../../support/python/launch.ts'
import { answers, fresh } from '../../support/requests.ts'
import { childrenOf, eventually, isAlive, type Tsicorn } from '../../support/tsicorn.ts'

function hostsOf(server: Tsicorn): number[] {
  return server.workers.flatMap(pid => childrenOf(pid))
}

const jsonLines = ['--access-logfile', '-', '--access-logformat', 'json']

const versioned = (version: number) => `
import time
from part import word
def application(environ, start_response):
    if environ['PATH_INFO'] == '/slow':
        print('a slow one has begun')
        time.sleep(1)
    start_response('200 OK', [('Content-Length', '2')])
    return [b'v${version}']
`

describeWithPython('a worker with a Python host', () => {
  it('is replaced by a reload that loses nothing, and its host goes with it', async () => {
    const server = launchPython(versioned(1), ['-w', '2'], { files: { 'part.py': 'word = 1\n' } })
    const url = await server.running()
    const before = hostsOf(server)
    expect(before).to.have.length(2)
    await reloadTwice(server, { file: 'app.py', text: versioned, clients: 3 })
    await eventually('the old hosts are gone', () => !before.some(isAlive))
    const hosts = hostsOf(server)
    const last = fresh(`${url}/slow`)
    await server.says(/a slow one has begun/)
    server.signal('SIGTERM')
    expect(await last).to.equal('v3')
    await server.ended
    await eventually('all hosts are gone', () => !hosts.some(isAlive))
  })

  it('watches Python files for --reload, and shows the traceback of one that does not load', async () => {
    const server = launchPython(versioned(1), ['--reload'], {
      files: { 'part.py': 'word = 1\n' },
      errors: true,
    })
    await server.says(/Watching: /)
    const url = await server.running()
    server.write('part.py', 'word =\n')
    await server.says(/Changed: part\.py/)
    await server.says(/SyntaxError/)
    await answers(url, 'SyntaxError')
    server.write('part.py', 'word = 2\n')
    await server.says(/Reload \d+: generation \d+ serves/)
    await answers(url, 'v1')
  })

  it('is recycled by the requests it has answered, and by the memory of its host', async () => {
    const greedy = `
kept = []
def application(environ, start_response):
    if environ['PATH_INFO'] == '/grow':
        kept.append(bytearray(400_000_000))
    start_response('200 OK', [])
    return [b'%d' % len(kept)]
`
    const server = launchPython(greedy, ['--max-worker-rss', '350M'])
    const url = await server.running()
    const [host] = hostsOf(server)
    expect(await fresh(`${url}/grow`)).to.equal('1')
    await server.says(/asks for a successor: max_worker_rss: \d+ bytes/)
    await eventually('its host is gone', () => !isAlive(host as number))
    expect(await fresh(url)).to.equal('0')
  })

  it('says where each thread is before it answers 504, and another host takes over', async () => {
    const server = launchModule('odd', ['--threads', '2', '--request-timeout', '1', ...jsonLines], {
      errors: true,
    })
    const url = await server.running()
    const [host] = hostsOf(server)
    const [worker] = server.workers
    const stuck = fetch(`${url}/slow?60`)
    const whole = fetch(`${url}/slow_stream`)
    const log = await server.says(
      /\[ERROR\] GET \/slow\?60 was not answered within request_timeout \(1 s\) by the Python process \d+: another one takes over; its threads:[\s\S]*odd\.py", line \d+ in slow[\s\S]*odd\.py", line \d+ in /,
    )
    expect(log[0]).to.contain(String(host))
    expect((await stuck).status).to.equal(504)
    await server.says(/"url":"\/slow\?60",.*"status":504,.*"outcome":"timed out"/)
    // What other threads do is finished.
    expect(await (await whole).text()).to.equal('0123456789')
    await eventually('the next host serves', async () => (await fresh(`${url}/hello`)) === 'hello')
    await eventually('the stuck host is gone', () => !isAlive(host as number))
    expect(server.workers).to.deep.equal([worker])
  })

  it('is not lost with threads that hang after their clients have left', async () => {
    const server = launchModule('odd', ['--threads', '2', '--timeout', '1'], { errors: true })
    const url = await server.running()
    for (let n = 0; n < 2; n += 1) {
      const socket = await open(url)
      socket.write('GET /hangs_midway HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(socket, 'data')
      socket.destroy()
    }
    expect(await fresh(`${url}/hello`)).to.equal('hello')
    await server.says(/All threads have requests whose clients have left, for longer than timeout \(1 s\)/)
  })

  it('holds streams to no limit, and lets a stalled upload go', async () => {
    const server = launchModule('odd', ['--threads', '1', '--timeout', '2', ...jsonLines], { errors: true })
    const url = await server.running()
    const [host] = hostsOf(server)
    const stream = await open(url)
    stream.write('GET /ticking HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(stream, 'data')
    const waits = fresh(`${url}/hello`)
    // The application sleeps for 50 ms between two of them: more than the limit.
    await readTicks(stream, 50)
    stream.destroy()
    expect(await waits).to.equal('hello')
    const stalled = `POST /reads HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx`
    expect(await exchange(url, stalled)).to.match(/^HTTP\/1\.1 408 /)
    await server.says(/The rest of the body of POST \/reads did not arrive within timeout \(2 s\)/)
    await server.says(/"url":"\/reads",.*"status":408,.*"outcome":"timed out"/)
    expect(await fresh(`${url}/hello`)).to.equal('hello')
    expect(hostsOf(server)).to.deep.equal([host])
  })
})

async function readTicks(stream: Socket, count: number): Promise<void> {
  let text = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.split('data: tick').length > count) return
  }
}
