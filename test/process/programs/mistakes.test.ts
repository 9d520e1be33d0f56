/** Programs that cannot be workers, or behave badly as such: each ends with one clear message, and nothing is left. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { eventually, freePort, isAlive, launch, type Tsicorn } from '../../support/tsicorn.ts'
import { gotBy, launchProgram, readyLine, sh, usual } from './launch-program.ts'

describe('a program that cannot start', () => {
  const cases: readonly [what: string, program: readonly string[], message: RegExp][] = [
    [
      'is not in PATH',
      ['no-such-program'],
      /The program "no-such-program" is not in PATH \(.+\): correct its name/,
    ],
    [
      'does not exist',
      ['./nothing'],
      /The program ".\/nothing" cannot be run: it does not exist: correct its path/,
    ],
    ['is a folder', ['./'], /The program ".\/" cannot be run: .+ is a folder: name a file/],
    [
      'is not executable',
      ['./plain'],
      /The program ".\/plain" cannot be run: permission denied: make it executable \(chmod \+x /,
    ],
    [
      'exits at once',
      sh('echo one; echo two >&2; exit 7'),
      /The program "\/bin\/sh" exited with code 7 before it was ready; its last lines:\n {4}one\n {4}two\n/,
    ],
    [
      'goes into the background',
      sh('exit 0'),
      /exited with code 0 \(a worker has to stay in the foreground\) before it was ready/,
    ],
    [
      'is killed at once',
      sh('kill -KILL $$'),
      /The program "\/bin\/sh" was ended by SIGKILL before it was ready/,
    ],
  ]

  for (const [what, program, message] of cases) {
    it(`because it ${what} ends the start with code 3, and says so`, async () => {
      const server = launchProgram(['--ready-line', 'never'], {
        program,
        errors: true,
        files: { plain: 'text' },
      })
      expect((await server.ended).code).to.equal(3)
      expect(server.log).to.match(/\[CRITICAL\] Cannot start: The program/)
      expect(server.log).to.match(message)
    })
  }

  it('fails a check of the configuration', async () => {
    const server = launchProgram(['--check-config'], { program: ['no-such-program'] })
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(/The program "no-such-program" is not in PATH/)
    const other = launchProgram(['--check-config'])
    expect((await other.ended).code).to.equal(0)
  })

  it('fails a reload, and the old one goes on', async () => {
    const config = (program: readonly string[]) =>
      `export default ${JSON.stringify({ worker_class: 'exec', app_args: program, bind: '127.0.0.1:0', ready_line: 'it serves' })}`
    const server = launch({ files: { 'tsicorn.config.mjs': config(usual()) }, errors: true })
    const { pid } = await gotBy(await server.running())
    server.write('tsicorn.config.mjs', config(sh('echo broken; exit 1')))
    await server.reload(/Reload 1 failed: generation 1 keeps serving: .* exited with code 1 .*\n {4}broken\n/)
    expect((await gotBy(server.url)).pid).to.equal(pid)
  })
})

describe('a program that does not get ready', () => {
  const idle = sh('echo starting; trap "exit 0" TERM; while :; do sleep 0.1; done')

  it('by no line that matches is told to leave at boot_timeout', async () => {
    await fails(
      ['--ready-line', 'never'],
      /was not ready within boot_timeout: no line of its output matches \(ready_line "never"\); its last lines:\n {4}starting\n/,
    )
  })

  it('by no line on its descriptor is told to leave at boot_timeout', async () => {
    await fails(
      ['--ready-fd', '4'],
      /was not ready within boot_timeout: it has written no line to descriptor 4 \(ready_fd\)/,
    )
  })

  it('by no answer is told to leave at boot_timeout', async () => {
    const port = await freePort()
    await fails(
      ['--ready-http', `http://127.0.0.1:${port}/`],
      /was not ready within boot_timeout: http:\S+ \(ready_http\): connect ECONNREFUSED/,
    )
  })

  it('by an answer of 503 is told to leave at boot_timeout', async () => {
    const server = createServer(socket =>
      socket.end('HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\n\r\n'),
    ).listen(0)
    const { port } = server.address() as { readonly port: number }
    await fails(['--ready-http', `http://127.0.0.1:${port}/`], /\(ready_http\): it answers with 503/)
    server.close()
  })

  it('because its pattern takes for ever is told to leave, and the arbiter is not held up', async () => {
    const program = sh(`printf '%0900d!\\n' 0; trap "exit 0" TERM; while :; do sleep 0.1; done`)
    await fails(['--ready-line', '^(0+)+$'], /it takes too long to compare lines with the pattern/, program)
  })

  async function fails(flags: readonly string[], message: RegExp, program = idle): Promise<void> {
    const server = launchProgram([...flags, '--boot-timeout', '2'], { program, errors: true })
    expect((await server.ended).code).to.equal(3)
    expect(server.log).to.match(message)
    expect(server.log).to.not.match(/SIGKILL/)
  }
})

describe('a program', () => {
  it('that ignores its signal is killed after graceful_timeout, and so are its children', async () => {
    const server = launchProgram(['--ready-line', 'child', '--graceful-timeout', '1'], {
      program: sh('trap "" TERM; (while :; do sleep 1; done) & echo child $!; while :; do sleep 1; done'),
    })
    const child = await childOf(server)
    await server.running()
    await server.stop()
    expect(server.log).to.match(/Killing worker 1 .*: not drained within graceful_timeout/)
    expect(isAlive(child)).to.equal(false)
  })

  it('that leaves children behind has them told to leave, and killed', async () => {
    const server = launchProgram(['--ready-line', 'child'], {
      program: sh(`trap "exit 0" TERM; ${childWith('trap "" TERM')} & while :; do sleep 0.1; done`),
    })
    const child = await childOf(server)
    await server.running()
    await server.stop()
    expect(server.log).to.match(
      /Worker 1 .* has ended and left .* behind \(pid [\d, ]+\): asking them to leave/,
    )
    expect(server.log).to.match(
      /Worker 1 .* left processes behind that do not leave: killing them \(pid [\d, ]+\)/,
    )
    expect(isAlive(child)).to.equal(false)
  })

  it('that is killed has its children told to leave, which may finish', async () => {
    const server = launchProgram(['--ready-line', 'child'], {
      errors: true,
      program: sh(`${childWith('trap "sleep 0.5; echo finished; exit 0" TERM')} & wait`),
    })
    await childOf(server)
    await server.running()
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(/finished/)
    expect(server.log).to.not.match(/killing them/)
  })

  it('that forks twice into the background fails to start, and what it has started is ended', async () => {
    const daemon = `const { spawn } = require('node:child_process')
      const child = spawn('/bin/sh', ['-c', 'while :; do sleep 1; done'], { detached: true, stdio: 'ignore' })
      child.unref()
      console.log('child ' + child.pid)`
    const server = launchProgram(['--ready-line', 'never'], {
      errors: true,
      program: [process.execPath, '-e', daemon],
    })
    const child = await childOf(server)
    expect((await server.ended).code).to.equal(3)
    expect(server.log).to.match(/a worker has to stay in the foreground/)
    await eventually('what it started is gone', () => !isAlive(child))
  })

  it('that prints more than is read serves, and the log says how much it has dropped', async () => {
    const server = launchProgram(readyLine, {
      program: sh('yes flood | head -n 100000; exec "$@"', ...usual()),
    })
    expect(await gotBy(await server.running())).to.have.property('LISTEN_FDS', '1')
    await server.stop()
    const [, dropped] =
      /Worker 1 .* prints too fast: (\d+) lines of it were dropped: 1000 a second/.exec(server.log) ?? []
    expect(Number(dropped)).to.be.greaterThan(50_000)
    expect(server.log.match(/ flood\n/g)).to.have.length(100_000 - Number(dropped))
  })

  it('that closes its output serves on', async () => {
    const server = launchProgram(['--ready-after', '0.5'], { program: sh('exec "$@" >&- 2>&-', ...usual()) })
    expect(await gotBy(await server.running())).to.have.property('LISTEN_FDS', '1')
  })

  it('is asked by the signal of stop_signal', async () => {
    const server = launchProgram(['--ready-line', 'starting', '--stop-signal', 'USR1'], {
      program: sh(
        'trap "echo by USR1; exit 0" USR1; trap "echo by TERM; exit 0" TERM; echo starting; while :; do sleep 0.1; done',
      ),
    })
    await server.running()
    await server.stop()
    expect(server.log).to.match(/by USR1/)
  })

  it('leaves when the arbiter is killed', async () => {
    const server = launchProgram(readyLine)
    const { pid } = await gotBy(await server.running())
    const slow = gotBy(`${server.url}/?ms=300`)
    await gotBy(server.url)
    process.kill(server.pid, 'SIGKILL')
    expect((await slow).pid).to.equal(pid)
    await eventually('the program is gone', () => !isAlive(Number(pid)))
  })

  it('leaves when the arbiter is killed, also if the shell that watches for that was killed before', async () => {
    const server = launchProgram(readyLine)
    await server.running()
    const [first] = watching(server)
    process.kill(first as number, 'SIGKILL')
    await eventually('another one watches', () => watching(server).some(pid => pid !== first))
    process.kill(server.pid, 'SIGKILL')
    await eventually('the program is gone', () => !isAlive(bootedBy(server)))
    await eventually('so is the shell', () => watching(server).length === 0)
  })

  it('whose arbiter was killed leaves no children behind', async () => {
    const server = launchProgram(['--ready-line', 'child'], {
      program: sh(`${childWith('trap "exit 0" TERM')} & wait`),
    })
    const child = await childOf(server)
    await server.running()
    process.kill(server.pid, 'SIGKILL')
    await eventually('both are gone', () => ![bootedBy(server), child].some(isAlive))
  })

  it('that ignores its signal is killed, and so are its children, if the arbiter was killed before', async () => {
    const server = launchProgram(['--ready-line', 'child', '--graceful-timeout', '1'], {
      program: sh(`trap "" TERM; ${childWith('trap "" TERM')} & wait`),
    })
    const child = await childOf(server)
    await server.running()
    process.kill(server.pid, 'SIGKILL')
    await eventually('both are gone', () => ![bootedBy(server), child].some(isAlive))
    await eventually('so is the shell', () => watching(server).length === 0)
  })

  function bootedBy(server: Tsicorn): number {
    return Number(/Booting worker 1 \(pid (\d+)\)/.exec(server.log)?.[1])
  }

  /** The shells in the background that were started by this server. */
  function watching({ folder }: Tsicorn): readonly number[] {
    const has = (pid: string, file: string, text: string) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text)
      } catch {
        return false
      }
    }
    const isOne = (pid: string) =>
      has(pid, 'cmdline', 'read -r sign pid') && has(pid, 'environ', `PWD=${folder}\0`)
    return readdirSync('/proc').filter(isOne).map(Number)
  }

  /** A child that says its number when it is prepared for signals, not before. */
  function childWith(trap: string): string {
    return `sh -c '${trap}; echo child $$; while :; do sleep 0.1; done'`
  }

  async function childOf(server: Tsicorn): Promise<number> {
    const [, child] = await server.says(/child (\d+)/)
    return Number(child)
  }
})

