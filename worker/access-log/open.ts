import type { AccessLine } from '../../hooks/access-entry.ts'
import type { WorkerLog } from '../process/log.ts'
import { LogFailed } from '../protocol/boot-error.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import type { AccessLog } from './access-log.ts'

/**
 * Opens what requests are told to, where there is something: the access log, syslog, statsd.
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
