/** Whatever an app does to the channel and the scoreboard of its worker, others are served and heard, and memory stays bounded. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { open } from '../../support/http/raw.ts'
import {
  eventually,
  isAlive,
  type LaunchOptions,
  launch,
  launchShared,
  type Tsicorn,
} from '../../support/tsicorn.ts'

/** Does to the descriptor of the channel what is asked for by path. */
const app = `
  import fs from 'node:fs'
  const deeds = {
    write: text => writeAll(text),
    // Much of it, and with pauses in which the loop turns.
    flood: async text => {
      const piece = text.repeat(Math.ceil(65536 / text.length))
      for (let count = 0; count < 500; count += 1) { await writeAll(piece); await new Promise(setImmediate) }
    },
    close: () => fs.closeSync(3),
    destroy: () => {
      for (const handle of process._getActiveHandles()) if (handle._handle?.fd === 3) handle.destroy()
    },
    reuse: () => { fs.closeSync(3); fs.openSync('reused', 'w+') },
  }
  async function writeAll(text) {
    for (let rest = Buffer.from(text); rest.length > 0;) {
      try { rest = rest.subarray(fs.writeSync(3, rest)) } catch (error) {
        if (error.code !== 'EAGAIN') throw error
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }
  }
  export default async (req, res) => {
    let text = ''
    for await (const piece of req.setEncoding('utf8')) text += piece
    await deeds[req.url.slice(1)]?.(text)
    res.end('alive')
  }`

interface Started {
  readonly server: Tsicorn
  readonly ask: (path: string, text?: string) => Promise<string>
}

async function start(
  workers = 1,
  options: { errors?: boolean; args?: readonly string[] } = {},
): Promise<Started> {
  const server = launch({ ...options, ...withWorkers(workers, options.args) })
  await server.running()
  return { server, ask: askerOf(server) }
}

function withWorkers(workers: number, args: readonly string[] = []): LaunchOptions {
  return {
    args: ['-b', '127.0.0.1:0', '-w', String(workers), ...args, './app.mjs'],
    files: { 'app.mjs': app },
  }
}

function askerOf({ url }: Tsicorn, headers: Record<string, string> = {}): Started['ask'] {
  return async (path, body = '') =>
    await (await fetch(`${url}/${path}`, { method: 'POST', body, headers })).text()
}

const garbage: Readonly<Record<string, string>> = {
  'no JSON': 'garbage\n',
  'bytes that are no text': '\x00\xff\xfe\n',
  null: 'null\n',
  'a number': '5\n',
  'a list': '[]\n',
  'no type': '{}\n',
  'a type of another thing': '{"type":"__proto__"}\n',
  'a type that is none': '{"type":{"log":1}}\n',
  'an order': '{"type":"quit"}\n',
  'a level that is none': '{"type":"log","level":"toString","message":"forged"}\n',
  'a level that is a list': '{"type":"log","level":["info"],"message":"forged"}\n',
  'a number for a message': '{"type":"log","level":"info","message":5}\n',
  'no message': '{"type":"log"}\n',
  'a failure that is none': '{"type":"failed","why":"forged","message":"forged"}\n',
  'no reason': '{"type":"leaving"}\n',
  'a reason that is none': '{"type":"recycle","why":{"a":1}}\n',
  'a message that is too long': `${JSON.stringify({ type: 'log', level: 'info', message: 'forged'.repeat(20_000) })}\n`,
  'deep nesting': `${'['.repeat(50_000)}\n`,
  'half a message': '{"type":"lo',
}

