/** Has the kernel queue connections on sockets that are bound: programs such as those in Go expect that. */
import { trySpawn } from '../system/spawn.ts'
import type { Listener } from './sockets.ts'

/**
 * Node cannot listen without accepting. So another process listens on the same sockets, and exits before its event loop
 * turns for the first time.
 */
const code = `
const [backlog, ...fds] = process.argv.slice(1).map(Number)
const { createServer } = require('node:net')
for (const fd of fds)
  createServer().listen({ fd, backlog }).once('error', ({ message }) => {
    process.stderr.write(fd + ' ' + message)
    process.reallyExit(1)
  })
process.nextTick(() => process.reallyExit(0))
`

/** The first descriptor that the process inherits. */
const firstFd = 3

/** Rejects if another server has an address. */
export async function startListening(listeners: readonly Listener[], backlog: number): Promise<void> {
  const open = listeners.filter(({ fd }) => fd !== undefined)
  const numbers = open.map((_, index) => firstFd + index)
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = trySpawn(process.execPath, ['-e', code, ...[backlog, ...numbers].map(String)], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', ...open.map(({ fd }) => fd as number)],
  })
  if (child instanceof Error) throw new Error(`Cannot listen: ${child.message}`)
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', error => reject(new Error(`Cannot listen: ${error.message}`)))
    child.once('close', resolve)
  })
  if (exitCode === 0) return
  const [, number, why = said] = /^(\d+) (.*)$/s.exec(said) ?? []
  const name = open[Number(number) - firstFd]?.name ?? 'the sockets'
  throw new Error(`Cannot listen at ${name}: ${why.trim()}`)
}
