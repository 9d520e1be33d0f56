/** A program for a test: uses up its descriptors, and then has something to tell systemd. */
import { openSync } from 'node:fs'
import { createNotifier } from '../../../daemon/process/sd-notify.ts'

const log = { write: (_: string, message: string) => process.stdout.write(`${message}\n`) }
const notifier = createNotifier({ env: { PATH: '/', NOTIFY_SOCKET: '@/org/systemd' }, log })
try {
  for (;;) openSync('/dev/null', 'r')
} catch (error) {
  process.stdout.write(`${(error as NodeJS.ErrnoException).code}\n`)
}
notifier?.ready('ready')
await notifier?.idle()
