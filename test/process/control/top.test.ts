/** `tsicornc top` on a real terminal. */
import { expect } from 'chai'
import { fakeServer } from '../../support/terminal/fake-server.ts'
import { noTerminal, TestTerminal } from '../../support/terminal/terminal.ts'
import { launchApp, launchText, shareApp, type Tsicorn } from '../../support/tsicorn.ts'
import { tsicornc } from '../../support/tsicornc.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const hello = `export default (req, res) => res.end('hello')`

function top(server: Pick<Tsicorn, 'pid'>, env: Readonly<Record<string, string>> = {}) {
  return new TestTerminal(['--pid', `${server.pid}`, 'top'], env)
}

/** A program left the terminal as it was. */
function expectClean({ raw }: TestTerminal, modes: string): void {
  expect(modes)
    .to.match(/ icanon/)
    .and.match(/ echo /)
  expect(raw.lastIndexOf('\x1b[?1049l')).to.be.above(raw.lastIndexOf('\x1b[?1049h'))
  expect(raw.lastIndexOf('\x1b[?25h')).to.be.above(raw.lastIndexOf('\x1b[?25l'))
}

/** Its view of a server of its own. */
async function opened() {
  const server = launchApp('hello.ts')
  await server.running()
  return await watching(server)
}

/** Its view of one that others watch as well. */
async function openedShared(env: Readonly<Record<string, string>> = {}) {
  return await watching(await shareApp('hello.ts'), env)
}

async function watching(server: Tsicorn, env: Readonly<Record<string, string>> = {}) {
  const terminal = top(server, env)
  await terminal.says(/AGE +STATE/)
  return { server, terminal }
}

async function quits(terminal: TestTerminal): Promise<void> {
  terminal.type('q')
  expect((await terminal.ended()).code).to.equal(0)
}

const arbiter = {
  ...{ name: 'fake', pid: 1, version: '0', phase: 'running', generation: 1, wanted: 1, ready: 1, uptime: 1 },
  ...{ addresses: [], old_arbiter: null, new_arbiter: null },
}

