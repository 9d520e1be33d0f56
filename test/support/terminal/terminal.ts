/** Programs on a terminal that a test looks at and types on. It is made by Python: Node.js cannot make one. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterServers, childrenOf, eventually, isAlive } from '../tsicorn.ts'

/** Why tests on a terminal are skipped; undefined where they can run. */
export const noTerminal = [
  ['python3', '--version'],
  ['bash', '--version'],
].flatMap(([program = '', ...args]) =>
  spawnSync(program, args).status === 0 ? [] : [`there is no ${program}`],
)[0]

/** Runs a program on a new terminal. What is typed may have sizes in it, each behind a zero byte. */
const python = `
import fcntl, os, pty, re, select, struct, sys, termios
def resize(fd, size):
    width, height = map(int, size.split('x'))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', height, width, 0, 0))
pid, fd = pty.fork()
if pid == 0:
    resize(0, '80x24')
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while True:
        ready, _, _ = select.select([0, fd], [], [])
        if 0 in ready:
            typed = os.read(0, 4096)
            if typed == b'': break
            for size in re.findall(rb'\\0(\\d+x\\d+);', typed): resize(fd, size.decode())
            os.write(fd, re.sub(rb'\\0\\d+x\\d+;', b'', typed))
        if fd in ready:
            data = os.read(fd, 65536)
            if data == b'': break
            os.write(1, data)
except OSError:
    pass
`

const program = fileURLToPath(new URL('../../../control/tsicornc.js', import.meta.url))

export class TestTerminal {
  /** All that was written, as it was written. */
  raw = ''
  readonly #python: ChildProcess
  #read = 0
  #hasEnded = false
  #heard: () => void = () => undefined

  /**
   * Runs `tsicornc` with these arguments in a shell that has job control. When it is stopped, the shell says so, and
   * continues it after an Enter; after its end, it prints the exit code and the modes of the terminal.
   */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const script = `set -m
"$@"
code=$?
while [ -n "$(jobs -s)" ]; do stty -a; echo "stopped"; read line; fg >/dev/null; code=$?; done
stty -a
echo "ended with $code"`
    const command = ['bash', '-c', script, 'bash', process.execPath, program, ...args]
    this.#python = spawn('python3', ['-c', python, ...command], {
      env: { ...process.env, TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#python.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text
      this.#heard()
    })
    this.#python.once('close', () => {
      this.#hasEnded = true
      this.#heard()
    })
    afterServers(() => this.#end())
  }

  /** What was written after what the last call has found, without colours and the like, until it matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const text = stripVTControlCharacters(this.raw)
      const match = pattern.exec(text.slice(this.#read))
      if (match !== null) {
        this.#read += match.index + match[0].length
        return match
      }
      if (this.#hasEnded) throw new Error(`It ended without saying ${pattern}:\n${text}`)
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
    }
  }

  /** Waits until it is over; the exit code that the shell saw, and what it says of the terminal. */
  async ended(): Promise<{ readonly code: number; readonly modes: string }> {
    const { 1: modes = '', 2: code } = await this.says(/(speed [\s\S]*)ended with (\d+)/)
    return { code: Number(code), modes }
  }

  type(keys: string): void {
    this.#python.stdin?.write(keys)
  }

  /** In characters; it has 80 x 24 at first. */
  resize(width: number, height: number): void {
    this.type(`\0${width}x${height};`)
  }

  /** Sends a signal to `tsicornc`. */
  async signal(name: NodeJS.Signals): Promise<void> {
    let pid: number | undefined
    await eventually('tsicornc runs', () => {
      const [shell] = childrenOf(this.#python.pid as number)
      pid = shell === undefined ? undefined : childrenOf(shell)[0]
      return pid !== undefined
    })
    process.kill(pid as number, name)
  }

  #end(): void {
    const pid = this.#python.pid as number
    const all = [pid, ...(isAlive(pid) ? childrenOf(pid) : [])]
    const below = all.slice(1).flatMap(one => (isAlive(one) ? childrenOf(one) : []))
    for (const one of [...below, ...all]) if (isAlive(one)) process.kill(one, 'SIGKILL')
  }
}
