/** The access log as far as it concerns the arbiter, which never writes to it. */
import { openLogFile } from '../../worker/sinks/log-file.ts'

/**
 * Opens a path (or `-`) once, before any worker does: what is wrong with it is said once, and not by every worker. Where
 * workers have a user of their own, a link that root does not follow is theirs to follow, with their own rights.
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