describe('with reload, a program that does not start', () => {
  it('has its error shown at the address until it starts', async () => {
    const flags = ['--reload', '--reload-extra-file', 'program.sh', ...readyLine]
    const server = launchProgram(flags, {
      program: ['/bin/sh', './program.sh'],
      errors: true,
      files: { 'program.sh': 'echo it is broken; exit 1\n' },
    })
    await server.says(/Cannot start: .*\n/)
    await eventually('the error is shown', async () => {
      const text = await fresh(server.url).catch(() => '')
      return /exited with code 1 before it was ready; its last lines:\n {4}it is broken/.test(text)
    })
    server.write('program.sh', `exec ${usual().join(' ')}\n`)
    await server.running()
    expect(await gotBy(server.url)).to.have.property('LISTEN_FDS', '1')
  })
})

describe('a program as another user', () => {
  it('has the user and the group of that one, and no other groups', async function () {
    if (process.getuid?.() !== 0) this.skip()
    const id = (option: string) => execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }).trim()
    const server = launchProgram(['--user', 'nobody', '--ready-line', '^I am'], {
      program: sh(
        'echo "I am $(id -u):$(id -g):$(id -G) $USER $LOGNAME"; trap "exit 0" TERM; while :; do sleep 0.1; done',
      ),
    })
    await server.running()
    expect(server.log).to.include(`I am ${id('-u')}:${id('-g')}:${id('-g')} nobody nobody\n`)
  })
})
