/** What a server holds: descriptors and memory of its arbiter and of its workers. */
import { readFileSync } from 'node:fs'
import { descriptorsOf } from '../../loss/census.ts'
import { isAlive } from '../../support/tsicorn.ts'
import { becomes } from './patience.ts'

export interface Holding {
  readonly descriptors: number
  /** Resident memory in bytes. */
  readonly rss: number
  /** What is in use of it, where the process can say so. */
  readonly inUse: number
}

export interface Census {
  /** Without what it has for each worker. */
  readonly arbiter: Holding
  /** Of the worker that holds most. */
  readonly worker: Holding
}

/**
 * What memory may grow by, in bytes. Resident memory has what the allocators of V8 and of C keep for later, which is much
 * after an app has sent much.
 */
const mostInUse = 32 * 2 ** 20
const mostOfArbiter = 120 * 2 ** 20
const mostOfWorker = 400 * 2 ** 20

/** Descriptors that a worker may have more: an honest client's connection that has not ended yet. */
const mostConnections = 4

/** Descriptors of the arbiter for a worker: its channel, and that to its watchdog. */
const perWorker = 2

/** How long it may take until everything is given back, in seconds. */
const patience = 15

/** `inUse` is that of the worker that uses most. */
export async function takeCensus(
  arbiter: number,
  workers: readonly number[],
  inUse: number,
): Promise<Census> {
  const holdings = await Promise.all(workers.map(holdingOf))
  const { descriptors, ...memory } = await holdingOf(arbiter)
  return {
    arbiter: { ...memory, descriptors: descriptors - perWorker * workers.length },
    worker: {
      descriptors: Math.max(...holdings.map(({ descriptors }) => descriptors)),
      rss: Math.max(...holdings.map(({ rss }) => rss)),
      inUse,
    },
  }
}

/** What has grown for good, in one sentence each. */
export async function findGrowth(before: Census, take: () => Promise<Census>): Promise<string[]> {
  let faults: string[] = []
  await becomes(async () => {
    faults = compare(before, await take())
    return faults.length === 0
  }, patience)
  return faults
}

function compare(before: Census, after: Census): string[] {
  return [
    ...compareHolding('The arbiter', before.arbiter, after.arbiter, 0, mostOfArbiter),
    ...compareHolding('A worker', before.worker, after.worker, mostConnections, mostOfWorker),
  ]
}

function compareHolding(
  who: string,
  before: Holding,
  after: Holding,
  mostDescriptors: number,
  mostResident: number,
): string[] {
  const faults: string[] = []
  if (after.descriptors > before.descriptors + mostDescriptors) {
    faults.push(`${who} has ${after.descriptors} descriptors, and had ${before.descriptors} before`)
  }
  if (after.rss > before.rss + mostResident) {
    faults.push(`${who} has ${mebibytes(after.rss)} MiB, and had ${mebibytes(before.rss)} before`)
  }
  if (after.inUse > before.inUse + mostInUse) {
    faults.push(`${who} uses ${mebibytes(after.inUse)} MiB, and used ${mebibytes(before.inUse)} before`)
  }
  return faults
}

async function holdingOf(pid: number): Promise<Holding> {
  const descriptors = await descriptorsOf(pid)
  if (!isAlive(pid)) return { descriptors: 0, rss: 0, inUse: 0 }
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return { descriptors, rss: Number(kibibytes) * 1_024, inUse: 0 }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