describe('tsicornc top', () => {
  it('says what to use instead where there is no terminal, or no JSON', async () => {
    const { code, stderr } = await tsicornc('top')
    expect(code).to.equal(2)
    expect(stderr).to.equal('tsicornc: top needs a terminal: use tsicornc show all, or tsicornc events\n')
    expect((await tsicornc('top', '--json')).code).to.equal(2)
  })

  describe('on a terminal', () => {
    before(function () {
      if (noTerminal === undefined) return
      console.log(`    Skipped: ${noTerminal}`)
      this.skip()
    })

    for (const [how, end, code] of [
      ['q', terminal => terminal.type('q'), 0],
      ['Ctrl-C', terminal => terminal.type('\x03'), 0],
      ['SIGTERM', terminal => terminal.signal('SIGTERM'), 143],
      ['SIGHUP', terminal => terminal.signal('SIGHUP'), 129],
    ] as const satisfies [string, (terminal: TestTerminal) => void | Promise<void>, number][]) {
      it(`shows the workers, and leaves the terminal clean after ${how}`, async () => {
        const server = launchApp('hello.ts', ['-w', '2', '--name', 'shop'])
        await server.running()
        const terminal = top(server)
        await terminal.says(/shop \(pid \d+, tsicorn .*\): running, generation 1/)
        await terminal.says(/AGE +STATE +GEN +CONN +FLIGHT +REQ\/S +P50 +P99 +DELAY +CPU +MEMORY/)
        await terminal.says(/http:.* tcp +0/)
        await end(terminal)
        const ended = await terminal.ended()
        expect(ended.code).to.equal(code)
        expectClean(terminal, ended.modes)
      })
    }

    it('scales, reloads and shows the outcome, good or bad', async () => {
      const server = launchText(hello, [], { errors: true })
      await server.running()
      const terminal = top(server)
      await terminal.says(/Workers 1\/1/)
      terminal.type('+')
      await terminal.says(/Wanted: 2 workers \(before: 1\)/)
      terminal.type('-')
      await terminal.says(/Wanted: 1 workers \(before: 2\)/)
      terminal.type('r')
      await terminal.says(/Reloading/)
      await terminal.says(/Reloaded: generation 2 serves \(\d/)
      server.write('app.mjs', `throw new Error('no database')`)
      terminal.type('r')
      await terminal.says(/Reload 2 failed: The app .*no database/)
      await quits(terminal)
    })

    it('sorts, pauses and explains its keys', async () => {
      const terminal = top(await shareApp('hello.ts'))
      await terminal.says(/sort: age/)
      terminal.type('s')
      await terminal.says(/sort: requests\/s/)
      terminal.type(' ')
      await terminal.says(/PAUSED .*go on/)
      terminal.type('p?')
      await terminal.says(/Reload, and show the outcome/)
      terminal.type('?')
      await terminal.says(/AGE +STATE/)
      await quits(terminal)
    })

    it('gives the terminal back for Ctrl-Z, and takes it again', async () => {
      const { terminal } = await openedShared()
      terminal.type('\x1a')
      const { 1: modes = '' } = await terminal.says(/(speed [\s\S]*)stopped\r\n/)
      expectClean(terminal, modes)
      terminal.type('\n')
      await terminal.says(/AGE +STATE/)
      terminal.type('q')
      const ended = await terminal.ended()
      expect(ended.code).to.equal(0)
      expectClean(terminal, ended.modes)
    })

    it('lives in a terminal of any size', async () => {
      const { terminal } = await openedShared()
      for (const [width, height, pattern] of [
        [40, 10, /q quit/],
        [12, 3, /q quit/],
        [1, 1, /…/],
        [120, 40, /AGE +PID +STATE +GEN +UPTIME/],
      ] as const) {
        terminal.resize(width, height)
        await terminal.says(pattern)
      }
      await quits(terminal)
    })

    it('shows no colours with NO_COLOR, and nothing at all on a dumb terminal', async () => {
      const { server, terminal: plain } = await openedShared({ NO_COLOR: '1' })
      plain.type('q')
      await plain.ended()
      for (const colour of [1, 7, 32, 36]) expect(plain.raw).not.to.include(`\x1b[${colour}m`)
      const dumb = top(server, { TERM: 'dumb' })
      await dumb.says(/top needs a terminal, and TERM is dumb: use tsicornc show all/)
      expect((await dumb.ended()).code).to.equal(2)
    })

    it('goes on with the new arbiter of an upgrade', async () => {
      const { server, terminal } = await opened()
      const pid = await upgrade(server)
      await terminal.says(/The new arbiter serves beside the old one/)
      await retire(server, server.pid)
      await terminal.says(new RegExp(`\\(pid ${pid}, tsicorn .*\\): running`))
      process.kill(pid, 'SIGTERM')
      await terminal.says(/The server is gone \(pid \d+\): looking/)
      const { code, modes } = await terminal.ended()
      expect(code).to.equal(6)
      expectClean(terminal, modes)
      expect(terminal.raw.slice(terminal.raw.lastIndexOf('\x1b[?1049l'))).to.match(
        /tsicornc: The server is gone \(pid \d+\), and none has taken its place/,
      )
    })

    it('goes on with a server that was started again with the same name', async () => {
      const before = launchApp('hello.ts', ['--name', 'twice'])
      await before.running()
      const terminal = new TestTerminal(['--name', 'twice', 'top'])
      await terminal.says(/twice \(pid/)
      const after = launchApp('hello.ts', ['--name', 'twice'])
      await after.running()
      await before.stop()
      await terminal.says(new RegExp(`twice \\(pid ${after.pid}, `))
      await quits(terminal)
    })

    it('ends when the server has not answered for --timeout', async () => {
      const server = launchApp('hello.ts')
      await server.running()
      const terminal = new TestTerminal(['--pid', `${server.pid}`, '--timeout', '1.5', 'top'])
      await terminal.says(/AGE +STATE/)
      server.signal('SIGSTOP')
      const ended = await terminal.ended()
      server.signal('SIGCONT')
      expect(ended.code).to.equal(7)
      expect(terminal.raw).to.include('tsicornc: The server has not answered for 1.5 s')
      expectClean(terminal, ended.modes)
    })

    it('says that a server does not answer, and goes on when it does', async () => {
      const { server, terminal } = await opened()
      server.signal('SIGSTOP')
      await terminal.says(/The server has not answered for \d s/)
      server.signal('SIGCONT')
      await terminal.says(/sort: age/)
      await quits(terminal)
    })

    it('passes no control characters of a server on to the terminal', async () => {
      const name = 'evil\x1b]0;title\x07\x9b31m\nname'
      const stats = { reloads: 0, reloads_failed: 0 }
      const all = { arbiter: { ...arbiter, name }, workers: [], listeners: [], stats }
      const socket = await fakeServer({ hello: arbiter, 'show all': all })
      const terminal = new TestTerminal(['--socket', socket, 'top'])
      await terminal.says(/evil\?\]0;title\?\?31m name/)
      terminal.type('q')
      await terminal.ended()
      for (const dangerous of ['\x1b]0', '\x07', '\x9b']) expect(terminal.raw).not.to.include(dangerous)
    })

    it('leaves the terminal clean after an error that nobody handles, and then shows it', async () => {
      const crash = `process.on('SIGUSR2',()=>{throw(Error('crash'))})`
      const { terminal } = await openedShared({ NODE_OPTIONS: `--import=data:text/javascript,${crash}` })
      await terminal.signal('SIGUSR2')
      const { code, modes } = await terminal.ended()
      expect(code).to.equal(1)
      expectClean(terminal, modes)
      expect(terminal.raw.slice(terminal.raw.lastIndexOf('\x1b[?1049l'))).to.include('Error: crash')
    })

    it('leaves the terminal clean after an answer that it cannot understand', async () => {
      const socket = await fakeServer({ hello: arbiter, 'show all': { arbiter } })
      const terminal = new TestTerminal(['--socket', socket, 'top'])
      await terminal.says(/tsicornc: TypeError/)
      const { code, modes } = await terminal.ended()
      expect(code).to.equal(1)
      expectClean(terminal, modes)
    })
  })
})
