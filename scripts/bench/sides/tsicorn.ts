/** tsicorn from this repository, as it is built for the package. */
import { join } from 'node:path'
import { certfile, keyfile, program, root } from './cache.ts'
import { accessLogIn, type Place, type Setup, type Side, socketIn } from './setup.ts'

const command = join(root, 'daemon/tsicorn.js')

export const tsicorn: Side = {
  title: 'tsicorn',
  serve: (setup, place) => ({
    program: process.execPath,
    args: [command, ...flags(setup, place), program(setup.app)],
    // A folder without a configuration.
    cwd: place.folder,
  }),
  version: { program: process.execPath, args: [command, '--version'] },
  async reload(pid) {
    process.kill(pid, 'SIGHUP')
  },
  isSupervised: true,
  workers: 'processes of Node',
}

function flags({ protocol, isUnix, workers, extra }: Setup, place: Place): string[] {
  const file = ['--access-logfile', accessLogIn(place)]
  const extras = {
    nothing: [],
    'access-log': file,
    'json-log': [...file, '--access-logformat', 'json'],
    statsd: ['--statsd-host', `127.0.0.1:${place.statsdPort}`],
    'request-timeout': ['--request-timeout', '30'],
    'balance-off': ['--balance', 'off'],
    'balance-requests': ['--balance', 'requests'],
  }
  return [
    ...['-w', `${workers}`, '-b', isUnix ? `unix:${socketIn(place)}` : `127.0.0.1:${place.port}`],
    ...(protocol === 'http' ? [] : ['--keyfile', keyfile, '--certfile', certfile]),
    ...(protocol === 'http2' ? ['--http-protocols', 'h2,h1'] : []),
    ...extras[extra],
  ]
}
