/** The sides that are Node alone: the limit, one process, and `node:cluster`. */
import { certfile, keyfile, program } from './cache.ts'
import { type Command, type Place, type Setup, type Side, socketIn } from './setup.ts'

/** A command of Node for one of the benchmark's programs. */
export function nodeProgram(name: string, setup: Setup, place: Place): Command | undefined {
  if (setup.extra !== 'nothing') return undefined
  return { program: process.execPath, args: [program(name)], env: environment(setup, place) }
}

/** What the programs are told. */
export function environment({ app, protocol, isUnix, workers }: Setup, place: Place): Record<string, string> {
  const where = isUnix ? { path: socketIn(place) } : { host: '127.0.0.1', port: place.port }
  return {
    BENCH_APP: app,
    BENCH_PROTOCOL: protocol,
    BENCH_PLACE: JSON.stringify(where),
    BENCH_KEY: keyfile,
    BENCH_CERT: certfile,
    BENCH_WORKERS: `${workers}`,
  }
}

const version: Command = { program: process.execPath, args: ['-e', '0'] }

export const limit: Side = {
  title: 'limit',
  serve: (setup, place) => nodeProgram('limit', setup, place),
  version,
  isSupervised: false,
  workers: 'processes of Node',
}

export const bare: Side = {
  title: 'one process',
  // It has no workers among which anything could be shared.
  serve: (setup, place) => (setup.workers === 2 ? nodeProgram('serve', setup, place) : undefined),
  version,
  isSupervised: false,
  workers: 'processes of Node',
}

export const cluster: Side = {
  title: 'node:cluster',
  serve: (setup, place) => nodeProgram('cluster', setup, place),
  version,
  isSupervised: true,
  workers: 'processes of Node',
}
