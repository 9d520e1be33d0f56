/** Opens the access log where it is configured, and loads its modules only then. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { WorkerLog } from '../process/log.ts'
import { LogFailed } from '../protocol/boot-error.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import type { AccessLog } from './access-log.ts'

/**
 * Resolves with undefined when there is no file, no syslog and no statsd to write to.
 *
 * @throws LogFailed
 */
export async function openRequestLog(
  settings: WorkerSettings,
  format: string | AccessLine,
  log: WorkerLog,
): Promise<AccessLog | undefined> {
  if (settings.accesslog === null && settings.syslog === null && settings.statsd === null) return undefined
  const { openAccessLog } = await import('./access-log.ts')
  try {
    return await openAccessLog({ ...settings, access_log_format: format, onError: log.error })
  } catch (error) {
    throw new LogFailed((error as Error).message, { cause: error })
  }
}
