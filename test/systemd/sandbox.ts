/** A systemd of its own for a test, with the units of `deploy/systemd` and one application; see `scripts/systemd-sandbox`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/tsicorn.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What `scripts/systemd-sandbox` exits with where it cannot work. */
const unavailable = 69

export interface Outcome {
  readonly code: number
  readonly output: string
}

export class Sandbox {
  /** The folder of the application: `/srv/app` for systemd. */
  readonly folder = mkdtempSync(join(tmpdir(), 'tsicorn-systemd-'))
  /** Why there is no sandbox on this machine. */
  refusal: string | undefined
  #pid = 0
  readonly #script: ChildProcess
  readonly #ended: Promise<number | null>

  constructor() {
    // The service has a user of its own.
    chmodSync(this.folder, 0o755)
    mkdirSync(join(this.folder, 'node_modules/.bin'), { recursive: true })
    symlinkSync('/srv/tsicorn', join(this.folder, 'node_modules/tsicorn'))
    symlinkSync('/srv/tsicorn/daemon/tsicorn.js', join(this.folder, 'node_modules/.bin/tsicorn'))
    const folders = {
      [root]: '/srv/tsicorn',
      [dirname(process.execPath)]: '/srv/node',
      [this.folder]: '/srv/app',
    }
    const binds = Object.entries(folders).flatMap(([source, target]) => ['--bind', source, target])
    // It lives as long as the command in it, which lives until this process closes its input, or ends.
    const command = ['sh', '-c', 'echo "pid $SANDBOX_PID"; exec cat']
    this.#script = spawn(join(root, 'scripts/systemd-sandbox'), [...binds, ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#ended = new Promise(resolve => this.#script.once('close', resolve))
  }

  /** Resolves when systemd runs, or when it is known why it does not. */
  async boot(): Promise<void> {
    let said = ''
    let complaint = ''
    this.#script.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    const booted = new Promise<void>(resolve => {
      this.#script.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.endsWith('\n')) resolve()
      })
    })
    await Promise.race([booted, this.#ended])
    const [, pid] = /^pid (\d+)$/m.exec(said) ?? []
    if (pid !== undefined) this.#pid = Number(pid)
    else if ((await this.#ended) === unavailable) this.refusal = complaint.trim()
    else throw new Error(`The sandbox did not start: ${complaint}`)
  }

  async close(): Promise<void> {
    this.#script.stdin?.end()
    await this.#ended
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Where a path of the sandbox is for us. */
  path(inside: string): string {
    return join(`/proc/${this.#pid}/root`, inside)
  }

  /** Writes a file of the application. */
  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text)
  }

  /** What the services wrote to their output since the last call of `forget`. */
  get log(): string {
    const file = join(this.folder, 'log')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  forget(): void {
    rmSync(join(this.folder, 'log'), { force: true })
  }

  /** Puts units where systemd finds them: files of `deploy/systemd`, or text by path. */
  async install(units: Readonly<Record<string, string | undefined>>): Promise<void> {
    for (const [path, text] of Object.entries(units)) {
      const place = this.path(join('/run/systemd/system', path))
      mkdirSync(dirname(place), { recursive: true })
      if (text === undefined) cpSync(join(root, 'deploy/systemd', path), place)
      else writeFileSync(place, text)
    }
    await this.systemctl('daemon-reload')
  }

  async remove(...units: readonly string[]): Promise<void> {
    for (const path of units) rmSync(this.path(join('/run/systemd/system', path)), { force: true })
    await this.systemctl('daemon-reload')
  }

  /** Runs a command beside the systemd of the sandbox. */
  run(...command: readonly string[]): Promise<Outcome> {
    return new Promise(resolve => {
      const args = ['-t', String(this.#pid), '-m', '-p', '--wd=/', ...command]
      execFile('nsenter', args, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
      })
    })
  }

  /** Runs `systemctl`; throws where it fails. */
  async systemctl(...args: readonly string[]): Promise<string> {
    const { code, output } = await this.run('systemctl', ...args)
    if (code !== 0) throw new Error(`systemctl ${args.join(' ')} failed: ${output}\nThe log:\n${this.log}`)
    return output
  }

  /** A property of the unit `tsicorn.service`. */
  async property(name: string): Promise<string> {
    return (await this.systemctl('show', 'tsicorn.service', '--value', '-p', name)).trim()
  }

  /** Waits until a property of the unit matches. */
  async becomes(name: string, wanted: string | RegExp): Promise<void> {
    let value = ''
    const matches = async () => {
      value = await this.property(name)
      return typeof wanted === 'string' ? value === wanted : wanted.test(value)
    }
    try {
      await eventually(`${name} becomes ${wanted}`, matches)
    } catch (error) {
      throw new Error(`${(error as Error).message}, but is ${value}\nThe log:\n${this.log}`)
    }
  }

  /** Ends the unit whatever state it is in, and makes it as good as new. */
  async reset(): Promise<void> {
    await this.run('systemctl', 'stop', 'tsicorn.socket', 'tsicorn.service')
    await this.run('systemctl', 'reset-failed')
  }
}
