/** The two halves of an upgrade, for tests. */
import { eventually, isAlive, type Tsicorn } from './tsicorn.ts'

/** Sends USR2 to an arbiter and waits until its new arbiter serves; the new arbiter's process id. */
export async function upgrade(server: Tsicorn, pid = server.pid): Promise<number> {
  process.kill(pid, 'SIGUSR2')
  const [, newArbiter] = await server.says(/The new arbiter serves beside this one \(pid (\d+)\)/)
  return Number(newArbiter)
}

/** Ends the arbiter before a new arbiter, and waits until the new arbiter knows. */
export async function retire(
  server: Tsicorn,
  pid: number,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  process.kill(pid, signal)
  await server.says(/Promoted/)
  await eventually('the old arbiter is gone', () => !isAlive(pid))
}
