/** Measures one server: its rates, its processor time and its memory. */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { useOfMachine, useOfTree } from './process-tree.ts'
import { type Side, startServer } from './server.ts'

export interface Load {
  readonly connections: number
  /** How long each kind of load lasts. */
  readonly seconds: number
  /** How long the server is warmed up first. */
  readonly warmUp: number
}

/** The results of one server in one round. */
export interface Measurement {
  /** Requests per second. */
  readonly keepAlive: number
  /** Requests per second, each on its own connection. */
  readonly fresh: number
  /** Microseconds of the server's processor time per request. */
  readonly keepAliveCpu: number
  readonly freshCpu: number
  /** Memory of the process tree, before and after the load. */
  readonly freshPssMiB: number
  readonly pssMiB: number
  /** Connections that ended without an answer. */
  readonly errors: number
  /** Percent of the machine used by neither server nor client: rates mean little if this is high. */
  readonly others: number
}

/** Starts a server, loads it and stops it. */
export async function measure(side: Side, { connections, seconds, warmUp }: Load): Promise<Measurement> {
  const server = await startServer(side)
  const run = (mode: Mode, seconds: number) => load(server.pid, server.port, mode, connections, seconds)
  try {
    const freshPssMiB = useOfTree(server.pid).pssMiB
    await run('fresh', warmUp / 2)
    await run('keep-alive', warmUp / 2)
    const keepAlive = await run('keep-alive', seconds)
    const fresh = await run('fresh', seconds)
    return {
      keepAlive: keepAlive.rate,
      fresh: fresh.rate,
      keepAliveCpu: keepAlive.cpu,
      freshCpu: fresh.cpu,
      freshPssMiB,
      pssMiB: useOfTree(server.pid).pssMiB,
      errors: keepAlive.errors + fresh.errors,
      others: (keepAlive.others + fresh.others) / 2,
    }
  } finally {
    await server.stop()
  }
}

type Mode = 'keep-alive' | 'fresh'

async function load(pid: number, port: number, mode: Mode, connections: number, seconds: number) {
  const before = { server: useOfTree(pid).cpu, machine: useOfMachine() }
  const client = fileURLToPath(new URL('./client.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [client, port, mode, connections, seconds].map(String),
  )
  const result = JSON.parse(stdout) as { responses: number; errors: number; seconds: number; cpu: number }
  const cpu = useOfTree(pid).cpu - before.server
  const others = useOfMachine() - before.machine - cpu - result.cpu
  return {
    rate: result.responses / result.seconds,
    cpu: (cpu / result.responses) * 1e6,
    errors: result.errors,
    others: Math.max(0, others / result.seconds / availableParallelism()) * 100,
  }
}
