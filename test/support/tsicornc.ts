/** Runs the real `tsicornc`, and speaks to control sockets without it. */
import { spawn } from 'node:child_process'
import net from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tsicorn } from './tsicorn.ts'

const program = fileURLToPath(new URL('../../control/tsicornc.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A `tsicornc` that has been started. */
export interface Running {
  /** Resolves when its output matches. */
  says(pattern: RegExp): Promise<void>
  interrupt(): void
  /** Reads no more of its output, as `head` does when it has enough. */
  closeOutput(): void
  readonly ended: Promise<Ran>
}

export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  let heard: () => void = () => undefined
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
    heard()
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const ended = new Promise<Ran>(resolve => {
    child.once('close', code => {
      resolve({ code, stdout, stderr })
      heard()
    })
  })
  return {
    async says(pattern) {
      while (!pattern.test(stdout)) {
        if (child.exitCode !== null) throw new Error(`It ended without saying ${pattern}: ${stdout}${stderr}`)
        await new Promise<void>(resolve => {
          heard = resolve
        })
      }
    },
    interrupt: () => void child.kill('SIGINT'),
    closeOutput: () => void child.stdout.destroy(),
    ended,
  }
}

export async function tsicornc(...args: readonly string[]): Promise<Ran> {
  return await start(args).ended
}

/** Runs it for this server. */
export async function control(server: Tsicorn, ...args: readonly string[]): Promise<Ran> {
  return await tsicornc('--pid', `${server.pid}`, ...args)
}

/** The usual control socket of a server of this process. */
export function socketOf({ pid }: Pick<Tsicorn, 'pid'>): string {
  return join(process.env.XDG_RUNTIME_DIR as string, 'tsicorn', `${pid}.sock`)
}

/** Sends these bytes, and returns the messages that come until the server closes, or until there are `enough`. */
export async function exchange(
  path: string,
  bytes: Buffer,
  enough = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const socket = net.connect(path)
  const messages: string[] = []
  let rest = Buffer.alloc(0)
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) =>
      ['EPIPE', 'ECONNRESET'].includes(error.code ?? '') ? resolve() : reject(error),
    )
    socket.once('close', () => resolve())
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
        const end = 4 + rest.readUInt32BE()
        messages.push(rest.toString('utf8', 4, end))
        rest = rest.subarray(end)
      }
      if (messages.length >= enough) resolve()
    })
    socket.write(bytes)
  })
  socket.destroy()
  return messages
}
