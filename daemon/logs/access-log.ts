/** Checks the access log for the arbiter, which never writes to it. */
import { openLogFile } from '../../worker/sinks/log-file.ts'

/**
 * Opens a path (or `-`) once before any worker does, so that an error is reported once, and not by every worker. If
 * workers run as another user, a link that root does not follow is left to them and their rights.
 */
export async function tryAccessLog(accesslog: string | null, isForOthers: boolean): Promise<void> {
  if (accesslog === null || accesslog === '-') return
  const onTrouble = () => undefined
  try {
    const file = await openLogFile({ setting: 'accesslog', value: accesslog, standard: 1, onTrouble })
    await file.close()
  } catch (error) {
    const { cause } = error as { readonly cause?: NodeJS.ErrnoException }
    if (!isForOthers || cause?.code !== 'EUNTRUSTED') throw error
  }
}
