/** Gunicorn, with the same answers from an app in Python. */
import { certfile, keyfile, pythonApps } from './cache.ts'
import { accessLogIn, type Place, type Setup, type Side, socketIn } from './setup.ts'

/** Which Gunicorn: the environment may name another than that of the path. */
export const gunicornCommand = process.env.GUNICORN ?? 'gunicorn'

export const gunicornSync = gunicorn('Gunicorn sync', ['-k', 'sync'])
export const gunicornThreads = gunicorn('Gunicorn gthread', [
  '-k',
  'gthread',
  '--threads',
  '4',
  '--keep-alive',
  '65',
])

function gunicorn(title: string, kind: readonly string[]): Side {
  return {
    title,
    serve(setup, place) {
      const own = flags(setup, place)
      if (own === undefined) return undefined
      return {
        program: gunicornCommand,
        args: [...kind, ...own, '--chdir', pythonApps, 'app'],
        cwd: place.folder,
      }
    },
    version: { program: gunicornCommand, args: ['--version'] },
    async reload(pid) {
      process.kill(pid, 'SIGHUP')
    },
    isSupervised: true,
    workers: 'processes of Python',
  }
}

function flags({ app, protocol, isUnix, workers, extra }: Setup, place: Place): string[] | undefined {
  const extras: Readonly<Partial<Record<Setup['extra'], string[]>>> = {
    nothing: [],
    'access-log': ['--access-logfile', accessLogIn(place)],
    statsd: ['--statsd-host', `127.0.0.1:${place.statsdPort}`],
  }
  const chosen = extras[extra]
  if (app !== 'plain' || protocol === 'http2' || chosen === undefined) return undefined
  return [
    ...['-w', `${workers}`, '-b', isUnix ? `unix:${socketIn(place)}` : `127.0.0.1:${place.port}`],
    ...(protocol === 'https' ? ['--keyfile', keyfile, '--certfile', certfile] : []),
    ...['--log-level', 'warning', ...chosen],
  ]
}
