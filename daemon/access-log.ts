/** The access log as far as it concerns the arbiter, which never writes to it. */
import { openLogFile } from '../worker/log-file.ts'

/** Opens a path (or `-`) once, before any worker does: what is wrong with it is said once, and not by every worker. */
export async function tryAccessLog(accesslog: string | null): Promise<void> {
  if (accesslog === null || accesslog === '-') return
  const onTrouble = () => undefined
  const file = await openLogFile({ setting: 'accesslog', value: accesslog, standard: 1, onTrouble })
  await file.close()
}
