/** The settings under "Other programs": they are for `worker_class: 'exec'` alone. */
import type { Group } from '../kinds/declaration.ts'
import { integer, seconds } from '../kinds/kinds.ts'
import { pattern, probe, stopSignal } from '../kinds/programs.ts'

export const programs = {
  ready_fd: {
    kind: integer({ max: 255 }),
    default: 0,
    flag: '--ready-fd',
    doc: 'The program is ready when it writes a line end to this descriptor, as with s6. The number comes after those of the sockets: 3 plus the number of addresses, or more. The program finds it in `$TSICORN_READY_FD`. 0 for none. Not in Gunicorn.',
    effect: 'on reload',
  },
  ready_line: {
    kind: pattern,
    default: null,
    flag: '--ready-line',
    doc: 'The program is ready when a line that it prints matches this regular expression, such as `startup complete`. Of a line, the first 1,000 characters count. Not in Gunicorn.',
    effect: 'on reload',
  },
  ready_http: {
    kind: probe,
    default: null,
    flag: '--ready-http',
    doc: 'The program is ready when it answers here with a status below 400: `http://HOST:PORT/PATH`, or `unix:SOCKET:/PATH`. It has to be an address of this worker alone, where the program listens itself: at the shared ones, any worker answers. `{pid}` and `{index}` are replaced by those of the worker. Not in Gunicorn.',
    effect: 'on reload',
  },
  ready_after: {
    kind: seconds,
    default: 1,
    flag: '--ready-after',
    doc: 'Without any of the above, the program is taken for ready when it has lived for this many seconds. Not in Gunicorn.',
    effect: 'on reload',
  },
  stop_signal: {
    kind: stopSignal,
    default: 'TERM',
    flag: '--stop-signal',
    doc: 'The signal that tells the program to answer what it has and to leave. Not in Gunicorn.',
    effect: 'on reload',
  },
} as const satisfies Group
