/** The two halves of an upgrade, for tests. */
import { eventually, isAlive, type Tsicorn } from './tsicorn.ts'

/** Sends USR2 to an arbiter and waits until its heir serves; the heir's process id. */
export async function upgrade(server: Tsicorn, pid = server.pid): Promise<number> {
  process.kill(pid, 'SIGUSR2')
  const [, heir] = await server.says(/The heir serves beside this arbiter \(pid (\d+)\)/)
  return Number(heir)
}

/** Ends the arbiter before an heir, and waits until the heir knows. */
export async function retire(
  server: Tsicorn,
  pid: number,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  process.kill(pid, signal)
  await server.says(/Promoted/)
  await eventually('the old arbiter is gone', () => !isAlive(pid))
}