describe('what an application writes to the channel of its worker', () => {
  for (const [what, text] of Object.entries(garbage)) {
    it(`is dropped where it is ${what}`, async () => {
      // Each is the first that its worker writes.
      const server = await launchShared(withWorkers(1))
      const ask = askerOf(server, { connection: 'close' })
      expect(await ask('')).to.equal('alive')
      const [pid] = server.workers
      expect(await ask('write', text)).to.equal('alive')
      // A half is none when the next message begins.
      process.kill(pid as number, 'SIGTERM')
      await server.says(
        new RegExp(
          `\\[WARNING\\] Worker \\d+ \\(pid ${pid}\\) writes what is no message to its descriptor 3`,
        ),
      )
      await server.says(new RegExp(`\\(pid ${pid}\\) exited with code 0: it was sent TERM`))
      expect(await ask('')).to.equal('alive')
      expect(server.log).not.to.match(/forged/)
    })
  }

  it('cannot pretend to be a line of somebody else, nor speak to a terminal', async () => {
    const { server, ask } = await start(1, { errors: true })
    const forged = 'first\n[2026-01-01 00:00:00 +0000] [1] [CRITICAL] forged\r[x]\u001b[2J\u2028[y] end'
    await ask('write', `${JSON.stringify({ type: 'log', level: 'info', message: forged })}\n`)
    await server.says(
      /\[INFO\] first\n {2}\[2026-01-01 00:00:00 \+0000\] \[1\] \[CRITICAL\] forged\\x0d\[x\]\\x1b\[2J\\u2028\[y\] end\n/,
    )
    expect(server.log).not.to.match(/^\[2026-01-01/m)
  })

  it('says once what a worker says once', async () => {
    const { server, ask } = await start()
    const worn = `${JSON.stringify({ type: 'recycle', why: 'as asked' })}\n{"type":"booting"}\n{"type":"ready"}\n`
    await ask('write', worn.repeat(50))
    await server.says(/Worker 1 .* exited with code 0: as asked/)
    expect(await ask('')).to.equal('alive')
    await server.stop()
    expect(server.log.match(/asks for a successor/g)).to.have.length(1)
  })

  for (const [what, text] of Object.entries({
    'of garbage': 'garbage\n',
    'of half messages': '{"type":\n',
    'without a line end': 'x'.repeat(1_000),
    'of empty lines': '\n',
    'of lines of the log': '{"type":"log","level":"debug","message":"flood"}\n',
    'of control messages': '{"type":"leaving","why":5}\n{"type":"booting"}\n',
  })) {
    it(`may be a flood ${what}: others are served and heard, and memory stays`, async () => {
      const { server, ask } = await start(2, { args: ['--timeout', '0'] })
      const before = memoryOf(server.pid)
      const flood = ask('flood', text).catch(() => 'cut')
      const load = new Load({ url: server.url, clients: 1, keepAlive: false })
      await load.answered(20)
      server.signal('SIGTTIN')
      await server.says(/Wanted: 3 workers[\s\S]*Booting worker 3/)
      await eventually('three workers', () => server.workers.length === 3)
      await load.answered(20)
      expect((await load.stop()).failures).to.deep.equal([])
      expect(memoryOf(server.pid) - before).to.be.below(60 * 1024)
      server.signal('SIGINT')
      await flood
      expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    })
  }

  it('may be too many lines: what is too much is dropped, and the log says how many', async () => {
    const { server, ask } = await start(1)
    const line = `${JSON.stringify({ type: 'log', level: 'info', message: 'chatter' })}\n`
    await ask('write', line.repeat(20_000))
    await server.says(/\[WARNING\] Worker 1 \(pid \d+\) logs too fast: \d+ lines of it were dropped/)
    expect(await ask('')).to.equal('alive')
  })
})

describe('a worker without its channel', () => {
  for (const deed of ['close', 'destroy', 'reuse']) {
    it(`because the app did ${deed} descriptor 3 is replaced, and fails no request`, async () => {
      const { server, ask } = await start()
      const { workers } = server
      // The worker stays for it, longer than one does that just ends.
      const silent = await open(server.url)
      expect(await ask(deed)).to.equal('alive')
      await server.says(/Booting worker 2/)
      await eventually('it has left', () => !workers.some(isAlive))
      silent.destroy()
      expect(await ask('')).to.equal('alive')
      await server.says(/it closed its channel to the arbiter/)
      if (deed === 'reuse') expect(readFileSync(`${server.folder}/reused`, 'utf8')).to.equal('')
    })
  }

  it('before it is ready has failed to boot', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `import fs from 'node:fs'; fs.closeSync(3); setInterval(() => 1, 1e6); await new Promise(() => 1)`,
      },
      errors: true,
    })
    await server.says(/it closed its channel to the arbiter/)
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
  })
})

describe('a worker whose arbiter does not read', () => {
  it('keeps a bounded part of what it has to say, and says how much it dropped', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', '--timeout', '0', '-c', './tsicorn.config.mjs'],
      files: {
        'app.mjs': `export default (req, res) => res.end(String(process.memoryUsage.rss()))`,
        'tsicorn.config.mjs': `export default { app: './app.mjs', pre_request(worker, req) {
          if (req.url !== '/talk') return
          for (let count = 0; count < 2000; count += 1) worker.log.info('x'.repeat(1000) + count)
        } }`,
      },
    })
    const url = await server.running()
    const ask = async (path: string) => Number(await (await fetch(url + path)).text())
    await ask('/talk')
    server.signal('SIGSTOP')
    const before = await ask('/talk')
    for (let count = 0; count < 100; count += 1) await ask('/talk')
    const grown = (await ask('/')) - before
    server.signal('SIGCONT')
    await server.says(/\[WARNING\] \d+ lines of the log were dropped while the arbiter did not read/)
    expect(grown).to.be.below(60 * 1024 * 1024)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('still has its last words heard', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => { res.end('ok'); setTimeout(() => { throw new Error('as asked') }, 100) }`,
      },
      errors: true,
    })
    const url = await server.running()
    const [worker] = server.workers as [number]
    server.signal('SIGSTOP')
    await (await fetch(url)).text()
    await eventually('it has ended', () => !isAlive(worker))
    server.signal('SIGCONT')
    await server.says(/Worker 1 .* exited with code 1: uncaught Error: as asked/)
  })
})

/** In kilobytes. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

describe('an app by which all that is written to the scoreboard goes to its end', () => {
  it('changes that for its own worker alone', async function () {
    const append = 'use Fcntl; open(my $file, "+<&=", 3); fcntl($file, F_SETFL, O_RDWR | O_APPEND) or exit 1'
    if (process.platform !== 'linux' || spawnSync('perl', ['-e', 'use Fcntl']).status !== 0) this.skip()
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `
          import { spawnSync } from 'node:child_process'
          import { readFileSync } from 'node:fs'
          export default (req, res) => {
            const stdio = ['ignore', 'ignore', 'ignore', 4]
            if (req.url === '/append') spawnSync('perl', ['-e', ${JSON.stringify(append)}], { stdio })
            const [, flags] = /flags:\\s*(\\d+)/.exec(readFileSync('/proc/self/fdinfo/4', 'latin1'))
            res.end((parseInt(flags, 8) & 0o2000) === 0 ? 'in place' : 'at the end')
          }`,
      },
    })
    const url = await server.running()
    const ask = async (path: string) =>
      await (await fetch(url + path, { headers: { connection: 'close' } })).text()
    expect(await ask('/append')).to.equal('at the end')
    await server.reload()
    expect(await ask('/')).to.equal('in place')
  })
})
